"""One function per stage, put together from the rooms below; the command line calls these and nothing else."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from seglossbench.data import index_cases
from seglossbench.data.cases import CaseIndex
from seglossbench.data.facts import facts_of_prepared
from seglossbench.data.prepared import PreparedCase, PreparedDataset
from seglossbench.data.splits import Split, split_cases
from seglossbench.errors import InputError, JobError
from seglossbench.experiment import Dataset, Experiment, Run, raw_folder, source_version
from seglossbench.files import atomic_file, atomic_folder
from seglossbench.params import DatasetParams, Params, PhantomParams
from seglossbench.records import (
    State,
    describe,
    duration_seconds,
    failure,
    library_versions,
    note_divergence,
    read_history,
    run_in_progress,
    state,
    working_folder,
)

if TYPE_CHECKING:
    import torch
    from torch import nn

    from seglossbench.data.cases import Problem
    from seglossbench.maps.store import MapSettings, StoredMaps
    from seglossbench.reporting.page import Facts
    from seglossbench.training.loop import Trained


def download(dataset: Dataset) -> CaseIndex:
    """Get the raw dataset into its place and look whether its cases can be read, which are returned."""
    from seglossbench.acquisition.archives import extract

    if dataset.params.phantom is not None:
        archive = Path("data/phantoms") / f"{dataset.raw.name}.zip"
        if not archive.exists():
            _draw_phantom(dataset.params.phantom, archive)
        extract(archive, dataset.raw)
    elif dataset.params.source is not None:
        download_source(dataset.name, dataset.params)
    return index_cases(dataset.raw, dataset.params)


def download_source(name: str, settings: DatasetParams) -> Path:
    """Get the files of a source whose licence was accepted, unless they are there, and return their folder."""
    from seglossbench.acquisition import licences, sources
    from seglossbench.acquisition.acquire import acquire

    assert settings.source is not None
    source = sources.find(settings.source)
    if not settings.accept_licence:
        licences.require(settings.source, source.licence, name)
    raw = raw_folder(settings, source_version(settings, f"datasets.{name}"))
    if not raw.exists():
        routes = sources.routes_of(settings.source, settings.route)
        acquire(settings.source, source, raw, routes, origin=settings.origin)
    return raw


def _draw_phantom(phantom: PhantomParams, archive: Path) -> None:
    from seglossbench.data.phantoms import write_amos_phantom, write_brats_phantom

    if phantom.layout == "brats":
        cases = phantom.training + phantom.test
        write_brats_phantom(archive, cases=cases, shape=phantom.shape, seed=phantom.seed)
    else:
        write_amos_phantom(
            archive,
            training=phantom.training,
            validation=phantom.test,  # AMOS keeps its labelled validation part for what serves as our test
            mri_fraction=phantom.mri_fraction,
            shape=phantom.shape,
            seed=phantom.seed,
        )


def preprocess(dataset: Dataset, processes: int = 1) -> "Sequence[Problem]":
    """Prepare all cases of a raw dataset; returns why cases were left out, where ``on_bad_case`` is ``skip``."""
    from seglossbench.data.checking import usable_cases
    from seglossbench.data.preprocessing import preprocess_dataset
    from seglossbench.reporting.published import published_folder

    index = index_cases(dataset.raw, dataset.params)
    if dataset.params.on_bad_case == "skip":
        index = usable_cases(index, processes, f"check {dataset.name}")
    # A split that cannot be is said before the work.
    split = split_cases(index.cases, dataset.params, dataset.name)
    published_folder(dataset)
    preprocess_dataset(
        index,
        dataset.preprocess,
        dataset.prepared,
        dataset.name,
        processes,
        raw=dataset.raw,
        learn_from=split.train,
    )
    return index.problems


def split_of(dataset: Dataset, prepared: PreparedDataset) -> Split:
    """The division of a prepared dataset's cases; raises InputError where the best epoch could not be told by it."""
    split = split_cases(tuple(prepared.cases.values()), dataset.params, dataset.name)
    if dataset.train.checkpoint == "best" and not split.validation:
        raise InputError(
            f"datasets.{dataset.name}: train.checkpoint: best needs cases for validation; raise "
            "validation_fraction, or take checkpoint: last"
        )
    return split


def cache_maps(experiment: Experiment, dataset: Dataset) -> None:
    """Compute the maps of every case that losses may read, once."""
    from seglossbench.maps import store

    experiment = experiment.part_with(dataset)
    prepared = PreparedDataset(dataset.prepared)
    with atomic_folder(dataset.maps) as folder:
        for case in tqdm(prepared.cases.values(), desc=f"maps {dataset.name}", unit="case"):
            store.write(folder, case.name, case.labels, _map_settings(experiment, case))


