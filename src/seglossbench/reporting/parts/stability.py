"""Stability and cost: how much a loss's runs differ, how they end, how fast they are, with intervals."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import pandas as pd
from markupsafe import Markup

from seglossbench.analysis.words import UNBOUNDED, number
from seglossbench.drawing.names import Stems
from seglossbench.reporting import svg
from seglossbench.reporting.curves import picture
from seglossbench.reporting.elements import joined, number_cell, table, tag
from seglossbench.reporting.parts import Part, Row, Source, caption, figure_files, files_line, place_name

_QUANTITIES = (
    ("sd", "sd over seeds", 3),
    ("late_swing", "late swing", 3),
    ("gradient_cv", "gradient: sd / mean", 2),
    ("epochs_to_95", "epochs to 95 %", 1),
    ("hours_to_95", "time to 95 %", 2),
    ("hours_to_level", "time to the common level", 2),
    ("area_hours", "mean height by hour", 3),
    ("s_per_epoch", "s per epoch", 2),
    ("peak_mb", "peak memory, MB", 0),
)
_HOURS = ("hours_to_95", "hours_to_level")
_OF_RUNS = (
    ("score", "mean score of each run"),
    ("late_swing", "late swing"),
    ("gradient_cv", "gradient: sd / mean"),
)
_COLUMNS = ["panel", "dataset", "network", "loss", "seed", "x", "value"]
_MOST_FIGURES = 12


def stability(source: Source) -> Part | None:
    """A table per dataset and network of what is known of the losses' runs."""
    found, pairs = source.tables["stability"], source.tables["stability_pairs"]
    shown = [(name, words, digits) for name, words, digits in _QUANTITIES if found[name].notna().any()]
    failures, timed = found["failed"].notna().any(), bool(found["ratio_to_baseline"].notna().any())
    if found.empty or not (shown or failures):
        return None
    tables = []
    for key, group in found.groupby(["dataset", "network"], sort=False):
        rows = group.to_dict("records")
        own = pairs[(pairs["dataset"] == key[0]) & (pairs["network"] == key[1])]
        steadier = {(row["quantity"], row["steadier"]) for row in own.to_dict("records") if row["steadier"]}
        place = (str(key[0]), str(key[1]))
        made = table(
            [
                "loss",
                "runs",
                *(["failed"] if failures else []),
                *(words for _, words, _ in shown),
                *(["× time"] if timed else []),
            ],
            [_row(source, row, shown, bool(failures), timed, steadier) for row in rows],
            label=f"Stability, {place_name(*place)}",
            sortable=True,
        )
        tables.append(
            tag(
                "div",
                tag("h3", tag("bdi", place_name(*place))),
                made,
                **source.view(dataset=place[0], network=place[1]),
            )
        )
    seeds = int(found["seeds"].max()) if found["seeds"].notna().any() else 0
    few = None
    if seeds < 3:
        few = tag(
            "p",
            tag("b", f"{seeds} seed{'s' * (seeds != 1)} allow no test of spread"),
            "; the values are shown.",
            class_="lead",
        )
    return Part(
        "Stability and cost",
        "stability",
        joined(
            [
                few,
                *tables,
                *_by_epoch(source),
                *_figures(source),
                caption(
                    "Below each number its 95 % interval over runs. * less than that of another loss, after Holm's "
                    "correction. Late swing: deviation of the validation from its straight line in the last quarter. "
                    "95 %: of the best validation. Common level: 95 % of the best validation of "
                    "the loss that gets least far, the same for all losses there; runs that reach it count. "
                    "Mean height: of the validation's curve, its area by its length, until the quickest loss ends. "
                    "Failed: diverged or collapsed; the interval is Clopper and "
                    f"Pearson's. × time: seconds per epoch beside those of {source.baseline}."
                ),
                files_line(
                    ("stability as CSV", source.table("stability", found)),
                    ("all pairs as CSV", source.table("stability_pairs", pairs)),
                ),
            ]
        ),
    )


def _time(hours: float) -> str:
    """A time in the unit that suits it."""
    if hours != hours:
        return number(hours)
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{60 * hours:.1f} min" if hours >= 1 / 60 else f"{3600 * hours:.0f} s"


def _interval(lo: float, hi: float, in_words: Callable[[float], str]) -> str:
    """From one end to the other; of two runs the upper end may be no bound that helps anybody."""
    return (
        f"{in_words(lo)} to {in_words(hi)}" if hi < UNBOUNDED * max(lo, 1e-9) else f"{in_words(lo)} or more"
    )


