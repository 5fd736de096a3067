import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from seglossbench.drawing.figure import save
from seglossbench.drawing.looks import looks_of
from seglossbench.inspection.data_figure import log_ticks
from seglossbench.reporting.epoch_figures import convergence, scores_by_epoch
from seglossbench.reporting.score_figures import per_class, seed_spread
from seglossbench.vocabulary.metrics import metric_of
from seglossbench.vocabulary.tables import MEAN


def lines(axes, colour):
    return [line for line in axes.get_lines() if line.get_color() == colour]


def history(loss, seed, values, split="validation", name="DSC"):
    return [(loss, seed, epoch, split, name, value) for epoch, value in enumerate(values)]


def frame(*rows):
    return pd.DataFrame(
        [row for part in rows for row in part], columns=["loss", "seed", "epoch", "split", "name", "value"]
    )


def test_convergence_draws_the_mean_of_the_seeds_and_crosses_runs_that_ended_early():
    looks = looks_of(["ce", "rrw"])
    histories = frame(
        history("ce", "0", [0.0, 0.2, 0.4]),
        history("ce", "1", [0.2, 0.4, 0.8]),
        history("rrw", "0", [0.1, 0.3]),
        history("ce", "0", [2.0, 1.0, 0.5], "train", "loss"),
        history("rrw", "0", [-0.1, -0.5], "train", "loss"),
    )
    figure = convergence(histories, looks)
    validation, *training = figure.get_axes()
    (mean,) = lines(validation, looks["ce"].colour)
    assert np.allclose(mean.get_ydata(), [0.1, 0.3, 0.6])
    curve, cross = lines(validation, looks["rrw"].colour)
    assert np.allclose(curve.get_ydata(), [0.1, 0.3])
    assert (cross.get_marker(), list(cross.get_xdata()), list(cross.get_ydata())) == ("x", [2], [0.3])
    assert [axes.get_title("left") for axes in training] == ["ce", "rrw"]
    assert training[1].get_ylim()[1] < 0 < training[0].get_ylim()[0]


def test_convergence_without_validation_says_so():
    figure = convergence(frame(history("ce", "0", [2.0, 1.0], "train", "loss")), looks_of(["ce"]))
    assert "no validation" in [text.get_text() for text in figure.get_axes()[0].texts]


def test_a_validation_without_dsc_is_drawn_by_what_it_has():
    looks = looks_of(["ce"])
    hd95 = frame(
        history("ce", "0", [9.0, 4.0], name="HD95"), history("ce", "0", [3, 3], name="predicted_classes")
    )
    (drawn, *_) = convergence(hd95, looks, "px").get_axes()
    assert drawn.get_title() == "Validation HD95 ↓ [px]"
    assert drawn.get_lines()[0].get_ydata().tolist() == pytest.approx([9, 4])
    assert not drawn.texts
    nothing = convergence(frame(history("ce", "0", [3, 3], name="predicted_classes")), looks)
    assert [text.get_text() for text in nothing.get_axes()[0].texts] == [
        "no validation case has a class to be scored"
    ]


def test_lines_are_told_apart_without_colour_by_dash_and_marks():
    looks = looks_of(["ce", "dice", "cwcd", "mine"])
    histories = frame(*(history(loss, "0", np.linspace(0, 0.9, 30)) for loss in looks))
    figure = convergence(histories, looks)
    drawn = figure.get_axes()[0].get_lines()
    assert len({(line.get_marker(), str(line._unscaled_dash_pattern)) for line in drawn}) == len(looks)
    assert len({line.get_markevery()[0] for line in drawn}) > 1
    assert {tuple(line.get_markevery())[1] for line in drawn} == {5}


def test_a_loss_whose_name_begins_with_an_underscore_is_in_the_legend():
    looks = looks_of(["_mine"])
    figure = convergence(frame(history("_mine", "0", [0.1, 0.2])), looks)
    (legend,) = figure.subfigs[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["_mine"]


def test_names_in_figures_are_no_formulas():
    figure = convergence(frame(history("$x$", "0", [0.1, 0.2])), looks_of(["$x$"]))
    (name,) = [text for text in figure.subfigs[0].legends[0].get_texts() if text.get_text() == "$x$"]
    assert not name.get_parse_math()


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        (0.9, 40, 7, [1, 2, 5, 10, 20]),
        (0.001, 40, 7, [0.001, 0.01, 0.1, 1, 10]),
        (0.00001, 1e6, 4, [1e-5, 1e-2, 10, 1e4]),
        (3.1, 4.9, 7, [3.3, 3.6, 3.9, 4.2, 4.5, 4.8]),
        (20, 21, 3, [20, 20.5, 21]),
    ],
)
def test_logarithmic_axes_have_some_round_ticks_over_any_range(low, high, most, ticks):
    assert log_ticks(low, high, most) == pytest.approx(ticks)


