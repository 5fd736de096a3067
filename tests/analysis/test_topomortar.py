"""The analysis of scores that others published: 8 losses, 10 seeds, 350 images."""

from itertools import combinations

import pytest
from scipy.stats import wilcoxon

from seglossbench.analysis.cubes import cubes_of
from seglossbench.analysis.differences import differences
from seglossbench.analysis.inputs import check_scores
from seglossbench.analysis.means import means
from seglossbench.data.published import read_topomortar
from seglossbench.statistics.multiplicity import holm

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
