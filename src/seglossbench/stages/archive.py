"""The copy of an experiment's finished runs and scores that DVC keeps, apart from the runs themselves.

What DVC tracks it may remove, and of a run there may be no other copy: so ``archive/`` is DVC's, ``runs/`` and
``scores/`` are not. DVC looks at every file and folder that it keeps whenever it is called, so a run is one file there,
and its scores, which change with the evaluation and are small, another. Neither ever changes under its name.

Nor is any a link to a file of ours or of DVC's cache (``.dvc/config``): DVC would copy it, and read all of it for its
checksum, at every ``dvc repro``.
"""

import os
import shutil
import tarfile
from pathlib import Path

from seglossbench.errors import InputError
from seglossbench.experiment import Experiment, Run
from seglossbench.files import atomic_file, atomic_folder, write_text
from seglossbench.names import word
from seglossbench.records import State, state

ARCHIVE = Path("archive")
NUMBERS = ARCHIVE / "numbers"


def archive(experiment: Experiment) -> int:
    """Make ``archive/`` hold the experiment's finished runs and scores, and nothing else; returns how many runs.

    Beside them stand the numbers of its analysis, as DVC compares them (``_numbers``).
    """
    runs = {kept_run(run): run for run in experiment.runs if _is_whole(run)}
    scores = {kept_scores(run): run.scores for run in experiment.runs if run.scores.exists()}
    numbers = _numbers(experiment)
    present = {Path(folder, name) for folder, _, names in os.walk(ARCHIVE) for name in names}
    if unwanted := present - runs.keys() - scores.keys() - numbers.keys():
        _remove(unwanted)
    ARCHIVE.mkdir(exist_ok=True)
    for place in runs.keys() - present:
        _pack(runs[place], place)
    for place in scores.keys() - present:
        with atomic_file(place) as temporary:
            shutil.copyfile(scores[place], temporary)
    for place, text in numbers.items():
        if not place.exists() or place.read_text(encoding="utf-8") != text:
            write_text(place, text)
    return len(runs)


def restore(experiment: Experiment) -> int:
    """Copy into ``runs/`` and ``scores/`` what only the archive has of the experiment; returns how many runs.

    Raises InputError that names a damaged file of the archive.
    """
    restored = 0
    for run in experiment.runs:
        is_missing = not run.folder.exists() and state(run.folder) is not State.RUNNING
        if is_missing and (kept := kept_run(run)).exists():
            _unpack(kept, run)
            restored += 1
        if not run.scores.exists() and (kept := kept_scores(run)).exists():
            with atomic_file(run.scores) as temporary:
                shutil.copyfile(kept, temporary)
    return restored


def kept_run(run: Run) -> Path:
    """The file in which the archive has all files of a finished run."""
    return ARCHIVE / "runs" / f"{run.id}.tar"


def kept_scores(run: Run) -> Path:
    """The run's table of scores in the archive."""
    return ARCHIVE / "scores" / f"{run.id}-{run.scores.name}"


def _pack(run: Run, place: Path) -> None:
    """Write the files of a run as one, with the same bytes whenever and wherever that is done."""
    with atomic_file(place) as temporary, tarfile.open(temporary, "w", format=tarfile.GNU_FORMAT) as packed:
        for name in run.files:
            member = tarfile.TarInfo(name)  # of no time and of nobody
            member.size = (run.folder / name).stat().st_size
            with (run.folder / name).open("rb") as content:
                packed.addfile(member, content)


def _unpack(place: Path, run: Run) -> None:
    try:
        with (
            tarfile.open(place, "r:") as packed,
            atomic_folder(run.folder, keep_existing=True) as folder,
        ):
            for name in run.files:
                content = packed.extractfile(name)
                if content is None:
                    raise KeyError(name)
                with (folder / name).open("wb") as file:
                    shutil.copyfileobj(content, file)
    except (tarfile.TarError, KeyError) as error:
        raise InputError(
            f"{place}: no whole run ({error}); remove it, and bring it back by dvc checkout or dvc pull"
        ) from None


def _remove(files: set[Path]) -> None:
    """Remove files of the archive, and the folders that this leaves empty."""
    for file in files:
        file.unlink()
    for folder, _, _ in os.walk(ARCHIVE, topdown=False):
        if not any(Path(folder).iterdir()):
            Path(folder).rmdir()


def _numbers(experiment: Experiment) -> dict[Path, str]:
    """The files of ``archive/numbers``: metrics.json, a table of means per metric, one of points per curve and loss.

    DVC draws a file for each, and lays those of several experiments over each other.
    """
    from seglossbench.analysis.files import read_table

    folder = experiment.report.parent
    try:
        means, curves = (read_table(folder / "analysis" / f"{name}.csv") for name in ("means", "curves"))
        numbers = {NUMBERS / "metrics.json": (folder / "metrics.json").read_text(encoding="utf-8")}
    except OSError:  # nothing is scored yet
        return {}
    overall = means[means["class"] == "*"]
    for metric, table in overall.groupby("metric", sort=False):
        of = table.assign(what=table["dataset"] + " " + table["network"] + " " + table["loss"])
        text = of[["what", "mean", "lo", "hi"]].to_csv(index=False, lineterminator="\n")
        numbers[NUMBERS / "means" / f"{word(str(metric))}.csv"] = text
    by_epoch = curves[curves["axis"] == "epoch"].rename(columns={"x": "epoch"})
    for names, table in by_epoch.groupby(["curve", "dataset", "network", "loss"], sort=False):
        text = table[["epoch", "mean"]].to_csv(index=False, lineterminator="\n")
        numbers[NUMBERS / "curves" / f"{' '.join(word(str(name)) for name in names)}.csv"] = text
    return numbers


def _is_whole(run: Run) -> bool:
    """Whether a run is finished and nobody has removed a part of it since, such as its weights."""
    try:
        return set(run.files) <= {file.name for file in os.scandir(run.folder)}
    except FileNotFoundError:
        return False