def test_each_seed_is_a_point_and_missing_runs_are_named():
    looks = looks_of(["ce", "dice"])
    summaries = pd.DataFrame(
        {
            "network": "u",
            "loss": ["ce", "dice"],
            "class": MEAN,
            "mean": 0.6,
            "seed_values": ["0.5 0.7", "0.6"],
        }
    )
    (axes,) = seed_spread(summaries, looks, ["u"], metric_of("DSC"), {("u", "dice"): 1}).get_axes()
    (points,) = lines(axes, looks["ce"].colour)
    assert list(points.get_xdata()) == [0.5, 0.7]
    assert [text.get_text() for text in axes.texts] == ["1 run missing"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ce", "dice"]


def test_a_class_has_its_mean_and_cases_or_the_word_absent():
    looks = looks_of(["ce"])
    scores = pd.DataFrame(
        [
            ("u", "ce", "0", "a", "liver", 0.4),
            ("u", "ce", "0", "b", "liver", 0.8),
            ("u", "ce", "0", "a", "bladder", 0.0),
        ],
        columns=["network", "loss", "seed", "case", "class", "value"],
    )
    summaries = pd.DataFrame(
        {"network": "u", "loss": "ce", "class": ["liver", "bladder"], "mean": [0.6, np.nan]}
    )
    nothing = per_class(scores.assign(value=0.0), summaries, looks, ["u"], ["liver"], [], metric_of("DSC"))
    assert nothing.axes[0].get_xlim() == (-0.05, 1.05)
    figure = per_class(scores, summaries, looks, ["u"], ["liver", "bladder"], ["bladder"], metric_of("DSC"))
    (axes,) = figure.get_axes()
    cases, means = lines(axes, looks["ce"].colour)
    assert list(cases.get_xdata()) == [0.4, 0.8]
    assert np.allclose(means.get_xdata(), [0.6])
    assert [text.get_text() for text in axes.texts] == ["absent from every test case"]


def test_the_distances_of_a_case_are_averaged_geometrically():
    """Over the seeds of a case, and over the runs of a curve; a distance of 0 counts as half the smallest other."""
    seeds = pd.DataFrame(
        [
            ("u", "ce", "0", "a", "liver", 0.0),
            ("u", "ce", "1", "a", "liver", 8.0),
            ("u", "ce", "0", "b", "liver", 4.0),
        ],
        columns=["network", "loss", "seed", "case", "class", "value"],
    )
    summaries = pd.DataFrame({"network": "u", "loss": ["ce"], "class": "liver", "mean": [4.0]})
    looks = looks_of(["ce"])
    (axes,) = per_class(seeds, summaries, looks, ["u"], ["liver"], [], metric_of("HD95")).get_axes()
    cases, _ = lines(axes, looks["ce"].colour)
    assert np.allclose(cases.get_xdata(), [4.0, 4.0])
    points = [("0", 0, 1.0), ("0", 1, 1.0), ("1", 0, 4.0), ("1", 1, 4.0)]
    curve = pd.DataFrame(
        [("n", "ce", seed, epoch, "test_by_epoch", "HD95", value) for seed, epoch, value in points],
        columns=["network", "loss", "seed", "epoch", "split", "name", "value"],
    )
    (axes,) = scores_by_epoch(curve, looks, [metric_of("HD95")]).get_axes()
    (line,) = lines(axes, looks["ce"].colour)
    assert np.allclose(line.get_ydata(), [2, 2])


def test_figures_are_the_same_bytes_each_time_and_leave_no_global_state(tmp_path):
    before = dict(mpl.rcParams)
    summaries = pd.DataFrame(
        {"network": "u", "loss": ["ce"], "class": MEAN, "mean": [0.6], "seed_values": "0.5 0.7"}
    )
    for name in ("one", "two"):
        width, height = save(
            seed_spread(summaries, looks_of(["ce"]), ["u"], metric_of("DSC")), tmp_path / name
        )
    for ending in ("png", "pdf"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()
    header = (tmp_path / "one.png").read_bytes()[16:24]
    pixels = int.from_bytes(header[:4]), int.from_bytes(header[4:])
    assert pixels == pytest.approx((2 * width, 2 * height), abs=1)
    assert dict(mpl.rcParams) == before


def test_test_scores_by_epoch_have_a_panel_per_metric_and_leave_out_infinite_distances():
    rows = [
        {"loss": "ce", "seed": "0", "epoch": epoch, "split": "test_by_epoch", "name": name, "value": value}
        for epoch, scores in ((1, (0.2, float("inf"))), (3, (0.4, 8.0)), (5, (0.6, 4.0)))
        for name, value in zip(("DSC", "HD"), scores, strict=True)
    ]
    metrics = [metric_of("DSC"), metric_of("HD")]
    figure = scores_by_epoch(pd.DataFrame(rows), looks_of(["ce"]), metrics)
    dsc, hd = figure.axes
    assert dsc.lines[0].get_xydata().tolist() == [[2, 0.2], [4, 0.4], [6, 0.6]]
    assert np.allclose(hd.lines[0].get_xydata(), [[4, 8], [6, 4]])
    assert hd.get_title() == "Test HD ↓ [mm]"
