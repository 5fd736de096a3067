"""The analysis of scores that others published: 8 losses, 10 seeds, 350 images."""

from itertools import combinations

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import wilcoxon

from benchmarks import published_pairs
from seglossbench.analysis.arrays import cubes_of
from seglossbench.analysis.differences import differences
from seglossbench.analysis.files import read_table
from seglossbench.analysis.inputs import check_scores
from seglossbench.analysis.means import means
from seglossbench.cli.application import cli
from seglossbench.data.published import read_topomortar
from seglossbench.statistics.multiplicity import holm
from tests.conftest import PROJECT

BEST = {"CESkeletonRecallLoss", "clDiceLoss"}


@pytest.fixture(scope="module")
def cubes():
    from tests.conftest import REALDATA

    folder = REALDATA / "topomortar/published/supervised/accurate/large"
    if not folder.is_dir():
        pytest.skip("no ../shared/realdata beside the project")
    return cubes_of(check_scores(read_topomortar(folder, "topomortar")))


def test_two_of_eight_losses_are_not_told_from_the_best(cubes):
    pairs = differences(cubes, "DSC", each_class=False)
    table = means(cubes, pairs, each_class=False)
    of_dsc = table[table["metric"] == "DSC"]
    assert set(of_dsc.loc[of_dsc["tied_with_best"], "loss"]) == BEST
    primary = pairs[pairs["family"] == "primary"]
    assert primary["family_size"].tolist() == [28] * 28
    assert (primary["better"] != "").sum() == 7
    one = primary[(primary["a"] == "CESkeletonRecallLoss") & (primary["b"] == "RegionWiseLoss")].iloc[0]
    assert (one["estimate"], one["lo"], one["hi"]) == pytest.approx((0.0242, 0.0158, 0.0326), abs=1e-4)


def test_a_test_over_images_alone_tells_twice_as_many_pairs_apart(cubes):
    (cube,) = cubes.of("topomortar", "DSC")
    of_images = cube.scores[..., 0].mean(1)
    p = holm([wilcoxon(of_images[a] - of_images[b]).pvalue for a, b in combinations(range(8), 2)])
    assert (p < 0.05).sum() == 14


# results/PERFORMANCE_TABLES.md of TopoMortar's repository (MIT), study case 1: Dice and HD95 of the 50 images in
# distribution, mean and standard deviation over all images and 10 seeds.
PRINTED = {
    "CEDiceLoss": ("0.91 ± 0.04", "1.87 ± 0.87"),
    "RegionWiseLoss": ("0.91 ± 0.05", "1.84 ± 0.84"),
    "TopoLoss": ("0.91 ± 0.04", "1.87 ± 0.88"),
    "MSETopoWinLoss": ("0.86 ± 0.06", "2.68 ± 1.24"),
    "clDiceLoss": ("0.91 ± 0.05", "1.83 ± 0.84"),
    "WarpingLoss": ("0.91 ± 0.05", "1.84 ± 0.83"),
    "CESkeletonRecallLoss": ("0.91 ± 0.05", "1.9 ± 0.89"),
    "cbDiceLoss": ("0.91 ± 0.04", "1.85 ± 0.86"),
}


def test_the_authors_table_is_made_to_the_printed_digit_by_one_command(realdata, tmp_path):
    scores = realdata / "topomortar/published/supervised/accurate/large"
    groups = realdata / "topomortar/dataset/dataset_types.txt"
    words = ["analyse", "--scores", scores, "--cases", groups, "--out", tmp_path]
    answer = CliRunner().invoke(cli, [str(word) for word in words])
    assert answer.exit_code == 0, answer.output
    table = read_table(tmp_path / "parts.csv")
    shown = table[(table["part"] == "indistr") & (table["column"] == "group")].set_index(["loss", "metric"])
    printed = {
        loss: tuple(
            f"{round(shown.loc[(loss, metric), 'arithmetic_mean'], 2)} ± {round(shown.loc[(loss, metric), 'sd'], 2)}"
            for metric in ("DSC", "HD95")
        )
        for loss in PRINTED
    }
    assert printed == PRINTED


def test_the_authors_own_test_swaps_scores_at_random():
    random = np.random.default_rng(0)
    # Of the sums of +-1 +-1, which are 2, 0, 0 and -2, one is above the 0 that was found, and none above 2.
    assert published_pairs.by_swaps(np.array([1.0, -1.0]), random) == pytest.approx(0.25, abs=0.02)
    assert published_pairs.by_swaps(np.array([1.0, 1.0]), random) == 0


def test_the_document_has_all_pairs_beside_the_authors_own_test(realdata):
    folder = realdata / "topomortar/published/supervised/accurate/large"
    found = published_pairs.pairs(folder, realdata / "topomortar/dataset/dataset_types.txt")
    assert published_pairs.in_markdown(found) in (PROJECT / published_pairs.DOCUMENT).read_text(
        encoding="utf-8"
    )
    for part, ours, theirs in zip(published_pairs.PARTS, (14, 6), (27, 26), strict=True):
        own = found[found["part"] == part]
        assert ((own["p_adjusted"] < 0.05).sum(), (own["p_swaps"] < 0.05).sum()) == (ours, theirs)
