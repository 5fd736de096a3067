"""Stability and cost: how much a loss's runs differ, how they end, how fast they are, with intervals."""

from markupsafe import Markup

from seglossbench.analysis.words import number
from seglossbench.reporting import svg
from seglossbench.reporting.elements import joined, number_cell, table, tag
from seglossbench.reporting.parts import Part, Row, Source, caption, files_line, place_name

_QUANTITIES = (
    ("sd", "sd over seeds", 3),
    ("late_swing", "late swing", 3),
    ("gradient_cv", "gradient: sd / mean", 2),
    ("epochs_to_95", "epochs to 95 %", 1),
    ("hours_to_95", "hours to 95 %", 2),
    ("hours_to_level", "hours to the common level", 2),
    ("s_per_epoch", "s per epoch", 2),
    ("peak_mb", "peak memory, MB", 0),
)


def stability(source: Source) -> Part | None:
    """A table per dataset and network of what is known of the losses' runs."""
    found, pairs = source.tables["stability"], source.tables["stability_pairs"]
    shown = [(name, words, digits) for name, words, digits in _QUANTITIES if found[name].notna().any()]
    failures = found["failed"].notna().any()
    if found.empty or not (shown or failures):
        return None
    tables = []
    for key, group in found.groupby(["dataset", "network"], sort=False):
        rows = group.to_dict("records")
        own = pairs[(pairs["dataset"] == key[0]) & (pairs["network"] == key[1])]
        steadier = {(row["quantity"], row["steadier"]) for row in own.to_dict("records") if row["steadier"]}
        place = (str(key[0]), str(key[1]))
        made = table(
            ["loss", "runs", *(["failed"] if failures else []), *(words for _, words, _ in shown), "× time"],
            [_row(source, row, shown, bool(failures), steadier) for row in rows],
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
                caption(
                    "Below each number its 95 % interval over runs. * less than that of another loss, after Holm's "
                    "correction. Late swing: mean change of the validation from epoch to epoch in the last quarter. "
                    "95 %: of the best validation. Common level: 95 % of the best validation of "
                    "the loss that gets least far, the same for all losses there; runs that reach it count. "
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


def _row(
    source: Source,
    row: Row,
    shown: list[tuple[str, str, int]],
    failures: bool,
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
        below = f"{number(lo, digits)} to {number(hi, digits)}" if lo == lo and lo != hi else ""
        if name == "hours_to_level" and row["reached"] < row["runs"]:
            below = f"{row['reached']:.0f} of {row['runs']:.0f} runs" + (f"; {below}" if below else "")
        star = " *" if (name, loss) in steadier else ""
        cells.append(number_cell(number(row[name], digits) + star, row[name], below=below))
    cells.append(number_cell(number(row["ratio_to_baseline"], 2), row["ratio_to_baseline"]))
    return tag("tr", tag("th", svg.named(source.looks[loss], loss), scope="row"), *cells, data_loss=loss)
