"""The classes as rows: the mean first, every loss a column, as values or as differences to a baseline."""

import gzip
from typing import Any

from markupsafe import Markup

from seglossbench.analysis.cubes import ALL, own_name
from seglossbench.analysis.words import number
from seglossbench.drawing.names import csv_of_texts
from seglossbench.files import atomic_file
from seglossbench.reporting import svg
from seglossbench.reporting.elements import joined, number_cell, scrolled, tag
from seglossbench.reporting.parts import NAMES, Part, Row, Source, caption, files_line, place_name, turned
from seglossbench.reporting.parts.differences import MOST_BASELINES
from seglossbench.reporting.parts.glance import DOT
from seglossbench.reporting.told import told

_MOST_CELLS = 60_000
_COMPRESSION = 4
"""Level, in half the time of 6 and 4 % larger."""
_MOST_SEEDS = 5
"""Whose values stand below a standard deviation one by one."""
Key = tuple[str, str, str]


def classes(source: Source) -> Part | None:
    """A table per dataset, network and metric, which sorts by any column and is filtered by the names of classes."""
    means = source.tables["means"]
    shown = means[means["metric"].isin(source.metrics)]
    if shown.empty:
        return None
    pairs = source.tables["differences"]
    of_pairs: dict[Any, list[Row]] = {}
    for pair in pairs[pairs["metric"].isin(source.metrics)].to_dict("records"):
        of_pairs.setdefault((pair["dataset"], pair["network"], pair["metric"]), []).append(pair)
    several = 2 <= len(source.losses) <= MOST_BASELINES and len(shown) * len(source.losses) <= _MOST_CELLS
    bases = source.losses if several else [source.baseline] * (len(source.losses) > 1)
    blocks = []
    for key, group in shown.groupby(["dataset", "network", "metric"], sort=False):
        rows = group.to_dict("records")
        names = list(dict.fromkeys(["*", *(str(name) for name in group["class"])]))
        losses = [loss for loss in source.losses if loss in set(group["loss"])]
        place = (str(key[0]), str(key[1]), str(key[2]))
        blocks.append(_values(source, place, names, losses, rows))
        if group["sd_seeds"].notna().any() and len(shown) <= _MOST_CELLS:
            blocks.append(_spreads(source, place, names, losses, rows))
        blocks += [
            _against(source, place, names, losses, base, of_pairs.get(key, []))
            for base in bases
            if base in losses
        ]
    kinds = [tag("option", "values", value="value", selected=True)]
    kinds += [tag("option", "differences to the baseline", value="difference")] if bases else []
    if shown["sd_seeds"].notna().any() and len(shown) <= _MOST_CELLS:
        kinds.append(tag("option", "sd over seeds", value="spread"))
    controls = [
        tag("label", "show ", tag("select", *kinds, data_key="view"), class_="control"),
        tag(
            "label",
            "classes ",
            tag("input", type="search", data_filter="classes", placeholder="part of a name"),
            class_="control",
        ),
    ]
    return Part(
        "Classes",
        "classes",
        joined(
            [
                tag("p", *controls),
                tag("div", *blocks, id="classes-tables"),
                caption(
                    f"The mean over the classes is the first row. {DOT} cannot be told from the best of its row; "
                    "tinted where some can. * differs from the baseline after Holm's correction for the pairs of "
                    "its row. †n: n masks left empty where the truth has the class. A case without the class counts "
                    "for nobody. Size: the mean over the cases that have the class, in mm³, or in counted voxels. "
                    "Standard deviations are of the seeds' means (n − 1), which stand below them. A click "
                    "on a head sorts."
                ),
                files_line(("every score, for statistics of your own (gzip, CSV)", _every_score(source))),
            ]
        ),
    )


def _every_score(source: Source) -> str:
    file = "tables/scores.csv.gz"
    scores = source.scores
    text = csv_of_texts(scores, [name for name in NAMES if name in scores])
    with atomic_file(source.folder / file) as temporary:
        temporary.write_bytes(gzip.compress(text.encode(), _COMPRESSION, mtime=0))
    return file


def _frame(
    source: Source,
    key: Key,
    losses: list[str],
    rows: list[tuple[str, Markup]],
    base: str | None,
    kind: str = "value",
) -> Markup:
    dataset, network, metric = key
    sizes = _sizes(source, dataset)
    title = source.metric(metric, dataset).title + (f", difference to {base}" if base else "")
    title += ", standard deviation over seeds" if kind == "spread" else ""
    where = place_name(dataset, network, source.networks(dataset))
    heads = [
        tag(
            "th",
            tag(
                "button", svg.named(source.looks[loss], loss) if loss else name, type="button", data_sort=True
            ),
            scope="col",
            aria_sort="none",
            data_loss=loss,
            class_=None if name == "class" else "num",
        )
        for name, loss in [
            ("class", None),
            *([("size", None)] if sizes else []),
            *((loss, loss) for loss in losses),
        ]
    ]
    made = tag(
        "table",
        tag("caption", tag("bdi", where), f": {title}"),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *(_line(name, cells, len(rows) - 1, sizes) for name, cells in rows)),
        class_="data classes",
    )
    first = tuple(source.means[["dataset", "network"]].iloc[0]) if len(source.means) else None
    hidden = metric != source.decides or base is not None or kind != "value"
    view = {"view": "difference", "base": base} if base else {"view": kind}
    shown = source.view(dataset=dataset, network=network, metric=metric, **view)
    inside = scrolled(made, f"{where}, {title}")
    folded = tag(
        "details",
        tag("summary", tag("bdi", where), f" · {title}"),
        inside,
        open=(dataset, network) == first or network in (ALL, "-"),
    )
    return tag("div", folded, hidden=hidden, **shown)


