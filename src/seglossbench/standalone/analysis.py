"""The analysis of anybody's scores: tidy tables of what holds."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seglossbench.errors import InputError, nearest
from seglossbench.evaluation.empty import policy_named

if TYPE_CHECKING:
    import pandas as pd


def analyse_scores(
    files: Sequence[Path],
    out: Path,
    *,
    decides: str | None = None,
    baseline: str | None = None,
    claims: Path | None = None,
    cases: Path | None = None,
    sizes: Path | None = None,
    absent_scored: bool = False,
    penalties: Mapping[str, float] | None = None,
    scores: "pd.DataFrame | None" = None,
) -> list[str]:
    """Write the tables of anybody's scores into ``out``; returns what a reader must know of them, in lines.

    ``claims`` is a file of claims of one's own; ``cases`` a table of cases with a column ``patient`` and others that
    part them; ``sizes`` one of classes with a column ``size``; ``penalties`` what a missing distance counts as, by
    metric; ``scores`` what the files hold, where it was read before. Raises InputError for a penalty of a metric, or
    a baseline, that was not scored.
    """
    from seglossbench.analysis.claims import OF_THE_PAPERS, read_claims
    from seglossbench.analysis.files import write_tables
    from seglossbench.analysis.foreign import read_scores
    from seglossbench.analysis.own_tables import read_columns, read_sizes
    from seglossbench.analysis.provenance import provenance_of
    from seglossbench.analysis.whole import Options
    from seglossbench.analysis.whole import analyse as analyse_tables
    from seglossbench.reporting.stated import facts_of_scores

    own = read_claims(claims) if claims else {}
    policy = facts_of_scores(files).empty_policy
    scores = read_scores(files) if scores is None else scores
    if scores.empty:
        raise InputError(f"{', '.join(map(str, files))}: no scores, only the names of columns")
    datasets = list(scores["dataset"].unique())
    columns, lacking = read_columns(cases, scores) if cases else ({}, [])
    scored_by_policy = bool(policy) and policy_named(policy).scores_absent_classes
    scored = list(scores["metric"].unique())
    for metric in penalties or {}:
        if metric not in scored:
            raise InputError(f"--penalty: no scores of {metric!r}; {nearest(metric, scored)}")
    losses = list(scores["loss"].unique())
    if baseline is not None and baseline not in losses:
        raise InputError(f"--baseline: no scores of the loss {baseline!r}; {nearest(baseline, losses)}")
    options = Options(
        decides=decides,
        baseline=baseline,
        claims=read_claims(OF_THE_PAPERS) | own,
        patients=columns.pop("patient", {}),
        columns=columns,
        sizes=read_sizes(sizes, scores) if sizes else {},
        penalties=penalties or {},
        absent_scored=datasets if absent_scored or scored_by_policy else [],
    )
    tables = analyse_tables(scores, options)
    about = {"scores": {str(file): _digest(file) for file in files}}
    write_tables(out, tables, provenance_of(about, tables, options))
    told = tables["notices"]
    without_row = [f"{cases}: has no row for {len(lacking)} cases, such as {lacking[0]}"] if lacking else []
    return without_row + [
        " ".join(part for part in (dataset, "" if network == "*" else network, text) if part not in ("", "-"))
        for dataset, network, text in told[["dataset", "network", "text"]].itertuples(index=False, name=None)
    ]


def _digest(path: Path) -> str:
    """The digest of a file, or of the files of a folder by their names."""
    whole = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file():
            whole.update(b"" if file == path else file.relative_to(path).as_posix().encode())
            whole.update(file.read_bytes())
    return whole.hexdigest()
