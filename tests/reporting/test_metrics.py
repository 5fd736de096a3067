import pytest

from seglossbench.evaluation.metrics import METRICS
from seglossbench.reporting.metrics import metric_of

COUNTS = {"TP", "FP", "FN", "truth_surface_voxels", "prediction_surface_voxels"}


@pytest.mark.parametrize("name", [*METRICS, "HD95", "NSD@1mm", "NSD_voxel@2mm"])
def test_every_metric_that_is_scored_has_the_direction_of_its_kind(name):
    metric = metric_of(name)
    if name in COUNTS or name == "RVD":
        assert not metric.better
    elif name.startswith(("HD", "AS")):
        assert metric.title == f"{name} ↓ [mm]"
    else:
        assert metric.title == f"{name} ↑"


def test_counts_have_no_fraction():
    assert metric_of("TP").text(12.0) == "12"
