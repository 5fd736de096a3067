"""The part of a report about one dataset: its tables and figures, written to files."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

from seglossbench.data.published import Published
from seglossbench.drawing.figure import save
from seglossbench.drawing.looks import Look
from seglossbench.drawing.names import Stems, csv_text, isolated
from seglossbench.files import write_json, write_text
from seglossbench.inspection.data_figure import CAPTION, data_figure
from seglossbench.inspection.data_tables import case_table, class_table
from seglossbench.reporting import comparison_figures, figures, formats, latex
from seglossbench.reporting.comparison import Comparison, compare, pairs_of, to_csv
from seglossbench.reporting.facts import Dataset, Facts, Run, convention_of
from seglossbench.reporting.tables import Leading, Table, build_table
from seglossbench.statistics.means import absences
from seglossbench.vocabulary.metrics import in_order, is_known, metric_of
from seglossbench.vocabulary.tables import TEST_BY_EPOCH


@dataclass(frozen=True)
class Material:
    """The inputs, checked and put in order."""

    scores: pd.DataFrame
    summaries: pd.DataFrame
    histories: pd.DataFrame
    facts: Facts
    metrics: tuple[str, ...]
    looks: dict[str, Look]
    published: Mapping[str, Published]


@dataclass(frozen=True)
class Picture:
    """A figure on the page: the stem of its files, its size there, and how to read it."""

    stem: str
    title: str
    caption: str
    width: int
    height: int


@dataclass(frozen=True)
class Files:
    """Where the files of a dataset go: into the report's folder, under names that no other file of it has."""

    folder: Path
    stems: Stems
    dataset: str
    anchor: str

    def stem(self, kind: Literal["tables", "figures"], *names: str) -> str:
        """A new name for a file of the dataset, without its ending, relative to the report's folder."""
        return f"{kind}/{self.stems.new(self.anchor, *names)}"

    def picture(self, figure: Figure, names: Sequence[str], title: str, caption: str) -> Picture:
        """Save a figure for the page and for papers."""
        stem = self.stem("figures", *names)
        return Picture(stem, title, caption, *save(figure, self.folder / stem))


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
    pictures = tuple(_pictures(files, scores, histories, networks, classes, unfinished, unit, material))
    comparisons = tuple(_comparisons(files, scores, networks, unit, material))
    return Section(dataset, anchor, described, tuple(tables), pictures, split, cases, data, comparisons)


def _comparisons(
    files: Files,
    scores: pd.DataFrame,
    networks: Sequence[str],
    unit: str,
    material: Material,
) -> Iterator[tuple[str, Comparison, tuple[Picture, ...]]]:
    """Ours beside the published scores, per network, where there are published ones."""
    published = material.published.get(files.dataset)
    if published is None or scores.empty:
        return
    shared = [
        name for name in material.metrics if name in set(published.scores["metric"]) & set(scores["metric"])
    ]
    metrics = [metric_of(name, unit) for name in shared]
    names = list(dict.fromkeys(published.scores["loss"]))
    for network in networks:
        own = scores[scores["network"] == network]
        losses = [loss for loss in material.looks if loss in set(own["loss"])]
        pairs = pairs_of(losses, names, published.losses)
        comparison = compare(own, published, losses, network, metrics)
        stem = files.stem("tables", "published", network)
        write_text(files.folder / f"{stem}.csv", to_csv(comparison))
        figure = comparison_figures.ours_and_published(own, published.scores, pairs, material.looks, metrics)
        pictures = [
            files.picture(
                figure,
                ["published", network],
                "Ours and published, per loss",
                "The mean over all test images and seeds; the line reaches one standard deviation to either side, "
                "mostly because some images are harder than others. A short upright line is the mean of one seed.",
            )
        ]
        both = [pair for pair in pairs if all(pair)]
        if both:
            pictures.append(
                files.picture(
                    comparison_figures.image_by_image(own, published.scores, both, material.looks, metrics),
                    ["published", "images", network],
                    "Ours and published, image by image",
                    "Each mark is one test image, averaged over the seeds; on the grey line both scores are equal. For "
                    "DSC ours is better above the line, for distances below it.",
                )
            )
        yield stem, comparison, tuple(pictures)


def _pictures(
    files: Files,
    scores: pd.DataFrame,
    histories: pd.DataFrame,
    networks: Sequence[str],
    classes: Sequence[str],
    unfinished: Mapping[tuple[str, str], int],
    unit: str,
    material: Material,
) -> Iterator[Picture]:
    """Draw and save the figures of a dataset, one after the other."""
    looks = material.looks
    for network in dict.fromkeys(histories["network"]):
        own = histories[histories["network"] == network]
        shown = {loss: look for loss, look in looks.items() if loss in set(own["loss"])}
        seeds = own["seed"].nunique()
        band = "one line per loss, of its only seed"
        if seeds > 1:
            band = (
                f"the line is the mean of {seeds} seeds, the band reaches from the lowest seed to the highest"
            )
        validated = figures.validated_by(own, unit)
        what = "no scores of validation cases"
        if validated:
            what = f"{validated.name} on the validation cases by epoch, {validated.better} is better"
        yield files.picture(
            figures.convergence(own, shown, unit),
            ["convergence", network],
            f"Convergence, {isolated(network)}",
            f"Left: {what}; {band}; a cross marks a run that "
            "ended before the longest one. Right: the training loss, drawn in the same way. Losses have different "
            "units and some are negative by definition, so each has its own scale: compare shapes, not heights.",
        )
        by_epoch = own[own["split"] == TEST_BY_EPOCH]
        if not by_epoch.empty:
            names = [name for name in in_order(by_epoch["name"]) if is_known(name)]
            yield files.picture(
                figures.scores_by_epoch(by_epoch, shown, [metric_of(name, unit) for name in names]),
                ["test_by_epoch", network],
                f"Test scores by epoch, {isolated(network)}",
                f"The test cases, scored while the networks train; {band}. They choose nothing, and tell how steadily "
                "a loss is optimised: a wide band or a restless end is a result that depends on chance. Scored on the "
                "prepared grid, so not equal to the tables; an epoch without a defined distance has no point.",
            )
    if scores.empty:
        return
    scored = set(scores["metric"].unique())
    name = next(name for name in material.metrics if name in scored)
    metric = metric_of(name, unit)
    own = scores[scores["metric"] == name]
    summaries = material.summaries[
        (material.summaries["dataset"] == files.dataset) & (material.summaries["metric"] == name)
    ]
    losses = set(own["loss"].unique()) | {loss for _, loss in unfinished}
    own_looks = {loss: look for loss, look in looks.items() if loss in losses}
    kind = f"{metric.mean} mean" if metric.mean == "geometric" else "mean"
    if (summaries["spread_over"] == "seeds").any():
        yield files.picture(
            figures.seed_spread(summaries, own_looks, networks, metric, unfinished),
            ["seeds"],
            f"Spread over seeds, {name}",
            f"Each mark is one seed: its {kind} of {name} over test cases and classes; the dark bar is that over "
            "seeds. "
            "Marks far apart mean a loss whose result depends on chance. A difference between two losses that is "
            "smaller than the distance between seeds of the same loss says little.",
        )
    lacking = absences(own)
    absent = tuple(lacking.loc[lacking["absent"], "class"])
    yield files.picture(
        figures.per_class(own, summaries, own_looks, networks, classes, absent, metric),
        ["classes"],
        f"{name} per class",
        "One row per class, and in it one line per loss, in the order of the legend. The large mark is the number of "
        f"the table, a {kind}; a small pale point is one test case, averaged over seeds.",
    )


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
