import pytest

from seglossbench.errors import InputError
from seglossbench.evaluation.empty import POLICIES
from seglossbench.evaluation.metrics import OF_TOLERANCE, metrics_named
from seglossbench.registry import METRICS
from seglossbench.vocabulary.conventions import EMPTY_POLICIES, HD95_CONVENTIONS, explained
from seglossbench.vocabulary.metrics import CATALOGUE, FAMILIES, is_known, metric_named, metric_of

COUNTS = {"TP", "FP", "FN", "truth_surface_voxels", "prediction_surface_voxels"}


def test_every_metric_of_the_catalogue_has_a_function_and_every_function_a_metric():
    assert {"HD95", *METRICS.own} == set(CATALOGUE)
    assert set(OF_TOLERANCE) == set(FAMILIES)


def test_every_policy_and_convention_is_explained():
    assert set(POLICIES) == set(EMPTY_POLICIES)
    for name in (*EMPTY_POLICIES, *HD95_CONVENTIONS):
        assert explained(name).startswith(f"{name}: ")


@pytest.mark.parametrize("name", [*CATALOGUE, "NSD@1mm", "NSD_voxel@2mm"])
def test_every_metric_has_the_direction_of_its_kind(name):
    metric = metric_of(name)
    assert metric.words
    if name in COUNTS or name == "RVD":
        assert not metric.better
    elif name.startswith(("HD", "AS", "MASD")):
        assert metric.title == f"{name} ↓ [mm]"
    else:
        assert metric.title == f"{name} ↑"


def test_counts_have_no_fraction():
    assert metric_of("TP").text(12.0) == "12"


def test_distances_have_the_unit_of_their_dataset_or_policy():
    assert metric_of("HD95", "px").title == "HD95 ↓ [px]"
    assert metric_of("HD95_paper_a_released", "px").title == "HD95_paper_a_released ↓ [voxels]"
    assert metric_of("DSC", "px").title == "DSC ↑"


def test_a_former_name_says_the_new_ones():
    for ask in (metric_named, lambda name: metrics_named([name])):
        with pytest.raises(
            InputError, match=r"'ASD_pooled': it is called ASSD now, .* what was ASSD is MASD"
        ):
            ask("ASD_pooled")


def test_names_of_others_are_printed_without_a_direction():
    assert metric_of("my own").title == "my own"
    assert not is_known("predicted_classes")
    assert is_known("DSC_paper_a_released")
