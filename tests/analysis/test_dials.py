"""What a dial does is told by the tables of its datasets, and drawn as it is told."""

import pandas as pd
import pytest

from seglossbench.analysis.dials import GAIN, SPREAD, dials
from seglossbench.drawing.figure import save
from seglossbench.drawing.looks import looks_of
from seglossbench.reporting.dial_figure import dial_figure

NEUTRAL = {"share": 0.1, "rim": 0.0}
SET_TO = {"plain": NEUTRAL, "small": {"share": 0.001, "rim": 0.0}, "both": {"share": 0.01, "rim": 2.0}}


def pair(dataset, a, b, estimate, **more):
    ends = {"estimate": estimate, "lo": estimate - 0.1, "hi": estimate + 0.2}
    place = {
        "dataset": dataset,
        "network": "unet",
        "metric": "DSC",
        "class": "*",
        "scale": "difference",
        "seeds": 5,
    }
    return place | {"a": a, "b": b} | ends | more


@pytest.fixture
def table():
    differences = pd.DataFrame(
        [
            pair("plain", "ce", "cwcd", -0.05),
            pair("small", "cwcd", "ce", 0.4),
            pair("small", "cwcd", "rrw", 0.3),  # not beside the baseline
            pair("both", "cwcd", "ce", 0.9),
            pair("small", "cwcd", "ce", 0.8, **{"class": "disc"}),
            pair("small", "cwcd", "ce", 0.8, network="*"),
        ]
    )
    spreads = [("plain", 0.01), ("small", 0.2), ("both", 0.5)]
    stability = pd.DataFrame(
        [
            {
                "dataset": name,
                "network": "unet",
                "loss": "cwcd",
                "seeds": 5,
                "sd": sd,
                "sd_lo": sd / 2,
                "sd_hi": 2 * sd,
            }
            for name, sd in spreads
        ]
    )
    return dials(SET_TO, NEUTRAL, differences, stability, "DSC", "ce")


def test_a_gain_is_the_loss_less_the_baseline_whichever_stands_first(table):
    gains = table[table["quantity"] == GAIN]
    assert list(zip(gains["value"], gains["loss"], gains["estimate"], strict=True)) == [
        (0.001, "cwcd", 0.4),
        (0.1, "cwcd", 0.05),
    ]
    assert gains[["lo", "hi"]].to_numpy().ravel() == pytest.approx([0.3, 0.6, -0.15, 0.15])
    assert list(table[table["quantity"] == SPREAD]["estimate"]) == [0.2, 0.01]


def test_a_dataset_is_of_the_dial_that_alone_is_turned(table):
    assert set(table["dial"]) == {"share"}  # rim is turned together with share alone
    assert set(table["dataset"]) == {"plain", "small"}


def test_the_figure_shows_each_loss_at_each_value(table, tmp_path):
    figure = dial_figure(table, "share", looks_of(["ce", "cwcd"]), "DSC")
    left, right = figure.axes
    assert left.get_xscale() == "log"
    assert [label.get_text() for label in left.get_xticklabels()] == ["0.001", "0.1"]
    assert left.get_title() == "unet: gain over ce"
    (line,) = [container[0] for container in left.containers]
    assert line.get_xydata().tolist() == [[0.001, 0.4], [0.1, 0.05]]
    assert right.containers[0][0].get_ydata().tolist() == [0.2, 0.01]
    save(figure, tmp_path / "dial")
    assert (tmp_path / "dial.png").stat().st_size > 1000
