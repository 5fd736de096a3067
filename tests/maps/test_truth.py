import numpy as np
import pytest
import torch

from seglossbench.errors import InputError
from seglossbench.maps import Truth
from seglossbench.maps.contour import contour
from seglossbench.maps.distance import boundary, rectified_distance
from seglossbench.registry import MAPS

LABELS = (
    np.random.default_rng(0)
    .integers(0, 3, (2, 2, 3, 4))
    .repeat(2, 1)
    .repeat(2, 2)
    .repeat(2, 3)
    .astype(np.uint8)
)


def test_maps_are_computed_per_sample_when_asked_for_and_kept():
    truth = Truth(LABELS, 4, spacing_mm=(1, 2, 3), contour_kernel=2)
    for sample, labels in enumerate(LABELS):
        np.testing.assert_array_equal(truth.contour[sample], contour(labels, 2))
        np.testing.assert_array_equal(truth.rectified[sample], rectified_distance(labels, (1, 2, 3)))
        np.testing.assert_array_equal(truth.map("boundary")[sample], boundary(labels, 4, (1, 2, 3)))
    assert truth.rectified is truth.rectified


def test_from_labels_computes_what_a_loss_names_now():
    truth = Truth.from_labels(torch.from_numpy(LABELS), 3, maps={"contour", "rectified"})
    assert repr(truth) == "Truth(labels=(2, 4, 6, 8), num_classes=3, maps=['contour', 'rectified'])"


def test_a_given_map_is_used_as_it_is():
    given = torch.full(LABELS.shape, 0.25)
    assert Truth(LABELS, 3, rectified=given).rectified is given


def test_labels_and_maps_move_together():
    truth = Truth.from_labels(LABELS, 3, maps=["contour"])
    truth.class_counts  # noqa: B018 - kept on the old device otherwise
    moved = truth.to("meta")
    assert {moved.labels.device.type, moved.contour.device.type, moved.class_counts.device.type} == {"meta"}
    assert truth.labels.device.type == "cpu"


def test_class_counts_and_weights_by_hand():
    truth = Truth(np.array([[[0, 0, 0, 0], [0, 0, 1, 1]], [[0, 0, 0, 0], [0, 0, 0, 0]]]), 3)
    np.testing.assert_array_equal(truth.class_counts, [[6, 2, 0], [8, 0, 0]])
    np.testing.assert_allclose(truth.class_weights, [16 / (2 * 14), 16 / (2 * 2), 0])


def test_one_hot():
    one_hot = Truth(LABELS, 3).one_hot(torch.float64)
    np.testing.assert_array_equal(one_hot.argmax(1), LABELS)
    assert (one_hot.sum(1) == 1).all()
    assert one_hot.dtype == torch.float64


def test_at_scale_computes_maps_again_from_the_small_labels():
    truth = Truth.from_labels(LABELS, 3, spacing_mm=(1, 1, 2), maps=["rectified"]).at_scale((2, 3, 4))
    small = LABELS[:, ::2, ::2, ::2]
    np.testing.assert_array_equal(truth.labels, small)
    np.testing.assert_array_equal(truth.rectified[1], rectified_distance(small[1], (2, 2, 4)))
    assert truth.spacing_mm == (2, 2, 4)


def test_at_scale_samples_given_maps_where_it_samples_labels():
    numbers = torch.arange(LABELS.size).view(LABELS.shape)
    truth = Truth(LABELS, 3, rectified=numbers).at_scale((4, 2, 8))
    np.testing.assert_array_equal(truth.rectified, numbers[:, :, 1::3])
    np.testing.assert_array_equal(truth.labels, LABELS[:, :, 1::3])


def test_a_map_of_the_user(monkeypatch):
    monkeypatch.setitem(MAPS.things, "double", lambda labels, truth: labels * 2.0)
    np.testing.assert_array_equal(Truth(LABELS, 3).map("double"), LABELS * 2)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "uint16", ">i2", ">u4"])