def _map_settings(experiment: Experiment, case: PreparedCase) -> "MapSettings":
    from seglossbench.maps.store import MapSettings

    in_mm = experiment.params.maps.distance_units == "mm"
    return MapSettings(spacing_mm=case.geometry.spacing_mm if in_mm else None)


def _stored_maps(experiment: Experiment, run: Run, cases: Sequence[PreparedCase]) -> "dict[str, StoredMaps]":
    from seglossbench.maps import store

    if experiment.params.maps.scope == "patch":
        return {}
    return {
        case.name: store.read(
            run.dataset.maps, case.name, labels=case.labels, settings=_map_settings(experiment, case)
        )
        for case in cases
    }


def train(experiment: Experiment, run: Run, threads: int) -> None:
    """Train one run, unless it is finished, and predict the test cases while the network is at hand."""
    from seglossbench.training.device import claim_device, limit_threads

    if state(run.folder).is_finished:
        return
    limit_threads(threads)
    with claim_device(run.dataset.train.device) as device:
        with run_in_progress(run.folder, run.settings) as folder:
            trained = _train(experiment, run, folder, device)
            if trained.divergence is not None:
                note_divergence(folder, trained.divergence.epoch, trained.divergence.reason)
        _predict(experiment, run, device, trained.network)


def train_all(experiment: Experiment, runs: Sequence[Run], threads: int) -> None:
    """Train runs one after the other; one that fails does not keep the others from being trained."""
    failed = []
    for run in runs:
        try:
            train(experiment.part_of(run), run, threads)
        except InputError:
            raise
        except Exception as error:
            if len(runs) == 1:
                raise
            failed.append(f"{run.id}: {describe(error)}")
    if failed:
        raise JobError(f"{len(failed)} of {len(runs)} runs failed: " + "; ".join(failed))


def _train(experiment: Experiment, run: Run, folder: Path, device: "torch.device") -> "Trained":
    from seglossbench import losses
    from seglossbench.tracking.live import LiveTracker
    from seglossbench.training.batches import PatchBatches
    from seglossbench.training.loop import Training
    from seglossbench.training.loop import train as train_network

    params = experiment.params
    prepared = PreparedDataset(run.dataset.prepared)
    split = split_of(run.dataset, prepared)
    loss = losses.build(params.losses[run.loss])
    settings = run.dataset.train
    cases = [prepared.cases[name] for name in split.train]
    training = Training(
        network=_build_network(experiment, run, prepared),
        loss=loss,
        batches=PatchBatches(
            cases,
            _stored_maps(experiment, run, cases),
            loss.maps,
            len(prepared.classes),
            settings,
            params.maps,
            dataset=run.dataset.name,
            seed=run.seed,
        ),
        validation=[prepared.cases[name] for name in split.validation],
        classes=prepared.classes,
        settings=settings,
        predict=params.evaluate.predict,
        device=device,
        test=[prepared.cases[name] for name in split.test] if settings.test_every else (),
        empty=params.evaluate.empty,
    )
    if not params.track.live:
        return train_network(training, folder, lambda rows: None, title=run.id)
    tracker = LiveTracker(params.track.uri, experiment.name, run)
    try:
        trained = train_network(training, folder, tracker, title=run.id)
    except BaseException:
        tracker.finish("FAILED")
        raise
    tracker.finish("FINISHED")
    return trained


def _build_network(experiment: Experiment, run: Run, prepared: PreparedDataset) -> "nn.Module":
    from seglossbench import networks

    return networks.build(
        run.network,
        run.settings["network_settings"],
        patch_size=run.dataset.train.patch_size,
        in_channels=len(prepared.channels),
        out_channels=len(prepared.classes),
        seed=run.seed,
    )


def predict(experiment: Experiment, run: Run) -> None:
    """Predict the test cases of a finished run into its folder with the weights on disk, unless that is done."""
    if run.predictions.exists():
        return
    from seglossbench.training.checkpoints import load
    from seglossbench.training.device import claim_device

    network = _build_network(experiment, run, PreparedDataset(run.dataset.prepared))
    network.load_state_dict(load(run.folder / "checkpoint.pt")["network"])
    with claim_device(run.dataset.train.device) as device:
        _predict(experiment, run, device, network)


