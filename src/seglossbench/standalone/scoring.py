"""Scores of anybody's files."""

from collections.abc import Sequence
from pathlib import Path

from seglossbench.errors import InputError
from seglossbench.files import atomic_file
from seglossbench.vocabulary.conventions import Conventions, Missing
from seglossbench.vocabulary.metrics import USUAL

USUAL_METRICS = (*USUAL, "NSD@1mm")


def score(
    truth: Path,
    prediction: Path,
    regions: str | None,
    metrics: Sequence[str] | None,
    *,
    hd95: str,
    empty: str,
    missing: Missing = "error",
    ignore: int | None = None,
    loss: str = "-",
    workers: int = 1,
    out: Path,
) -> list[str]:
    """Score anybody's prediction files against truth files into a table; returns what is to be known of its means.

    ``metrics`` are by default the usual ones that the policy ``empty`` for empty masks defines, ``ignore`` is the label
    ``ignore`` of the dataset.json beside the truth, if it names one. The conventions are written beside the table, for
    the report. Raises InputError with all that is wrong with the files.
    """
    from seglossbench.data.layouts.nnunet import ignored_label
    from seglossbench.data.prepared import distance_unit_of
    from seglossbench.evaluation.empty import policy_named
    from seglossbench.evaluation.pairs import find_pairs
    from seglossbench.evaluation.scores import count_empty, parse_classes, score_files
    from seglossbench.reporting.stated import write_conventions

    if not loss.strip():
        raise InputError("loss: give a name that is not empty, or none")
    said = []
    if metrics is None:
        metrics, undefined = policy_named(empty).defined_of(USUAL_METRICS)
        if undefined:
            said.append(f"left out, for {empty} does not define it: {', '.join(undefined)}")
    if ignore is None and (described := ignored_label(truth)):
        ignore = described.value
        said.append(f"label {ignore} is ignored, as {described.file} says")
    found = find_pairs(truth, prediction, missing)
    classes = parse_classes(regions.split()) if regions else None
    scores = score_files(
        found.pairs,
        classes=classes,
        metrics=metrics,
        hd95=hd95,
        empty=empty,
        ignore=ignore,
        identity={"loss": loss},
        faults=found.faults,
        workers=workers,
    )
    scored_as_empty = [pair.case for pair in found.pairs if pair.prediction is None]
    in_voxels = policy_named(empty).in_voxels
    conventions = Conventions(
        hd95=hd95 if "HD95" in metrics else "",
        empty=empty,
        distance_unit="voxels" if in_voxels else distance_unit_of(pair.truth for pair in found.pairs),
        ignored_label=ignore,
        scored_as_empty=scored_as_empty,
        left_out=found.left_out,
    )
    # First, for a table without them would be taken for anybody's.
    write_conventions(out, conventions, classes or {})
    with atomic_file(out) as temporary:
        scores.to_csv(temporary, index=False)
    if scored_as_empty:
        said.append(f"without prediction, scored as empty: {', '.join(scored_as_empty)}")
    if found.left_out:
        said.append(f"without truth or prediction, left out: {', '.join(found.left_out)}")
    counts = count_empty(scores)
    if counts:
        told = ", ".join(f"{count} {status}" for status, count in counts.items())
        said.append(f"empty masks, whose scores follow the policy {empty}: {told}")
    return said
