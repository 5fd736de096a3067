"""The words above and below a printed table: what its numbers are, and what empty masks did to them."""

from collections.abc import Sequence

import pandas as pd

from seglossbench.drawing.names import isolated
from seglossbench.statistics.means import absences
from seglossbench.vocabulary.metrics import Metric
from seglossbench.vocabulary.tables import MEAN

DAGGER, DOUBLE_DAGGER = "†", "‡"


def caption_of(
    dataset: str, metric: Metric, own: pd.DataFrame, over: str, several_networks: bool, mean: str
) -> str:
    """What the numbers are, from the folded scores of one dataset and metric; ``mean`` is the mean's column, if any."""
    place = "" if dataset == "-" else f" on {isolated(dataset)}"
    if own.empty:
        return f"{metric.title}{place}: no scores."
    cases, seeds = own["case"].nunique(), own["seed"].nunique()
    kind = "geometric mean" if metric.mean == "geometric" else "mean"
    of_cases = f"{cases} test case{'s' if cases > 1 else ''}"
    direction = f"; {metric.better} is better" if metric.better else ""
    if over == "seeds":
        what = (
            f"{kind} ± sd over {seeds} seeds. A seed's value is the {kind} over the {of_cases}; "
            "sd is the sample standard deviation (n − 1) of the seeds' values"
        )
    elif cases > 1:
        what = f"{kind} ± sd over the {of_cases} of one seed; sd is the sample standard deviation (n − 1)"
    else:
        what = "the value of the one test case of one seed, so without a deviation"
    bold = " among the losses of a network" if several_networks else ""
    of_classes = f"Column “{mean}”: the {kind} over the classes that are not absent. " if mean else ""
    return (
        f"{metric.title}{place}: {what}{direction}. {of_classes}Bold: cannot be told from the best of the "
        f"column{bold}, where others can (5 %, corrected by Holm)."
    )


def absence_notes(own: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    """Which classes the truth of which cases lacks."""
    found = {row["class"]: row for row in absences(own).to_dict("records")}
    notes = []
    for name in classes:
        row = found.get(name)
        if row is None or not row["without"]:
            continue
        cases = row["cases"]
        if row["absent"]:
            scores = own[own["class"] == name]
            alarms = int((scores["status"] == "truth_empty").sum())
            which = _some(row["without"])
            where = f"the only test case ({which})" if cases == 1 else f"all {cases} test cases ({which})"
            notes.append(
                f"{isolated(name)}: absent from the truth of {where}, so no number is shown; "
                f"predicted all the same in {alarms} of {len(scores)} predictions."
            )
        else:
            notes.append(
                f"{isolated(name)}: absent from the truth of {len(row['without'])} of {cases} test cases "
                f"({_some(row['without'])})."
            )
    return notes


def empty_notes(found: pd.DataFrame, empty_policy: str) -> list[str]:
    """How many scores of the summaries the policy for empty masks decided, and how many are undefined."""
    total = found[(found["class"] == MEAN)][["missed", "false_alarms", "both_empty", "undefined"]].sum()
    notes = []
    decided = int(total["missed"] + total["false_alarms"] + total["both_empty"])
    if decided:
        policy = f"the empty policy “{empty_policy}”" if empty_policy else "the empty policy"
        kinds = [
            f"{said} {int(total[name])}"
            for name, said in (
                ("missed", "missed classes (empty prediction)"),
                ("false_alarms", "false alarms (empty truth)"),
                ("both_empty", "both masks empty"),
            )
            if total[name]
        ]
        notes.append(
            f"{DAGGER}n: n scores (one per case and seed) of this mean are set by {policy}, not measured. "
            f"This table has {decided}: {', '.join(kinds)}."
        )
    if total["undefined"]:
        notes.append(
            f"{DOUBLE_DAGGER}n: n scores are undefined and left out of this mean; "
            f"this table has {int(total['undefined'])}."
        )
    return notes


def _some(names: Sequence[str], limit: int = 5) -> str:
    shown = ", ".join(map(isolated, names[:limit]))
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
