"""Ranks: the places that tested pairs allow each loss, and how often each would be its if all were drawn again."""

import math

import pandas as pd
from markupsafe import Markup

from seglossbench.analysis.cubes import ALL
from seglossbench.drawing.names import Stems
from seglossbench.reporting import svg
from seglossbench.reporting.elements import joined, number_cell, table, tag
from seglossbench.reporting.parts import Part, Source, caption, figure_files, files_line, place_name

_MOST_FIGURES = 12
"""For papers; the table has all."""


def ranks(source: Source) -> Part | None:
    """A table per dataset and network by the metric that decides, a row per loss and a column per place."""
    places = source.tables["places"]
    chosen = places[places["metric"] == source.decides]
    if chosen.empty:
        return None
    means = source.means[(source.means["metric"] == source.decides) & (source.means["network"] != ALL)]
    blocks: list[Markup] = []
    stems = Stems()
    for (dataset, network), own in chosen.groupby(["dataset", "network"], sort=False):
        here = means[(means["dataset"] == dataset) & (means["network"] == network)]
        order = [loss for loss in here.sort_values("rank", kind="stable")["loss"] if loss in set(own["loss"])]
        where = place_name(str(dataset), str(network))
        files = None
        if len(blocks) < _MOST_FIGURES:
            from seglossbench.reporting.plots import heat

            by_rank = own.set_index("loss").loc[order].reset_index()
            figure = heat(by_rank, source.looks, f"{where}: how often each place")
            files = figure_files(source, f"ranks/{stems.new(str(dataset), str(network))}", figure, by_rank)
        blocks.append(
            tag(
                "div",
                tag("h3", tag("bdi", where)),
                _table(source, here, own, order, where),
                files,
                **source.view(dataset=str(dataset), network=str(network)),
            )
        )
    return Part(
        "Ranks",
        "ranks",
        joined(
            [
                *blocks,
                caption(
                    "Ranks allowed: those that no tested pair rules out, for all losses at once, with 95 % surety. The "
                    "percentages say how often each place would be a loss's if seeds and cases were redrawn: a "
                    "description, and no probability of being the best."
                ),
                files_line(
                    ("all frequencies as CSV", source.table("places", places)),
                    ("groups that stand together", source.table("groups", source.tables["groups"])),
                    ("agreement of orders", source.table("agreement", source.tables["agreement"])),
                ),
            ]
        ),
    )


def _table(source: Source, means: pd.DataFrame, places: pd.DataFrame, order: list[str], where: str) -> Markup:
    shares = {(row["loss"], int(row["place"])): float(row["frequency"]) for row in places.to_dict("records")}
    by_loss = {row["loss"]: row for row in means.to_dict("records")}
    axis = svg.Axis(1, max(2, len(order)), 8, 92)
    rows = []
    for loss in order:
        row = by_loss[loss]
        lo, hi = row["rank_lo"], row["rank_hi"]
        allowed = f"{lo:.0f} to {hi:.0f}" if lo == lo else "nothing is told"
        ends = (lo, hi) if lo == lo else (1, len(order))
        told = lo == lo and (lo, hi) != (1, len(order))
        mark = svg.interval(axis, row["rank"], ends[0], ends[1], source.looks[loss], 8, hollow=not told)
        cells = [
            number_cell(f"{row['rank']:.0f}", row["rank"]),
            tag("td", svg.svg(100, 16, mark), tag("small", allowed)),
        ]
        for place in range(1, len(order) + 1):
            share = shares.get((loss, place), 0.0)
            shade = f"q{math.ceil(5 * share)}" if share else ""
            cells.append(number_cell(f"{100 * share:.0f} %" if share else "", share, class_=shade))
        name = tag("th", svg.named(source.looks[loss], loss), scope="row")
        rows.append(tag("tr", name, *cells, data_loss=loss))
    heads = ["loss", "rank", "ranks allowed", *(f"place {place}" for place in range(1, len(order) + 1))]
    return table(heads, rows, label=f"Ranks, {where}", sortable=True)
