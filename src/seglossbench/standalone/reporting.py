"""The report of anybody's scores."""

from collections import ChainMap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seglossbench.errors import InputError
from seglossbench.standalone.analysis import analyse_scores
from seglossbench.standalone.pictures import Files, chosen, scans_of

SCORES_REPORT = Path("reports/scores")
"""Where a report of anybody's scores goes by default."""


def report_scores(
    files: Sequence[Path],
    out: Path | None = None,
    pictures: Files | None = None,
    **analysis: Any,
) -> Path:
    """The report of anybody's scores, into ``reports/scores`` or ``out``; returns its page.

    ``pictures`` are the files of which predictions are drawn; ``analysis`` is what ``analyse_scores`` takes. Raises
    InputError where an experiment's report would have to give way.
    """
    import pandas as pd

    from seglossbench.analysis.files import read_analysis
    from seglossbench.analysis.foreign import read_scores
    from seglossbench.reporting import index
    from seglossbench.reporting.page import write_report
    from seglossbench.reporting.stated import facts_of_scores, read_classes

    folder = out or SCORES_REPORT
    former = index.read(folder)
    if out is None and former is not None and former.experiment:
        raise InputError(
            f"{folder}: has the report of experiment {former.experiment}; give another folder by --out"
        )
    scores = read_scores(files)
    facts = facts_of_scores(files)
    classes = dict(ChainMap(*map(read_classes, files)))
    scans = scans_of(scores, pictures, classes) if pictures else None
    analyse_scores(files, folder / "analysis", scores=scores, **analysis)
    tables, provenance = read_analysis(folder / "analysis")
    if scans is not None:
        tables["cases"] = chosen(scores, scans, tables, provenance)
    page = write_report(
        folder,
        scores,
        pd.DataFrame(),
        facts,
        tables=tables,
        provenance=provenance,
        scans=scans,
        are_checked=True,
    )
    if out is None:
        runs = len(scores.drop_duplicates(["dataset", "network", "loss", "seed"]))
        names = [str(name) for name in scores["dataset"].unique()]
        index.enter(page, title=facts.experiment, experiment="", finished=runs, runs=runs, datasets=names)
    return page
