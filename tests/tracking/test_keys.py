import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from seglossbench.tracking.keys import metric_key, param_key
from tests.odd_names import ODD_NAMES


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("DSC/liver", "test/DSC/liver"),
        ("NSD@1mm/left kidney", "test/NSD at 1mm/left kidney"),
        ("DSC/<5mm", "test/DSC/:less-than sign:5mm"),
        ("DSC/NCR/NET", "test/DSC/NCR:solidus:NET"),
        ("DSC/..", "test/DSC/:full stop::full stop:"),
        ("DSC", "test/DSC"),
        ("DSC/肝臓", "test/DSC/肝臓"),
    ],
)
def test_names_stay_readable(name, key):
    assert metric_key("test", name) == key


def test_no_two_conventions_share_a_name():
    assert (
        metric_key("test", "HD95/liver", "max_directed", "drop", "labels")
        == "test/HD95 max_directed drop/liver"
    )
    assert metric_key("test", "DSC", "max_directed", "diagonal", "regions", " low") == "test/DSC regions low"
    assert metric_key("test", "DSC_of_regions", "pooled", "drop", "both") == "test/DSC_of_regions drop"
    assert metric_key("train", "loss", "max_directed", "drop") == "train/loss"
    assert metric_key("cost", "seconds/step") == "system/seconds/step"


def test_mlflow_takes_every_name_and_keeps_it_apart(tmp_path):
    names = [*ODD_NAMES, ":less-than sign:5mm", "x" * 300, "x" * 299 + "y"]
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    id = client.create_run("0").info.run_id
    metrics = [Metric(metric_key("test", f"DSC/{name}"), place, 0, 0) for place, name in enumerate(names)]
    params = [Param(param_key(f"options.{name}"), str(place)) for place, name in enumerate(names)]
    client.log_batch(id, metrics=metrics, params=params)
    data = client.get_run(id).data
    assert [data.metrics[metric.key] for metric in metrics] == list(range(len(names)))
    assert [data.params[param.key] for param in params] == [str(place) for place in range(len(names))]