def _spread(source: Source) -> pd.DataFrame:
    """The standard deviation over runs of the validation at each epoch, by dataset, network and loss."""
    curves = source.tables["curves"]
    return curves[
        (curves["curve"] == f"val_{source.decides}") & (curves["axis"] == "epoch") & curves["sd"].notna()
    ]


def _by_epoch(source: Source) -> Iterator[Markup]:
    panels = []
    for (dataset, network), own in _spread(source).groupby(["dataset", "network"], sort=False):
        rows = [row | {"mean": row["sd"], "runs": 1} for row in own.to_dict("records")]
        words = f"sd of validation {source.decides} over runs"
        panels.append(
            tag(
                "figure",
                tag(
                    "figcaption", tag("b", tag("bdi", place_name(str(dataset), str(network)))), f" · {words}"
                ),
                picture(source.looks, rows, "epoch", words),
                tag("p", class_="reading", aria_live="polite"),
                class_="plot",
                **source.view(dataset=str(dataset), network=str(network)),
            )
        )
    if panels:
        yield tag("h3", "Spread by epoch", id="spread-by-epoch")
        yield tag("div", *panels, class_="plots")


def _figures(source: Source) -> Iterator[Markup]:
    """A figure for papers per dataset and network: spread by epoch, and what is restless at the end of single runs."""
    from seglossbench.reporting.plots import stability as drawn

    runs, spread = source.tables["runs"], _spread(source)
    known = [(name, words) for name, words in _OF_RUNS if runs[name].notna().any()]
    if spread.empty and len(known) < 2:
        return  # of scores alone, which the datasets' figures of seeds show
    stems = Stems()
    lines: list[Markup] = []
    for dataset, network in dict.fromkeys(runs[["dataset", "network"]].itertuples(index=False, name=None)):
        tables = [
            one[(one["dataset"] == dataset) & (one["network"] == network) & one["loss"].isin(source.looks)]
            for one in (spread, runs)
        ]
        by_epoch, of_runs = tables
        panels = [by_epoch.assign(panel=f"sd of validation {source.decides}", value=by_epoch["sd"], seed="")]
        panels += [of_runs.assign(panel=words, value=of_runs[name], x=math.nan) for name, words in known]
        points = pd.concat(
            [one.reindex(columns=_COLUMNS) for one in panels if one["value"].notna().any()]
            or [pd.DataFrame()]
        )
        if points.empty or len(lines) == _MOST_FIGURES:
            continue
        where = place_name(str(dataset), str(network))
        shown = points[points["value"].notna()]
        name = f"stability/{stems.new(str(dataset), str(network))}"
        line = figure_files(source, name, drawn(shown, source.looks, where), shown, f"{where}, for papers: ")
        lines.append(tag("div", line, **source.view(dataset=str(dataset), network=str(network))))
    yield from lines


def _row(
    source: Source,
    row: Row,
    shown: list[tuple[str, str, int]],
    failures: bool,
    timed: bool,
    steadier: set[tuple[str, str]],
) -> Markup:
    loss = row["loss"]
    cells = [number_cell(f"{row['runs']:.0f}", row["runs"])]
    if failures:
        known = row["failed"] == row["failed"]
        below = f"{100 * row['failed_lo']:.0f} to {100 * row['failed_hi']:.0f} %" if known else ""
        cells.append(number_cell(f"{row['failed']:.0f}" if known else "–", row["failed"], below=below))
    for name, _, digits in shown:
        lo, hi = row[f"{name}_lo"], row[f"{name}_hi"]
        in_words = _time if name in _HOURS else partial(number, digits=digits)
        below = _interval(lo, hi, in_words) if lo == lo and lo != hi else ""
        if name == "hours_to_level" and row["reached"] < row["runs"]:
            below = f"{row['reached']:.0f} of {row['runs']:.0f} runs" + (f"; {below}" if below else "")
        star = " *" if (name, loss) in steadier else ""
        cells.append(number_cell(in_words(row[name]) + star, row[name], below=below))
    if timed:
        cells.append(number_cell(number(row["ratio_to_baseline"], 2), row["ratio_to_baseline"]))
    return tag("tr", tag("th", svg.named(source.looks[loss], loss), scope="row"), *cells, data_loss=loss)
