"""The scores of many cases from their files, as a table with one row per value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from seglossbench.errors import InputError, InputErrors, nearest
from seglossbench.evaluation.case import check_classes, check_conventions
from seglossbench.evaluation.pairs import Pair, examine, score_pair
from seglossbench.parallel import over_cases
from seglossbench.vocabulary.metrics import USUAL
from seglossbench.vocabulary.tables import IDENTITY, SCORES, STATUS


def score_files(
    pairs: Iterable[tuple[str, Path, Path | None]],
    *,
    classes: Mapping[str, Sequence[int]] | None = None,
    metrics: Sequence[str] = USUAL,
    empty: str = "diagonal",
    hd95: str = "pooled",
    ignore: int | None = None,
    identity: Mapping[str, str | int] | None = None,
    faults: Sequence[str] = (),
    workers: int = 1,
    progress: bool = True,
) -> pd.DataFrame:
    """The scores of pairs of files (case, truth, prediction), as ``pairs.pair_files`` finds them: columns SCORES.

    A prediction that is None counts as one of nothing. Without ``classes`` every label value but 0 and ``ignore`` that
    occurs in any of the files is a class of its own. ``identity`` fills the first four columns, ``-`` where it says
    nothing; the other arguments are those of ``score_case``. All files are looked at before any is scored: raises
    InputError that names each of them that cannot be, after the ``faults`` that are known already, or the argument at
    fault. ``workers`` processes share the cases; a script that asks for several must guard its main part by
    ``if __name__ == "__main__"``.
    """
    cases = [Pair(case, Path(truth), prediction and Path(prediction)) for case, truth, prediction in pairs]
    check_conventions(metrics, empty, hd95)
    if classes is not None:
        classes = check_classes(classes, ignore)
    run = _identity(identity or {})
    if not cases and not faults:
        raise InputError("score: no case to score; give at least one truth with its prediction")
    bar = None if progress else False
    look = partial(examine, find_labels=classes is None)
    seen = list(over_cases(look, cases, workers, "check", bar))
    if all_faults := [*faults, *(fault for _, fault in seen if fault)]:
        raise InputErrors("nothing was scored", all_faults)
    if classes is None:
        found = set().union(*(labels for labels, _ in seen)) - {ignore}
        if not found:
            raise InputError(f"{cases[0].truth} and all other files hold no label but 0; name the classes")
        classes = {str(value): (value,) for value in sorted(found)}
    score = partial(
        score_pair, classes=classes, metrics=tuple(metrics), empty=empty, hd95=hd95, ignore=ignore
    )
    rows = [
        {**run, "case": pair.case, **record}
        for pair, records in zip(cases, over_cases(score, cases, workers, "score", bar), strict=True)
        for record in records
    ]
    return pd.DataFrame(rows, columns=list(SCORES)).astype({"value": object})


def _identity(given: Mapping[str, str | int]) -> dict[str, str | int]:
    for column in given:
        if column not in IDENTITY:
            raise InputError(f"identity: unknown column {column!r}; {nearest(str(column), IDENTITY)}")
    return {column: given.get(column, "-") for column in IDENTITY}


def count_empty(scores: pd.DataFrame) -> dict[str, int]:
    """The number of scores of classes with an empty mask, by what is empty, to be printed beside every mean."""
    statuses = scores.loc[scores["metric"] == STATUS, "value"]
    return {str(status): int(count) for status, count in statuses.value_counts().items()}


def parse_classes(words: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Classes and regions from words such as ``WT=1,2,4``; raises InputError that names a word it cannot read."""
    classes: dict[str, tuple[int, ...]] = {}
    for word in words:
        name, _, values = word.partition("=")
        try:
            labels = tuple(int(value) for value in values.split(","))
        except ValueError:
            raise InputError(f"regions: cannot read {word!r}; write a name and labels, as WT=1,2,4") from None
        if not name or name in classes:
            fault = "is named twice" if name else "has no name"
            raise InputError(f"regions: {word!r} {fault}; write each name once, as WT=1,2,4")
        classes[name] = labels
    return classes