def _values(source: Source, key: Key, names: list[str], losses: list[str], rows: list[Row]) -> Markup:
    found = {(row["class"], row["loss"]): row for row in rows}
    metric = source.metric(key[2], key[0])
    lines = []
    for name in names:
        own = [found[name, loss] for loss in losses if (name, loss) in found]
        some_told = any(row["rank"] == row["rank"] and not row["tied_with_best"] for row in own)
        cells = []
        for loss in losses:
            row = found.get((name, loss))
            if row is None or row["mean"] != row["mean"]:
                cells.append(
                    tag("td", "absent" if row is None else "undefined", class_="num word", data_loss=loss)
                )
                continue
            tied = row["rank"] == row["rank"] and bool(row["tied_with_best"]) and len(own) > 1
            below = (
                f"{metric.text(row['lo'])} to {metric.text(row['hi'])}"
                if row["lo"] == row["lo"]
                else "no interval"
            )
            missed = int(row["missed"]) if row["missed"] == row["missed"] else 0
            cells.append(
                tag(
                    "td",
                    tag("sup", f"†{missed} ") if missed else None,
                    metric.text(row["mean"]),
                    tag("span", f" {DOT}", class_="dot") if tied else None,
                    tag("small", below),
                    class_="num" + (" leads" if tied and some_told else ""),
                    data_by=f"{row['mean']:.6g}",
                    data_loss=loss,
                    data_tell=told(row, metric),
                )
            )
        lines.append((name, joined(cells)))
    return _frame(source, key, losses, lines, None)


def _spreads(source: Source, key: Key, names: list[str], losses: list[str], rows: list[Row]) -> Markup:
    """The standard deviations over seeds, which are no intervals, and the value of each seed."""
    found = {(row["class"], row["loss"]): row for row in rows}
    metric = source.metric(key[2], key[0])
    lines = []
    for name in names:
        cells = []
        for loss in losses:
            row = found.get((name, loss))
            if row is None or row["sd_seeds"] != row["sd_seeds"]:
                cells.append(tag("td", "—", class_="num word", data_loss=loss))
                continue
            seeds = [metric.text(float(value)) for value in str(row["seed_values"]).split()]
            below = " ".join(seeds) if len(seeds) <= _MOST_SEEDS else f"{len(seeds)} seeds"
            cells.append(
                number_cell(metric.text(row["sd_seeds"]), row["sd_seeds"], below=below, data_loss=loss)
            )
        lines.append((name, joined(cells)))
    return _frame(source, key, losses, lines, None, "spread")


def _against(
    source: Source, key: Key, names: list[str], losses: list[str], base: str, pairs: list[Row]
) -> Markup:
    found = {}
    for pair in pairs:
        if base in (pair["a"], pair["b"]):
            as_it_is = pair["b"] == base
            found[pair["class"], pair["a"] if as_it_is else pair["b"]] = (pair, turned(pair, as_it_is))
    lines = []
    for name in names:
        cells = []
        for loss in losses:
            if loss == base or (name, loss) not in found:
                cells.append(
                    tag("td", "baseline" if loss == base else "—", class_="num word", data_loss=loss)
                )
                continue
            pair, (estimate, lo, hi) = found[name, loss]
            ratio = pair["scale"] == "ratio"
            text = f"×{estimate:.2f}" if ratio else number(estimate, sign=True)
            ends = f"{lo:.2f} to {hi:.2f}".replace("-", "−") if lo == lo else "no interval"
            cells.append(
                number_cell(text + (" *" if pair["better"] else ""), estimate, below=ends, data_loss=loss)
            )
        lines.append((name, joined(cells)))
    return _frame(source, key, losses, lines, base)


def _sizes(source: Source, dataset: str) -> dict[str, float]:
    """The mean sizes of a dataset's classes, where they are known."""
    sizes = source.tables["sizes"]
    own = sizes[sizes["dataset"] == dataset]
    return dict(zip(own["class"], own["size"].astype(float), strict=True))


def _line(name: str, cells: Markup, classes: int, sizes: dict[str, float]) -> Markup:
    if name == ALL:
        return tag(
            "tr",
            tag("th", f"mean of {classes} classes" if classes > 1 else "mean", scope="row"),
            tag("td") if sizes else None,
            cells,
            class_="first",
        )
    size = sizes.get(name)
    return tag(
        "tr",
        tag("th", tag("bdi", own_name(name)), scope="row"),
        number_cell("" if size is None else svg.number(float(f"{size:.3g}")), size) if sizes else None,
        cells,
        data_name=name.casefold(),
    )
