"""What a dial does is told by the tables of its datasets, and drawn as it is told."""

import pandas as pd
import pytest

from seglossbench.analysis.dials import GAIN, MEAN, SPREAD, Setting, dials
from seglossbench.drawing.figure import save
from seglossbench.drawing.looks import looks_of
from seglossbench.reporting.dial_figure import dial_figure

NEUTRAL = {"share": 0.1, "rim": 0.0}
SET_TO = {
    "plain": Setting(NEUTRAL),
    "small": Setting({"share": 0.001, "rim": 0.0}),
    "both": Setting({"share": 0.01, "rim": 2.0}),
    "other": Setting({"share": 0.01, "rim": 0.0}, kind="of larger pictures"),
}
PLACE = {"network": "unet", "metric": "DSC", "class": "*", "scale": "difference", "seeds": 5}


def pair(dataset, a, b, estimate, **more):
    ends = {"estimate": estimate, "lo": estimate - 0.1, "hi": estimate + 0.2}
    return {"dataset": dataset, **PLACE, "a": a, "b": b} | ends | more


def of(table, quantity, baseline=""):
    chosen = table[(table["quantity"] == quantity) & (table["baseline"] == baseline)]
    return list(zip(chosen["value"], chosen["loss"], chosen["estimate"], strict=True))


@pytest.fixture
def tables():
    differences = [
        pair("plain", "ce", "cwcd", -0.05),
        pair("small", "cwcd", "ce", 0.4),
        pair("small", "cwcd", "rrw", 0.3),
        pair("plain", "rrw", "cwcd", 0.01),
        pair("both", "cwcd", "ce", 0.9),
        pair("other", "cwcd", "ce", 0.7),
        pair("small", "cwcd", "ce", 0.8, **{"class": "disc"}),
        pair("small", "cwcd", "ce", 0.8, network="*"),
    ]
    levels = [("plain", 0.9), ("small", 0.5), ("both", 0.2), ("other", 0.1)]
    means = [{"dataset": n, **PLACE, "loss": "cwcd", "mean": m, "lo": m, "hi": m} for n, m in levels]
    means.append(means[0] | {"loss": "dice"})  # at one value of the dial alone
    spreads = [("plain", 0.01), ("small", 0.2), ("both", 0.5)]
    stability = [
        {
            "dataset": n,
            "network": "unet",
            "loss": "cwcd",
            "seeds": 5,
            "sd": sd,
            "sd_lo": sd / 2,
            "sd_hi": 2 * sd,
        }
        for n, sd in spreads
    ]
    rows = {"differences": differences, "means": means, "stability": stability}
    return {name: pd.DataFrame(of_name) for name, of_name in rows.items()}


@pytest.fixture
def table(tables):
    return dials(SET_TO, NEUTRAL, tables, "DSC", ["ce"])


def test_a_gain_is_the_loss_less_the_baseline_whichever_stands_first(table):
    assert of(table, GAIN, "ce") == [(0.001, "cwcd", 0.4), (0.1, "cwcd", 0.05)]
    gains = table[table["quantity"] == GAIN]
    assert gains[["lo", "hi"]].to_numpy().ravel() == pytest.approx([0.3, 0.6, -0.15, 0.15])


def test_means_and_spreads_stand_beside_the_gains(table):
    assert of(table, MEAN) == [(0.001, "cwcd", 0.5), (0.1, "cwcd", 0.9)]
    assert of(table, SPREAD) == [(0.001, "cwcd", 0.2), (0.1, "cwcd", 0.01)]


def test_gains_are_told_over_each_baseline(tables):
    table = dials(SET_TO, NEUTRAL, tables, "DSC", ["ce", "rrw"])
    assert of(table, GAIN, "rrw") == [(0.001, "cwcd", 0.3), (0.1, "cwcd", -0.01)]
    assert len(of(table, GAIN, "ce")) == 2


def test_a_dataset_is_of_the_dial_that_alone_is_turned(table):
    assert set(table["dial"]) == {"share"}  # rim is turned together with share alone
    assert set(table["dataset"]) == {"plain", "small"}  # nothing of the other kind stands beside it


def test_a_form_of_the_maps_is_a_line_of_its_own(tables):
    form = "degenerate: released"
    released = {f"{name}_r": Setting(SET_TO[name].dials, form) for name in ("plain", "small")}
    also = {
        name: pd.concat([rows, rows.assign(dataset=rows["dataset"] + "_r")]) for name, rows in tables.items()
    }
    table = dials(SET_TO | released, NEUTRAL, also, "DSC", ["ce"])
    assert dict(table.groupby("form")["dataset"].unique().map(set)) == {
        "": {"plain", "small"},
        form: {"plain_r", "small_r"},
    }
    figure = dial_figure(table, "share", looks_of(["ce", "cwcd"]), "DSC")
    assert [len(axes.containers) for axes in figure.axes] == [2, 2, 2]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["cwcd", "cwcd (degenerate: released)"]


def test_the_figure_shows_each_loss_at_each_value(table, tmp_path):
    figure = dial_figure(table, "share", looks_of(["ce", "cwcd"]), "DSC")
    mean, gain, spread = figure.axes
    assert gain.get_xscale() == "log"
    assert [label.get_text() for label in gain.get_xticklabels()] == ["0.001", "0.1"]
    assert gain.get_title() == "unet: gain over ce"
    (line,) = [container[0] for container in gain.containers]
    assert line.get_xydata().tolist() == [[0.001, 0.4], [0.1, 0.05]]
    assert mean.containers[0][0].get_ydata().tolist() == [0.5, 0.9]
    assert spread.containers[0][0].get_ydata().tolist() == [0.2, 0.01]
    save(figure, tmp_path / "dial")
    assert (tmp_path / "dial.png").stat().st_size > 1000
