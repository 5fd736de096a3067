"""The figures of one dataset for its part of the page and for papers, each with the words that say how to read it."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from seglossbench.drawing.names import isolated
from seglossbench.files import write_text
from seglossbench.reporting import comparison_figures, epoch_figures, score_figures
from seglossbench.reporting.comparison import Comparison, compare, pairs_of, to_csv
from seglossbench.reporting.material import Files, Material, Picture
from seglossbench.statistics.means import absences
from seglossbench.vocabulary.metrics import in_order, is_known, metric_of
from seglossbench.vocabulary.tables import TEST_BY_EPOCH


def comparisons_of(
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
        shown = [
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
            shown.append(
                files.picture(
                    comparison_figures.image_by_image(own, published.scores, both, material.looks, metrics),
                    ["published", "images", network],
                    "Ours and published, image by image",
                    "Each mark is one test image, averaged over the seeds; on the grey line both scores are equal. For "
                    "DSC ours is better above the line, for distances below it.",
                )
            )
        yield stem, comparison, tuple(shown)


def pictures_of(
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
        validated = epoch_figures.validated_by(own, unit)
        what = "no scores of validation cases"
        if validated:
            what = f"{validated.name} on the validation cases by epoch, {validated.better} is better"
        yield files.picture(
            epoch_figures.convergence(own, shown, unit),
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
                epoch_figures.scores_by_epoch(by_epoch, shown, [metric_of(name, unit) for name in names]),
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
            score_figures.seed_spread(summaries, own_looks, networks, metric, unfinished),
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
        score_figures.per_class(own, summaries, own_looks, networks, classes, absent, metric),
        ["classes"],
        f"{name} per class",
        "One row per class, and in it one line per loss, in the order of the legend. The large mark is the number of "
        f"the table, a {kind}; a small pale point is one test case, averaged over seeds.",
    )
