"""The part of a report about one dataset: its tables and figures, written to files."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from seglossbench.drawing.names import Stems, csv_text
from seglossbench.files import write_json, write_text
from seglossbench.inspection.data_figure import CAPTION, data_figure
from seglossbench.inspection.data_tables import case_table, class_table
from seglossbench.reporting import formats, latex
from seglossbench.reporting.comparison import Comparison
from seglossbench.reporting.dataset_figures import comparisons_of, pictures_of
from seglossbench.reporting.facts import Dataset, Run, convention_of
from seglossbench.reporting.material import Files, Material, Picture
from seglossbench.reporting.tables import Leading, Table, build_table
from seglossbench.vocabulary.metrics import metric_of


@dataclass(frozen=True)
class Section:
    """All that the page shows of one dataset."""

    name: str
    anchor: str
    facts: Dataset | None
    tables: tuple[tuple[str, Table], ...]
    pictures: tuple[Picture, ...]
    split: str = ""  # the file with the names of the cases of each part
    cases: str = ""  # the file with a row per case
    data: tuple[Picture, pd.DataFrame] | None = None  # what its cases are like, and a row per class
    comparisons: tuple[tuple[str, Comparison, tuple[Picture, ...]], ...] = ()
    """Per network the stem of the files of ours beside the published scores, the table and its figures."""

    @property
    def title(self) -> str:
        """The dataset's name, where it has one."""
        return "Scores" if self.name == "-" else self.name


def write_section(
    folder: Path, dataset: str, stems: Stems, material: Material, leading: Collection[Leading] = ()
) -> Section:
    """Write the tables and figures of one dataset into ``folder`` and return what the page says of them.

    ``stems`` gives their files names that no other file of the report has; ``leading`` are the losses to stand out.
    """
    facts, anchor = material.facts, stems.new(dataset)
    files = Files(folder, stems, dataset, anchor)
    described = next((found for found in facts.datasets if found.name == dataset), None)
    unit = described.distance_unit if described else facts.distance_unit
    scores = material.scores[material.scores["dataset"] == dataset]
    histories = material.histories[material.histories["dataset"] == dataset]
    runs = [run for run in facts.runs if run.dataset == dataset]
    pairs = list(
        dict.fromkeys(
            [
                *((run.network, run.loss) for run in runs),
                *scores[["network", "loss"]].drop_duplicates().itertuples(index=False, name=None),
            ]
        )
    )
    networks = list(dict.fromkeys(network for network, _ in pairs))
    pairs.sort(key=lambda pair: networks.index(pair[0]))
    classes = _in_order(list(scores["class"].unique()), described.classes if described else ())
    reasons, unfinished = _without_scores(runs, scores)
    # Parts of an experiment may have other metrics; a dataset without any scores says so once.
    scored = set(scores["metric"].unique())
    metrics = [name for name in material.metrics if name in scored] or material.metrics[:1]
    tables = []
    for name in metrics:
        table = build_table(
            scores,
            material.summaries,
            dataset,
            metric_of(name, unit),
            pairs,
            classes,
            planned_seeds=len({run.seed for run in runs}),
            reasons=reasons,
            empty_policy=convention_of(facts, described, "empty_policy"),
            leading=leading,
        )
        stem = files.stem("tables", name)
        for ending, text in (
            ("csv", formats.to_csv(table)),
            ("md", formats.to_markdown(table)),
            ("tex", latex.to_latex(table)),
            ("html", formats.to_html(table)),
        ):
            write_text(folder / f"{stem}.{ending}", text)
        tables.append((stem, table))
    split = cases = ""
    data = None
    if described and described.split:
        split = f"{files.stem('tables', 'split')}.json"
        write_json(folder / split, vars(described.split))
    if described and described.cases:
        cases = f"{files.stem('tables', 'cases')}.csv"
        write_text(
            folder / cases,
            csv_text(case_table(described.cases), ["case", "patient", "official", "modality"]),
        )
        picture = files.picture(data_figure(described.cases), ["data"], "Data", CAPTION)
        data = picture, class_table(described.cases)
    pictures = tuple(pictures_of(files, scores, histories, networks, classes, unfinished, unit, material))
    comparisons = tuple(comparisons_of(files, scores, networks, unit, material))
    return Section(dataset, anchor, described, tuple(tables), pictures, split, cases, data, comparisons)


def _without_scores(
    runs: Sequence[Run], scores: pd.DataFrame
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], int]]:
    """Why runs have no scores, in words, and how many they are, per network and loss."""
    runs_scored = scores[["network", "loss", "seed"]].drop_duplicates()
    scored = set(runs_scored.itertuples(index=False, name=None))
    missing: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        if (run.network, run.loss, run.seed) not in scored:
            why = f"seed {run.seed} {run.state}" + (f" ({run.reason})" if run.reason else "")
            missing.setdefault((run.network, run.loss), []).append(why)
    return {key: ", ".join(whys) for key, whys in missing.items()}, {k: len(v) for k, v in missing.items()}


def _in_order(found: Sequence[str], known: Sequence[str]) -> list[str]:
    """The classes in the dataset's order; those it does not name follow as they come, or by number."""
    others = [name for name in found if name not in known]
    if all(name.isdecimal() for name in others):
        others.sort(key=int)
    return [*(name for name in known if name in set(found)), *others]
