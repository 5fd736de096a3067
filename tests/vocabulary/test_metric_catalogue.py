import pytest

from seglossbench.errors import InputError
from seglossbench.evaluation.empty import POLICIES
from seglossbench.evaluation.metrics import OF_TOLERANCE, metrics_named
from seglossbench.registry import METRICS
from seglossbench.vocabulary.conventions import EMPTY_POLICIES, HD95_CONVENTIONS, explained
from seglossbench.vocabulary.metrics import (
    CATALOGUE,
    FAMILIES,
    in_order,
    is_known,
    metric_named,
    metric_of,
    split_name,
)

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


@pytest.mark.parametrize("besides", ["_of_regions", "_of_best_checkpoint", "_of_regions_of_best_checkpoint"])
def test_what_is_scored_besides_keeps_the_metrics_direction_and_unit(besides):
    assert split_name(f"HD95_paper_a_released{besides}") == ("HD95_paper_a_released", besides)
    assert metric_of(f"HD95_paper_a_released{besides}").title.endswith(f"{besides} ↓ [voxels]")
    assert metric_of(f"NSD@1mm{besides}").better == "higher"
    assert in_order([f"DSC{besides}", "ASD", "HD95", "DSC"])[:2] == ["DSC", "HD95"]


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
