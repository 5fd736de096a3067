from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seglossbench.analysis.inputs import check_scores
from seglossbench.data.published import TOPOMORTAR_DIAGONAL_PX, Published, read_published
from seglossbench.drawing.figure import save
from seglossbench.drawing.looks import looks_of
from seglossbench.errors import InputError
from seglossbench.reporting import Facts, comparison_figures, write_report
from seglossbench.reporting.comparison import compare, pairs_of
from seglossbench.statistics.means import fold_status
from seglossbench.statistics.summaries import over_cases_and_seeds
from seglossbench.vocabulary.metrics import metric_of

IN_DISTRIBUTION = [f"{number:03d}" for number in range(71, 121)]
# Mean and deviation over images and seeds as the authors print them: DSC, HD95.
PRINTED = {
    "CEDiceLoss": ("0.91 ± 0.04", "1.87 ± 0.87"),
    "RegionWiseLoss": ("0.91 ± 0.05", "1.84 ± 0.84"),
    "TopoLoss": ("0.91 ± 0.04", "1.87 ± 0.88"),
    "MSETopoWinLoss": ("0.86 ± 0.06", "2.68 ± 1.24"),
    "clDiceLoss": ("0.91 ± 0.05", "1.83 ± 0.84"),
    "WarpingLoss": ("0.91 ± 0.05", "1.84 ± 0.83"),
    "CESkeletonRecallLoss": ("0.91 ± 0.05", "1.90 ± 0.89"),
    "cbDiceLoss": ("0.91 ± 0.04", "1.85 ± 0.86"),
}


@pytest.fixture
def folder(tmp_path):
    """Two losses, two seeds, two images, one of which has an undefined distance once."""
    for loss, shift in (("CEDiceLoss", 0.0), ("clDiceLoss", 0.1)):
        for seed in (1, 2):
            rows = [("071", 0.8 + shift, 2.0), ("072", 0.6 + shift, 9999999 if seed == 2 else 4.0)]
            file = tmp_path / loss / f"{seed}.csv"
            file.parent.mkdir(exist_ok=True)
            pd.DataFrame(rows, columns=["ID", "Dice_mortar", "HD95_mortar"]).to_csv(file, index=False)
    return tmp_path


def folded(folder, cases=("071", "072")):
    return fold_status(check_scores(read_published(folder, "topomortar", "topomortar", cases)))


def test_the_means_of_topomortar_are_those_that_its_authors_print(realdata):
    scores = folded(realdata / "topomortar/published/supervised/accurate/large", IN_DISTRIBUTION)
    moments = over_cases_and_seeds(scores)
    found = {
        loss: tuple("{:.2f} ± {:.2f}".format(*moments[metric, loss]) for metric in ("DSC", "HD95"))
        for loss in PRINTED
    }
    assert found == PRINTED


def test_an_undefined_distance_counts_as_the_diagonal_and_is_marked(folder):
    scores = folded(folder)
    undefined = scores[scores["status"] == "prediction_empty"]
    assert set(undefined["case"]) == {"072"}
    distances = undefined.loc[undefined["metric"] == "HD95", "value"]
    assert distances.tolist() == [TOPOMORTAR_DIAGONAL_PX] * 2


def test_a_test_case_without_published_score_is_named(folder):
    with pytest.raises(InputError, match="CEDiceLoss, seed 1: no published score of case 099"):
        read_published(folder, "topomortar", "topomortar", ["071", "099"])


def test_a_file_of_other_columns_is_named(folder):
    (folder / "clDiceLoss/2.csv").write_text("ID,Dice\n071,0.5\n")
    with pytest.raises(
        InputError, match=r"clDiceLoss/2\.csv: expected the columns ID, Dice_mortar, HD95_mortar"
    ):
        folded(folder)


def test_losses_of_both_come_first():
    pairs = pairs_of(["ce", "rrw", "ce_dice"], ["A", "CEDice", "B"], {"CEDice": "ce_dice", "B": "focal"})
    assert pairs == [("ce_dice", "CEDice"), ("ce", ""), ("rrw", ""), ("", "A"), ("", "B")]


@pytest.fixture
def ours():
    """Means of 0.7 and 0.9, of two images and one seed each."""
    rows = [
        ("topomortar", "unet", loss, "0", case, "mortar", metric, str(value))
        for loss, shift in (("ce_dice", 0.0), ("ce", 0.2))
        for case, dsc, hd95 in (("071", 0.8, 3.0), ("072", 0.6, 5.0))
        for metric, value in (("DSC", dsc + shift), ("HD95", hd95))
    ]
    return pd.DataFrame(
        rows, columns=["dataset", "network", "loss", "seed", "case", "class", "metric", "value"]
    )


def published(folder):
    scores = read_published(folder, "topomortar", "topomortar", ["071", "072"])
    return Published(scores, {"CEDiceLoss": "ce_dice"}, "Somebody, 2025", {"seeds": "10"}, {"seeds": "1"})


def test_means_deviations_and_differences_by_hand(folder, ours):
    theirs = published(folder)
    comparison = compare(
        fold_status(ours),
        Published(fold_status(theirs.scores), theirs.losses, "", theirs.protocol, theirs.our_protocol),
        ["ce_dice", "ce"],
        "unet",
        [metric_of("DSC")],
    )
    rows = {(row.loss, row.published_as): row.metrics[0] for row in comparison.rows}
    assert list(rows) == [("ce_dice", "CEDiceLoss"), ("ce", ""), ("", "clDiceLoss")]
    both = rows["ce_dice", "CEDiceLoss"]
    # Ours 0.8 and 0.6; theirs the same twice, whose deviation is sqrt(4 * 0.01 / 3).
    assert (both.ours, both.published, both.difference) == ("0.700 ± 0.141", "0.700 ± 0.115", "+0.000")
    assert (rows["ce", ""].ours, rows["ce", ""].published) == ("0.900 ± 0.141", "")
    assert comparison.protocol == (("seeds", "1", "10"),)


def test_the_report_shows_ours_beside_the_published(folder, ours, tmp_path):
    out = tmp_path / "report"
    page = write_report(
        out, ours, pd.DataFrame(), Facts("x"), published={"topomortar": published(folder)}
    ).read_text(encoding="utf-8")
    for words in ("Ours and published", "Somebody, 2025", "CEDiceLoss", "0.700 ± 0.141"):
        assert words in page
    for file in ("tables/topomortar_published_unet.csv", "figures/topomortar_published_images_unet.png"):
        assert file in page
        assert Path(out / file).is_file()


@pytest.mark.parametrize("values", [(1.0, float("inf")), (float("inf"), float("inf")), (float("nan"), 2.0)])
def test_infinite_and_undefined_distances_are_counted_and_not_drawn(values, tmp_path):
    def scores(loss):
        rows = [
            {"loss": loss, "seed": "0", "case": case, "metric": "HD", "value": value}
            for case, value in enumerate(values)
        ]
        run = {"dataset": "d", "network": "n", "class": "1", "status": ""}
        return pd.DataFrame(rows).assign(**run)

    ours, theirs, looks = scores("ce"), scores("CE"), looks_of(["ce"])
    pair, metrics = [("ce", "CE")], [metric_of("HD")]
    figure = comparison_figures.image_by_image(ours, theirs, pair, looks, metrics)
    lacking = sum(not np.isfinite(value) for value in values)
    assert [text.get_text() for text in figure.axes[0].texts] == [f"{lacking} of 2 undefined or ∞"]
    save(figure, tmp_path / "images")
    save(comparison_figures.ours_and_published(ours, theirs, pair, looks, metrics), tmp_path / "losses")