def test_labels_of_any_integer_type(dtype):
    truth = Truth(LABELS.astype(dtype), 400)  # more classes than eight bits can count
    np.testing.assert_array_equal(truth.one_hot(torch.uint8).argmax(1), LABELS)
    assert truth.one_hot(torch.uint8).sum() == LABELS.size


def test_labels_that_must_not_be_written_to_or_lie_backwards():
    frozen = LABELS[:, ::-1].copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(Truth(frozen, 3).labels, LABELS[:, ::-1])
    np.testing.assert_array_equal(Truth(LABELS[:, ::-1], 3).labels, LABELS[:, ::-1])
    assert Truth(torch.from_numpy(LABELS).to(torch.uint16), 3).labels.dtype == torch.int64


@pytest.mark.parametrize(
    ("message", "labels", "changes"),
    [
        (r"labels have dtype torch.float32, expected integers in \[0, 3\)", LABELS.astype(np.float32), {}),
        (r"labels have dtype torch.bool", LABELS > 0, {}),
        (r"labels: found dtype <U1, expected numbers", LABELS.astype("U1"), {}),
        (r"labels: found list, expected a tensor or an array", LABELS.tolist(), {}),
        (r"map 'contour': found list, expected a tensor", LABELS, {"contour": LABELS.tolist()}),
        (r"labels lie in \[0, 2\], expected \[0, 2\)", LABELS, {"num_classes": 2}),
        (r"labels lie in \[-1, 1\]", LABELS.astype(np.int32) - 1, {}),
        (r"labels lie in \[0, 40000\]", LABELS.astype(np.uint16) * 20000, {}),
        (r"labels have shape \(6, 8\), expected \(N, H, W\) or \(N, D, H, W\)", LABELS[0, 0], {}),
        (r"labels have shape \(0, 4, 6, 8\), expected at least one voxel", LABELS[:0], {}),
        (r"num_classes is 1, expected 2 or more", LABELS * 0, {"num_classes": 1}),
        (r"num_classes is '3', expected 2 or more", LABELS, {"num_classes": "3"}),
        (r"spacing_mm is \(1, 1\), expected 3 positive sizes", LABELS, {"spacing_mm": (1, 1)}),
        (r"spacing_mm is \(1, 0, 1\)", LABELS, {"spacing_mm": (1, 0, 1)}),
        (r"spacing_mm is '111', expected 3 positive sizes", LABELS, {"spacing_mm": "111"}),
        (r"spacing_mm is 1.0, expected 3 positive sizes", LABELS, {"spacing_mm": 1.0}),
        (
            r"map 'contour' has shape \(2, 4, 6\), expected \(2, 4, 6, 8\) or",
            LABELS,
            {"contour": LABELS[..., 0]},
        ),
        (r"unknown map 'rectifed'; did you mean 'rectified'\?", LABELS, {"rectifed": LABELS}),
    ],
)
def test_bad_input_is_named(message, labels, changes):
    with pytest.raises(InputError, match=message):
        Truth(labels, **{"num_classes": 3} | changes)


def test_unknown_map_and_wrong_scale_are_named():
    with pytest.raises(InputError, match=r"unknown map 'contours'; did you mean 'contour'\?"):
        Truth(LABELS, 3).map("contours")
    with pytest.raises(InputError, match=r"shape is \(2, 3\), expected 3 sizes"):
        Truth(LABELS, 3).at_scale((2, 3))


def test_scales_are_made_once_and_move_along():
    labels = torch.zeros(1, 8, 8, dtype=torch.uint8)
    labels[:, 2:5] = 1
    truth = Truth(labels, 2)
    truth.map("rectified")
    coarse = truth.at_scale((4, 4))
    assert truth.at_scale([4, 4]) is coarse
    moved = truth.to("cpu").at_scale((4, 4))
    assert torch.equal(moved.labels, coarse.labels)
    assert torch.equal(moved.rectified, coarse.rectified)
    assert moved.at_scale((2, 2)).labels.shape == (1, 2, 2)
