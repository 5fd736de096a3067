"""The title of a page: what holds, in a sentence from which nobody can take a wrong winner."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from seglossbench.analysis.cubes import ALL
from seglossbench.analysis.words import count, listed
from seglossbench.drawing.names import isolated
from seglossbench.reporting.facts import Facts, Run
from seglossbench.reporting.parts import Row

_WORDS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)

_MOST_NAMED = 3
"""Losses and places that a title names one by one."""


def title_of(answers: pd.DataFrame, means: pd.DataFrame, experiment: str) -> str:
    """The verdict of the whole page; ``means`` are those over the classes."""
    best = answers[(answers["part_of"] == "") & (answers["claim"] == "")]
    over = set(best.loc[best["network"] == ALL, "dataset"])
    best = best[(best["network"] == ALL) | ~best["dataset"].isin(over)]
    best = best[best["verdict"] != "not tested"]
    if best.empty:
        return f"{isolated(experiment)}: no two losses to compare"
    rows = best.to_dict("records")
    if len(rows) == 1:
        return _sentence(rows[0], means)
    if all(row["verdict"] == "not settled" for row in rows):
        return _unsettled(rows, means)
    return _summed_up(rows, means)


def facts_of(facts: Facts, means: pd.DataFrame, decides: str) -> list[str]:
    """What the page stands on: datasets, networks, losses, seeds, cases, runs and the metric that decides."""
    runs = pd.DataFrame([vars(run) for run in facts.runs], columns=list(Run.__dataclass_fields__))
    found = []
    for column, plural in (("dataset", "datasets"), ("network", "networks"), ("loss", "losses")):
        names = {name for name in (*runs[column], *means[column]) if name not in (ALL, "-")}
        found += [count(len(names), column, plural)] if names else []
    seeds = runs["seed"].nunique() or (int(means["seeds"].max()) if len(means) else 0)
    found += [count(seeds, "seed")] if seeds else []
    own = means[means["class"] == ALL].groupby("dataset", sort=False)["cases"].max()
    if len(own):
        cases = " + ".join(f"{cases:.0f}" for cases in own) if len(own) <= 6 else f"{own.sum():.0f}"
        found.append(f"{cases} test case{'s' * (cases != '1')}")
    if len(runs):
        states = runs["state"].value_counts(sort=False).to_dict()
        found.append(
            f"{count(len(runs), 'run')}: {', '.join(f'{number} {state}' for state, number in states.items())}"
        )
    if len(means):
        found.append(f"decided by {decides}")
    return found


def notices_of(table: pd.DataFrame, facts: Facts) -> tuple[list[tuple[str, str]], list[str]]:
    """What a reader must know before the numbers, in bold and plain words, and further remarks on them."""
    phantoms = [isolated(dataset.name) for dataset in facts.datasets if dataset.phantom]
    notices: list[tuple[str, str]] = []
    if phantoms:
        text = f"The images of {listed(phantoms)} are drawn by a program. They show that the pipeline works, not which "
        notices.append(
            ("Synthetic phantoms: this says nothing about real anatomy.", f"{text}loss is better.")
        )
    states = [str(run.state) for run in facts.runs]
    if diverged := states.count("DIVERGED"):
        text = "Their scores are in all means; the list of runs says when and why each did."
        notices.append((f"{count(diverged, 'run')} diverged.", text))
    if any(state not in ("DONE", "DIVERGED") for state in states):
        text = "Means may stand on fewer seeds than planned; the list of runs says which and why."
        notices.append(("Not every run is done.", text))
    remarks: dict[str, dict[str, None]] = {}
    for row in table.to_dict("records"):
        if row["kind"] == "failed runs" and (row["text"].startswith("0 of") or row["network"] == ALL):
            continue
        where = " ".join(part for part in (row["dataset"], row["network"]) if part not in (ALL, "-", ""))
        remarks.setdefault(row["text"], {})[isolated(where)] = None
    kinds = dict(zip(table["text"], table["kind"], strict=True))
    datasets = table["dataset"].nunique()
    further = []
    for text, places in remarks.items():
        of = ", ".join(place for place in places if place)
        if kinds[text] == "seeds":
            bold, _, rest = text.partition(". ")
            notices.append((f"{bold}.", rest if len(places) == datasets or not of else f"{rest} ({of})"))
        else:
            further.append(f"{of}: {text}" if of else text)
    return notices, further


def word(number: int) -> str:
    """A small number as a word."""
    return _WORDS[number] if number < len(_WORDS) else str(number)


def _unsettled(rows: Sequence[Row], means: pd.DataFrame) -> str:
    """Of several comparisons of which none is settled."""
    few = max(_seeds(row) for row in rows)
    where = (
        f"any of {word(len(rows))} datasets" if len({row["dataset"] for row in rows}) > 1 else "any network"
    )
    losses = max(len(_ranked(row, means)) for row in rows)
    if few in (1, 2):
        return f"{word(few).capitalize()} seed{'s' * (few > 1)} cannot rank these {word(losses)} losses on {where}."
    return f"No loss can be told to be the best on {where}."


def _summed_up(rows: Sequence[Row], means: pd.DataFrame) -> str:
    """Of many comparisons: which losses lead where, by names as long as these are few."""
    leaders: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        if row["verdict"] == "not settled":
            first: tuple[str, ...] = ()
        elif row["verdict"] == "settled":
            first = (str(row["a"]),)
        else:
            own = _ranked(row, means)
            first = tuple(own.loc[own["tied_with_best"].astype(bool), "loss"])
        leaders.setdefault(first, []).append(_place(row, rows))
    opened = leaders.pop((), [])
    alone = {first[0]: places for first, places in leaders.items() if len(first) == 1}
    shared = {first: places for first, places in leaders.items() if len(first) > 1}
    losses = max(len(_ranked(row, means)) for row in rows)
    parts: list[str] = []
    if 0 < len(alone) <= _MOST_NAMED:
        parts += [
            f"{isolated(loss)} leads on {_places(places, len(rows))}"
            for loss, places in sorted(alone.items(), key=lambda item: -len(item[1]))
        ]
    elif alone:
        parts.append(
            f"{word(len(alone))} losses lead, each on some of {word(sum(map(len, alone.values())))} places"
        )
    if 0 < len(shared) <= _MOST_NAMED:
        parts += [
            f"{word(len(first))} of {word(losses)} losses share the lead on {_places(places, len(rows))}"
            for first, places in shared.items()
        ]
    elif shared:
        parts.append(f"several losses share the lead on {word(sum(map(len, shared.values())))}")
    if opened:
        parts.append(f"{_places(opened, len(rows))} {'is' if len(opened) == 1 else 'are'} open")
    text = "; ".join(parts)
    names_a_loss = 0 < len(alone) <= _MOST_NAMED
    return f"{text[0] if names_a_loss else text[0].upper()}{text[1:]}."


def _places(places: Sequence[str], of: int) -> str:
    shown = [isolated(place) for place in places]
    return listed(shown) if len(shown) <= _MOST_NAMED else f"{word(len(shown))} of {word(of)}"


def _place(row: Row, rows: Sequence[Row]) -> str:
    several = sum(other["dataset"] == row["dataset"] for other in rows) > 1
    return f"{row['dataset']}, {row['network']}" if several else str(row["dataset"])


def _sentence(row: Row, means: pd.DataFrame) -> str:
    own, seeds = _ranked(row, means), _seeds(row)
    losses, tied = len(own), int(own["tied_with_best"].sum())
    if row["verdict"] == "settled":
        others = [name for name in own["loss"] if name != row["a"]]
        whom = isolated(others[0]) if losses == 2 else f"the other {word(losses - 1)} losses"
        return f"{isolated(str(row['a']))} leads {whom}."
    if row["verdict"] == "partly settled":
        return f"{word(tied).capitalize()} of {word(losses)} losses lead. They cannot be told apart."
    if seeds in (1, 2):
        return f"{word(seeds).capitalize()} seed{'s' * (seeds > 1)} cannot rank these {word(losses)} losses."
    return f"These {word(losses)} losses cannot be told apart."


def _ranked(row: Row, means: pd.DataFrame) -> pd.DataFrame:
    key = ("dataset", "network", "metric")
    own: NDArray[np.bool_] = np.logical_and.reduce([means[name] == row[name] for name in key])
    ranked: pd.DataFrame = means[own & means["rank"].notna()]
    return ranked


def _seeds(row: Row) -> int:
    return int(row["seeds"]) if row["seeds"] == row["seeds"] else 0
