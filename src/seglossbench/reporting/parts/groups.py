"""Groups of cases: what each loss scores where a column of the cases has one value, such as a modality or a scanner."""

from typing import Any

from markupsafe import Markup

from seglossbench.reporting import svg
from seglossbench.reporting.elements import joined, number_cell, scrolled, tag
from seglossbench.reporting.parts import Part, Row, Source, caption, files_line, place_name

_MOST_GROUPS = 12
"""A column of more values is no column of groups, and stands in the file only."""
Key = tuple[str, str, str, str]


def groups(source: Source) -> Part | None:
    """A table per dataset, network, metric and column: losses are its rows, groups its columns."""
    found = source.tables.get("parts")
    if found is None or found.empty:
        return None
    shown = found[found["metric"].isin(source.metrics)]
    told = _told(source)
    blocks = []
    for key, own in shown.groupby(["dataset", "network", "metric", "column"], sort=False):
        if own["part"].nunique() > _MOST_GROUPS:
            continue
        dataset, network, metric, column = (str(name) for name in key)
        where = place_name(dataset, network)
        title = Markup("{} · {}, by {}").format(tag("bdi", where), metric, tag("bdi", column))
        made = _table(source, (dataset, network, metric, column), own.to_dict("records"), told)
        view = source.view(dataset=dataset, network=network, metric=metric)
        inside = scrolled(made, f"{where}, {metric}, by {column}")
        blocks.append(tag("div", tag("h3", title), inside, hidden=metric != source.decides, **view))
    if not blocks:
        return None
    links = [(f"{words} as CSV", source.table(name, source.tables[name])) for name, words in _FILES]
    return Part(
        "Groups of cases",
        "groups",
        joined(
            [
                *blocks,
                caption(
                    "Above the mean as in all tables, over seeds, cases and classes; below it, as papers print them, "
                    "the arithmetic mean ± standard deviation over all seeds and cases of the group, which is no "
                    f"interval. * differs from {source.baseline} after Holm's correction for the pairs of the group."
                ),
                files_line(*links),
            ]
        ),
    )


_FILES = (("parts", "groups"), ("subgroups", "differences in groups"))


def _told(source: Source) -> set[tuple[str, ...]]:
    """The losses that are told from the baseline: dataset, network, metric, column, group, loss."""
    pairs = source.tables["subgroups"]
    own = pairs[(pairs["better"] != "") & ((pairs["a"] == source.baseline) | (pairs["b"] == source.baseline))]
    return {
        (*(row[name] for name in ("dataset", "network", "metric", "column", "part")), row[loss])
        for row in own.to_dict("records")
        for loss in ("a", "b")
        if row[loss] != source.baseline
    }


def _table(source: Source, key: Key, rows: list[Row], told: set[tuple[str, ...]]) -> Markup:
    metric = source.metric(key[2], key[0])
    cells: dict[Any, Row] = {(row["loss"], row["part"]): row for row in rows}
    parts = list(dict.fromkeys(row["part"] for row in rows))
    counts = {part: max(int(row["cases"]) for row in rows if row["part"] == part) for part in parts}
    heads = [
        tag(
            "th",
            tag("bdi", part),
            tag("small", f"{counts[part]} case{'s' * (counts[part] != 1)}"),
            scope="col",
        )
        for part in parts
    ]

    def cell(loss: str, part: str) -> Markup:
        row = cells.get((loss, part))
        if row is None or row["mean"] != row["mean"]:
            return tag("td", "—", class_="num word")
        star = " *" if (*key, part, loss) in told else ""
        below = metric.text(row["arithmetic_mean"])
        below += f" ± {metric.text(row['sd'])}" if row["sd"] == row["sd"] else ""
        return number_cell(metric.text(row["mean"]) + star, row["mean"], below=below)

    lines = [
        tag(
            "tr",
            tag("th", svg.named(source.looks[loss], loss), scope="row"),
            *(cell(loss, part) for part in parts),
            data_loss=loss,
        )
        for loss in source.losses
        if any(row["loss"] == loss for row in rows)
    ]
    head = tag("thead", tag("tr", tag("th", "loss", scope="col"), *heads))
    return tag("table", head, tag("tbody", *lines), class_="data glance")
