import numpy as np
import pytest
import torch

from seglossbench.errors import InputError
from seglossbench.params import AugmentationParams
from seglossbench.randomness import stream
from seglossbench.training.augmentation import (
    INTENSITIES,
    Placement,
    change_intensities,
    draw_placement,
)


def always(**options):
    """Settings that change nothing but what the options say, that always."""
    chances = {
        name: {"probability": 1, "range": list(strengths)} if name != "flip_axes" else strengths
        for name, strengths in options.items()
    }
    return AugmentationParams(preset="none", **chances).resolved()


def blob(shape):
    """An image whose intensity is 10 per label, and its labels: an off-centre box."""
    labels = np.zeros(shape, np.uint8)
    labels[tuple(slice(size // 4, size // 2) for size in shape)] = 1
    return {"image": labels[None].astype(np.float32) * 10, "labels": labels}


def test_without_a_chance_nothing_happens():
    settings = AugmentationParams(preset="none").resolved()
    assert draw_placement(settings, (1, 1), stream("x")) == Placement(())
    image = np.ones((1, 4, 4), np.float32)
    assert change_intensities(image, settings, stream("x")) is image


def test_presets_and_what_differs_from_them():
    nnunet = AugmentationParams(preset="nnunet")
    assert nnunet.resamples
    assert nnunet.resolved().gamma.probability == 0.3
    ours = AugmentationParams(preset="nnunet", gamma={"probability": 0, "range": [1, 1]}, flip_axes=[0])
    assert ours.resolved().gamma.probability == 0
    assert ours.resolved().flip_axes == (0,)
    assert ours.resolved().scale == nnunet.resolved().scale
    assert not AugmentationParams(preset="flip").resamples
    assert AugmentationParams(preset="flip").resolved().flip_axes == "all"


def test_only_the_named_axes_are_flipped():
    settings = always(flip_axes=(1,))
    flips = {draw_placement(settings, (1, 1, 1), stream("x", i)).flips for i in range(20)}
    assert flips == {(), (1,)}


@pytest.mark.parametrize("shape", [(6, 6), (6, 6, 6)])
def test_a_matrix_that_moves_nothing_cuts_out_the_centre(shape):
    dims = len(shape)
    placement = Placement((), np.eye(dims))
    assert placement.cut_size((4,) * dims) == (4,) * dims
    arrays = blob(shape)
    centre = tuple(slice(1, 5) for _ in shape)
    patch = placement.apply(arrays, (4,) * dims)
    np.testing.assert_allclose(patch["image"][0], arrays["image"][0][centre], atol=1e-4)
    np.testing.assert_array_equal(patch["labels"], arrays["labels"][centre])
    assert patch["labels"].dtype == np.uint8


def test_values_between_voxels_are_not_rounded_to_the_type_in_which_images_are_stored():
    stored = np.random.default_rng(0).normal(size=(1, 8, 8)).astype(np.float16)
    placement = draw_placement(always(rotation_degrees=(30, 30)), (1, 1), stream("x"))
    patches = [
        placement.apply({"image": image, "labels": stored[0] > 0}, (6, 6))["image"]
        for image in (stored, stored.astype(np.float32))
    ]
    assert patches[0].dtype == np.float32
    np.testing.assert_array_equal(*patches)


def test_a_quarter_turn_by_hand():
    image = np.arange(9, dtype=np.float32).reshape(1, 3, 3)
    quarter = draw_placement(always(rotation_degrees=(90, 90)), (1, 1), stream("x"))
    patch = quarter.apply({"image": image, "labels": image[0].astype(np.uint8)}, (3, 3))
    np.testing.assert_allclose(patch["image"][0], np.rot90(image[0], -1), atol=1e-4)
    np.testing.assert_array_equal(patch["labels"], np.rot90(image[0], -1))


def test_an_angle_is_true_in_mm():
    # A quarter turn of a grid whose rows are 3 mm apart and whose columns 1 mm: one row is three columns.
    quarter = draw_placement(always(rotation_degrees=(90, 90)), (3, 1), stream("x"))
    np.testing.assert_allclose(np.abs(quarter.matrix), [[0, 1 / 3], [3, 0]], atol=1e-12)
    assert quarter.cut_size((4, 6)) == (4, 12)


def test_scaling_shows_more_than_the_patch():
    placement = draw_placement(always(scale=(2, 2)), (1, 1, 1), stream("x"))
    assert placement.cut_size((4, 4, 5)) == (8, 8, 11)
    patch = placement.apply(blob((8, 8, 11)), (4, 4, 5))
    assert patch["labels"].shape == (4, 4, 5)
    assert 0 < patch["labels"].sum() < blob((8, 8, 11))["labels"].sum() / 4


def test_labels_stay_labels_and_lie_on_their_image():
    placement = draw_placement(always(rotation_degrees=(20, 20), scale=(0.9, 0.9)), (1, 1, 2), stream("x"))
    size = placement.cut_size((16, 16, 16))
    patch = placement.apply(blob(size), (16, 16, 16))
    assert set(np.unique(patch["labels"])) == {0, 1}
    assert ((patch["image"][0] > 5) == (patch["labels"] == 1)).mean() > 0.99


def test_maps_of_the_volume_are_flipped_and_never_turned():
    arrays = blob((4, 4)) | {"rectified": np.arange(16.0).reshape(4, 4)}
    flipped = Placement((1,)).apply(arrays, (4, 4))
    np.testing.assert_array_equal(flipped["rectified"], arrays["rectified"][:, ::-1])
    np.testing.assert_array_equal(flipped["image"], arrays["image"][:, :, ::-1])
    with pytest.raises(InputError, match=r"maps\.scope"):
        Placement((), np.eye(2)).apply(arrays, (4, 4))


@pytest.mark.parametrize("name", sorted(INTENSITIES))
@pytest.mark.parametrize("shape", [(4, 9, 8), (4, 9, 8, 7)])
def test_intensities_change_and_repeat_and_leave_global_randomness_alone(name, shape):
    image = stream("image").normal(size=shape).astype(np.float32)
    before = image.copy()
    ranges = {"noise_sd": (0.3, 0.3), "blur_sigma": (1, 1), "low_resolution": (0.5, 0.5)}
    settings = always(**{name: ranges.get(name, (1.4, 1.4))})
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
    state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    first, second = (change_intensities(image, settings, stream("repeat", name)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == image.shape
    assert first.dtype == np.float32
    assert not np.array_equal(first, image)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(torch_state, torch.get_rng_state())


def test_strengths_by_hand():
    image = np.array([[[0.0, 1.0], [2.0, 5.0]]], np.float32)  # mean 2

    def changed(**options):
        return change_intensities(image, always(**options), stream("x"))[0].ravel().tolist()

    assert changed(brightness=(2, 2)) == [0, 2, 4, 10]
    assert changed(contrast=(0.5, 0.5)) == pytest.approx([1, 1.5, 2, 3.5])
    assert changed(contrast=(2, 2)) == pytest.approx([0, 0, 2, 5])  # within the former range
    gamma = np.array(changed(gamma=(2, 2)))
    assert gamma.mean() == pytest.approx(2, abs=1e-5)
    assert (np.diff(gamma) > 0).all()
    assert gamma[1] - gamma[0] < 0.5 * (gamma[3] - gamma[2])


def test_half_of_the_draws_around_one_lie_below_it_however_little_room_there_is():
    def factors(around_one):
        chance = {"probability": 1, "range": [0.9, 1.9], "around_one": around_one}
        settings = AugmentationParams(preset="none", scale=chance).resolved()
        return np.array(
            [draw_placement(settings, (1, 1), stream("x", index)).matrix[0, 0] for index in range(2000)]
        )

    assert (factors(True) < 1).mean() == pytest.approx(0.5, abs=0.04)
    assert (factors(False) < 1).mean() == pytest.approx(0.1, abs=0.03)
    assert factors(True).min() >= 0.9
    assert factors(True).max() <= 1.9


def test_the_noise_of_nnunet_has_the_drawn_number_as_its_standard_deviation():
    preset = AugmentationParams(preset="nnunet").resolved()
    settings = always(noise_sd=preset.noise_sd.range)
    image = np.zeros((1, 40, 40), np.float32)
    sds = np.array(
        [change_intensities(image, settings, stream("noise", index)).std() for index in range(2000)]
    )
    assert sds.mean() == pytest.approx(0.05, abs=0.002)  # a variance would make it 0.21
    assert sds.max() < 0.11


@pytest.mark.parametrize("option", ["scale", "contrast", "gamma", "inverted_gamma"])
def test_nnunet_draws_these_around_one(option):
    assert getattr(AugmentationParams(preset="nnunet").resolved(), option).around_one


@pytest.mark.parametrize(
    ("chance", "message"),
    [
        ({"range": [2, 1]}, "range goes from 2 down to 1"),
        ({"range": [1.1, 2], "around_one": True}, "around_one needs a range with 1 inside"),
    ],
)
def test_a_range_that_cannot_be_is_refused(chance, message):
    with pytest.raises(ValueError, match=message):
        AugmentationParams(scale={"probability": 1, **chance})
