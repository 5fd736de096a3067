"""Runs: what became of each, how long it took, and where; sorted and filtered by whoever reads."""

from markupsafe import Markup

from seglossbench.analysis.words import number
from seglossbench.reporting import svg
from seglossbench.reporting.elements import joined, number_cell, table, tag
from seglossbench.reporting.parts import Part, Row, Source, caption, files_line

MLFLOW = "http://127.0.0.1:5000"
"""Where ``make ui`` shows the local store."""
_PAGE = 500
"""Rows that are in sight at once; of more the script turns the pages."""
_WORDS = ("id", "adopted", "started", "device", "threads", "versions")
_NUMBERS = (("score", 3), ("seconds", 0), ("s_per_epoch", 2), ("peak_mb", 0))
_TITLES = {"s_per_epoch": "s per epoch", "peak_mb": "peak memory, MB", "seconds": "duration, s", "id": "run"}


def runs(source: Source) -> Part | None:
    """A row per run of the experiment, those that are not done first; columns of what is known of some."""
    found = source.tables["runs"]
    if found.empty or not (found["state"] != "").any():
        return None
    rows = sorted(found.to_dict("records"), key=lambda row: row["state"] == "DONE")
    words = [name for name in _WORDS if name in found and (found[name].fillna("").astype(str) != "").any()]
    numbers = [(name, digits) for name, digits in _NUMBERS if name in found and found[name].notna().any()]
    head = ["dataset", "network", "loss", "seed", "state", "reason", *(name for name, _ in numbers), *words]
    linked = "mlflow" in found and bool((found["mlflow"].fillna("") != "").any())
    head += ["in MLflow"] if linked else []
    titles = [source.decides if name == "score" else _TITLES.get(name, name) for name in head]
    made = table(
        titles,
        [_row(source, row, numbers, words, linked) for row in rows],
        label="Runs, a row each",
        sortable=True,
        class_="runs",
        page=_PAGE,
    )
    total = len(rows)
    return Part(
        "Runs",
        "runs",
        joined(
            [
                tag(
                    "p",
                    tag(
                        "label",
                        "filter ",
                        tag("input", type="search", data_filter="runs", placeholder="such as amos cwcd"),
                        class_="control",
                    ),
                    tag("span", f"{total} of {total}", data_count="runs", role="status"),
                ),
                tag("div", made, id="runs-tables"),
                caption(
                    "Adopted: the run was trained by other code, and stands because a change was shown, or said, to "
                    "change no digit."
                    if "adopted" in words
                    else None,
                    f" Links to MLflow work while make ui runs, at {MLFLOW}." if linked else None,
                    f" In pages of {_PAGE} rows, runs that are not done first; without script this page shows the "
                    "first one, and the CSV has all."
                    if total > _PAGE
                    else None,
                ),
                files_line(("runs as CSV", source.table("runs", found))),
            ]
        ),
    )


def _row(source: Source, row: Row, numbers: list[tuple[str, int]], words: list[str], linked: bool) -> Markup:
    loss = row["loss"]
    shown = svg.named(source.looks[loss], loss) if loss in source.looks else loss
    cells = [
        tag("td", tag("bdi", row["dataset"])),
        tag("td", tag("bdi", row["network"])),
        tag("td", shown),
        number_cell(row["seed"], _as_number(row["seed"])),
        tag("td", row["state"], class_=f"state {row['state']}"),
        tag("td", row["reason"], class_="reason"),
        *(number_cell(number(float(row[name]), digits), row[name]) for name, digits in numbers),
        *(tag("td", "" if row[name] != row[name] else str(row[name])) for name in words),
        *([tag("td", _page(source, row))] if linked else []),
    ]
    said = " ".join(
        str(row[name]) for name in ("dataset", "network", "loss", "seed", "state", "reason", *words)
    )
    view = source.view(dataset=row["dataset"], network=row["network"], loss=loss)
    return tag("tr", *cells, data_name=said.casefold(), **view)


def _page(source: Source, row: Row) -> Markup | None:
    if not row["mlflow"]:
        return None
    return tag("a", "MLflow", href=f"{MLFLOW}/{row['mlflow']}", aria_label=f"{row['id']} in MLflow")


def _as_number(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None
