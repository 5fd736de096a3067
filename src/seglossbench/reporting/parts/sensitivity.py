"""Sensitivity: the same losses under other conventions, and what changes of the conclusions with them."""

from markupsafe import Markup

from seglossbench.analysis.sensitivity import AS_ANALYSED
from seglossbench.reporting import svg
from seglossbench.reporting.elements import joined, number_cell, scrolled, tag
from seglossbench.reporting.parts import Part, Row, Source, caption, figure_files, files_line, place_name

_MOST_FIGURES = 24


def sensitivity(source: Source) -> Part | None:
    """A table per dataset, network and metric, a row per convention; ranks other than as analysed are tinted."""
    found = source.tables["sensitivity"]
    found = found[found["metric"].isin(source.metrics)]
    if found.empty:
        return None
    blocks = []
    for (dataset, network, metric), group in found.groupby(["dataset", "network", "metric"], sort=False):
        where = place_name(str(dataset), str(network))
        view = source.view(dataset=str(dataset), network=str(network), metric=str(metric))
        made = _table(source, group.to_dict("records"), f"{where}, {metric}")
        title = Markup("{} · {}").format(tag("bdi", where), str(metric))
        blocks.append(tag("div", tag("h3", title), made, hidden=metric != source.decides, **view))
    if source.decides not in set(found["metric"]):
        said = f"None of these conventions changes {source.decides} here; the bar shows the metrics that some change."
        blocks.append(tag("p", said, data_metric=source.decides))
    kinds = ("interactions",)
    others = [(f"{kind} as CSV", source.table(kind, source.tables[kind])) for kind in kinds]
    return Part(
        "Sensitivity",
        "sensitivity",
        joined(
            [
                *blocks,
                _figure(source),
                caption(
                    "Each cell: the mean, and the rank below it; tinted where the rank is another than as analysed. "
                    "Order: Kendall's tau with the order as analysed, 1 where it is the same. Changed: pairs of losses "
                    "that are told apart otherwise."
                ),
                files_line(("sensitivity as CSV", source.table("sensitivity", found)), *others),
            ]
        ),
    )


def _table(source: Source, rows: list[Row], label: str) -> Markup:
    losses = [loss for loss in source.losses if any(row["loss"] == loss for row in rows)]
    variants = list(dict.fromkeys(row["variant"] for row in rows))
    by_key = {(row["variant"], row["loss"]): row for row in rows}
    metric = source.metric(rows[0]["metric"], rows[0]["dataset"])
    lines = []
    for variant in variants:
        own = next(row for row in rows if row["variant"] == variant)
        cells = []
        for loss in losses:
            row, usual = by_key.get((variant, loss)), by_key.get((AS_ANALYSED, loss))
            if row is None or row["mean"] != row["mean"]:
                cells.append(tag("td", "—", class_="num word", data_loss=loss))
                continue
            other = usual is not None and row["rank"] != usual["rank"]
            cells.append(
                number_cell(
                    metric.text(row["mean"]),
                    row["mean"],
                    below=f"rank {row['rank']:.0f}",
                    class_="leads" if other else "",
                    data_loss=loss,
                )
            )
        told = f"{own['told_apart']:.0f} of {own['pairs']:.0f}"
        tau = f"{own['tau']:.2f}".replace("-", "−") if own["tau"] == own["tau"] else ""
        cells += [number_cell(text) for text in (tau, told, f"{own['changed']:.0f}")]
        first = "first" if variant == AS_ANALYSED else None
        lines.append(tag("tr", tag("th", variant, scope="row"), *cells, class_=first))
    heads = [tag("th", "convention", scope="col")]
    heads += [tag("th", svg.named(source.looks[loss], loss), scope="col", data_loss=loss) for loss in losses]
    heads += [tag("th", words, scope="col") for words in ("order", "told apart", "changed")]
    made = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *lines), class_="data")
    return scrolled(made, f"Sensitivity, {label}")


def _figure(source: Source) -> Markup | None:
    """The means under every convention, for papers."""
    from seglossbench.reporting.plots import dots

    found = source.tables["sensitivity"]
    own = found[(found["metric"] == source.decides) & found["mean"].notna()]
    if own.empty:
        return None
    names = [
        f"{place_name(dataset, network)}: {variant}"
        for dataset, network, variant in own[["dataset", "network", "variant"]].itertuples(
            index=False, name=None
        )
    ]
    table_of = own.assign(name=names, value=own["mean"])
    kept = list(dict.fromkeys(names))[: 2 * _MOST_FIGURES]
    shown = table_of[table_of["name"].isin(kept)]
    title = source.metric(source.decides).title
    return figure_files(
        source, "sensitivity_means", dots(shown, source.looks, title=title, across=title), table_of
    )