def _predict(experiment: Experiment, run: Run, device: "torch.device", network: "nn.Module") -> None:
    if run.predictions.exists():
        return
    from seglossbench.evaluation.prediction import predict_volume, prediction_file, write_prediction
    from seglossbench.training.device import Accelerator

    prepared = PreparedDataset(run.dataset.prepared)
    train = run.dataset.train
    accelerator = Accelerator(device, train)
    network = accelerator.prepare(network)
    with atomic_folder(run.predictions) as folder:
        for name in tqdm(split_of(run.dataset, prepared).test, desc=f"predict {run.id}", unit="case"):
            case = prepared.cases[name]
            with accelerator.autocast():
                labels = predict_volume(
                    network,
                    case.image,
                    train.patch_size,
                    experiment.params.evaluate.predict,
                    device,
                    slice_axis=case.slice_axis(train),
                    shape=case.geometry.cropped_shape,
                )
            values = tuple(prepared.label_values.values())
            write_prediction(prediction_file(folder, case), labels, values, case.geometry)


def evaluate(experiment: Experiment, run: Run, threads: int) -> None:
    """Score the predictions of a finished run against the raw truth, in the raw space, into its scores.csv."""
    from seglossbench.evaluation.prediction import prediction_file
    from seglossbench.evaluation.scores import score_files

    experiment = experiment.part_of(run)
    if not state(run.folder).is_finished:
        raise InputError(f"{run.id}: not trained yet ({state(run.folder)}); run seglossbench train {run.id}")
    if not run.predictions.exists():
        from seglossbench.training.device import limit_threads

        limit_threads(threads)
        predict(experiment, run)
    prepared = PreparedDataset(run.dataset.prepared)
    settings = experiment.params.evaluate
    cases = [prepared.cases[name] for name in split_of(run.dataset, prepared).test]
    scores = score_files(
        [(case.name, run.dataset.raw / case.truth, prediction_file(run.predictions, case)) for case in cases],
        classes=scored_classes(prepared, settings.classes),
        metrics=settings.metrics,
        empty=settings.empty,
        hd95=settings.hd95,
        identity=run.identity,
    )
    with atomic_file(run.scores) as temporary:
        scores.to_csv(temporary, index=False)


def scored_classes(prepared: PreparedDataset, wanted: str) -> dict[str, tuple[int, ...]]:
    """The raw label values of every class, or of every region, that is scored."""
    values = prepared.label_values
    if wanted == "labels":
        return {name: (values[name],) for name in prepared.foreground}
    if not prepared.regions:
        raise InputError(f"{prepared.folder}: evaluate.classes: the dataset has no regions; use labels")
    return {region: tuple(values[name] for name in classes) for region, classes in prepared.regions.items()}


def report(experiment: Experiment, out: Path) -> Path:
    """The report of the experiment, of what is finished by now; returns its page."""
    import pandas as pd

    from seglossbench.reporting.inputs import load_scores
    from seglossbench.reporting.page import write_report
    from seglossbench.reporting.published import of_dataset

    scored = [run.scores for run in experiment.runs if run.scores.exists()]
    if not scored:
        raise InputError(f"experiment {experiment.name}: no scores yet; run snakemake --cores all")
    histories = [
        pd.DataFrame(read_history(run.folder / "history.csv")).assign(**run.identity)
        for run in experiment.runs
        if state(run.folder).is_finished
    ]
    published = {
        dataset.name: found
        for dataset in experiment.datasets
        if (
            found := of_dataset(
                experiment, dataset, split_of(dataset, PreparedDataset(dataset.prepared)).test
            )
        )
    }
    return write_report(
        out, load_scores(scored), pd.concat(histories), _facts(experiment), published=published
    )


def report_scores(files: Sequence[Path], out: Path) -> Path:
    """The report of anybody's scores; returns its page."""
    import pandas as pd

    from seglossbench.reporting.inputs import load_scores
    from seglossbench.reporting.page import Facts, write_report

    return write_report(
        out, load_scores(files), pd.DataFrame(), Facts(experiment=" + ".join(map(str, files)))
    )


def _facts(experiment: Experiment) -> "Facts":
    """What the report says beside the numbers."""
    from seglossbench.reporting import page

    datasets = []
    for dataset in experiment.datasets:
        settings = experiment.part_with(dataset).params.evaluate
        prepared = PreparedDataset(dataset.prepared)
        split = split_of(dataset, prepared)
        datasets.append(
            page.Dataset(
                name=dataset.name,
                train=len(split.train),
                validation=len(split.validation),
                test=len(split.test),
                skipped=tuple(f"{name}: {why}" for name, why in prepared.skipped.items()),
                split=split,
                cases=tuple(facts_of_prepared(prepared)),
                classes=tuple(scored_classes(prepared, settings.classes)),
                phantom=dataset.params.phantom is not None,
                distance_unit=prepared.distance_unit,
            )
        )
    return page.Facts(
        experiment=experiment.name,
        runs=tuple(
            page.Run(
                **{key: str(value) for key, value in run.identity.items()},
                state=state(run.folder),
                reason=failure(run.folder),
            )
            for run in experiment.runs
        ),
        datasets=tuple(datasets),
        hd95=_of_parts(experiment, lambda params: params.evaluate.hd95),
        empty_policy=_of_parts(experiment, lambda params: params.evaluate.empty),
        conventions={
            "Weights": _of_parts(
                experiment, lambda params: f"{params.train.checkpoint} epoch of {params.train.epochs}"
            ),
            "Maps": _of_parts(
                experiment,
                lambda params: f"scope {params.maps.scope}, distances in {params.maps.distance_units}",
            ),
        },
        versions=library_versions(),
    )


def _of_parts(experiment: Experiment, convention: Callable[[Params], str]) -> str:
    """What all parts of the experiment follow, or else what each of them follows."""
    by_part = {part.name: convention(part.params) for part in experiment.parts}
    if len(set(by_part.values())) == 1:
        return next(iter(by_part.values()))
    return "; ".join(f"{name}: {value}" for name, value in by_part.items())


def score(
    truth: Path,
    prediction: Path,
    regions: str | None,
    metrics: Sequence[str],
    *,
    hd95: str,
    empty: str,
    workers: int,
    out: Path,
) -> None:
    """Score anybody's prediction files against truth files into a table of scores."""
    from seglossbench.evaluation.pairs import pair_files
    from seglossbench.evaluation.scores import parse_classes, score_files

    scores = score_files(
        pair_files(truth, prediction),
        classes=parse_classes(regions.split()) if regions else None,
        metrics=metrics,
        hd95=hd95,
        empty=empty,
        workers=workers,
    )
    with atomic_file(out) as temporary:
        scores.to_csv(temporary, index=False)


def diagnose_maps(labels: Path, out: Path, *, in_mm: bool) -> str:
    """Write the figure and table of the region-wise maps of a label file into ``out``; returns the table as text."""
    import numpy as np

    from seglossbench.data.geometry import orientation_of, to_ras
    from seglossbench.evaluation.label_files import read_labels
    from seglossbench.maps import Truth
    from seglossbench.reporting.diagnosis import write_diagnosis

    file = read_labels(labels)
    values, classes = np.unique(file.labels, return_inverse=True)
    if len(values) < 2:
        raise InputError(f"{labels}: holds label {values[0]} only; a map needs two classes or more")
    classes = classes.reshape(1, *file.labels.shape).astype(np.uint8 if len(values) < 256 else np.int32)
    spacing_mm = np.array(file.spacing_mm)
    if (
        file.affine is not None and file.labels.ndim == 3
    ):  # as radiologists look at it, whatever the file's order
        orientation = orientation_of(file.affine, 3)
        classes = to_ras(classes[0], orientation)[None]
        spacing_mm = spacing_mm[orientation[:, 0].argsort()]
    truth = Truth(
        np.ascontiguousarray(classes), len(values), spacing_mm=spacing_mm.tolist() if in_mm else None
    )
    return write_diagnosis(out, truth, [str(value) for value in values]).to_string(index=False)


def status(experiment: Experiment, tflops: float | None = None) -> str:
    """How many runs are in which state, what they all take, and those that run or failed, with epoch or reason."""
    from seglossbench import plan

    states = {run: state(run.folder) for run in experiment.runs}
    counts = Counter(states.values())
    title, *takes = plan.summary(experiment, tflops or plan.TFLOPS).splitlines()
    lines = [title]
    lines += [f"  {name:<14}{counts[name]:>4}" for name in State if counts[name]]
    lines.append(f"  {'scored':<14}{sum(run.scores.exists() for run in states):>4}")
    seconds = [duration_seconds(run.folder) for run, current in states.items() if current.is_finished]
    if seconds and len(seconds) < len(states):
        waiting = (len(states) - len(seconds)) / max(1, counts[State.RUNNING])
        lines.append(f"about {waiting * sum(seconds) / len(seconds) / 60:.0f} min of training left")
    if len(seconds) < len(states):
        lines += takes
    for run, current in states.items():
        if current in (State.RUNNING, State.INTERRUPTED):
            history = working_folder(run.folder) / "history.csv"
            done = read_history(history)[-1].epoch + 1 if history.exists() else 0
            lines.append(f"{current} {run.id}: epoch {done} of {run.dataset.train.epochs}")
        elif current in (State.FAILED, State.DIVERGED):
            lines.append(f"{current} {run.id}: {failure(run.folder)}")
    return "\n".join(lines)
