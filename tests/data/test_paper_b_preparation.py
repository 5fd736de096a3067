"""Preparation for 2D networks as nnU-Net 1.6.6 does it, by which paper B trained."""

import numpy as np
import pytest

from seglossbench.data.cases import Case, CaseIndex
from seglossbench.data.preparation.preprocessing import preprocess_dataset
from seglossbench.data.prepared import PreparedDataset
from seglossbench.params import PreprocessParams

VALUES = {"background": 0, "heart": 1}
PAPER_B = PreprocessParams(preset="paper_b")


@pytest.fixture
def prepare(tmp_path, write_nifti):
    """A function that prepares cases (name: channels, labels, voxel size) of a layout, all of which train."""

    def prepare(layout, modality, scans, settings=PAPER_B):
        cases = []
        for name, (channels, labels, spacing) in scans.items():
            affine = np.diag([*spacing, 1.0])
            images = [
                write_nifti(tmp_path / f"{name}_{number}.nii", channel, affine)
                for number, channel in enumerate(channels)
            ]
            file = write_nifti(tmp_path / f"{name}_seg.nii", labels, affine)
            cases.append(Case(name, tuple(images), file, modality))
        names = tuple(f"channel {number}" for number in range(len(channels)))
        index = CaseIndex(layout, names, VALUES, tuple(cases))
        folder = tmp_path / "prepared" / layout
        known = tmp_path / "known"
        preprocess_dataset(index, settings, folder, "x", raw=tmp_path, learn_from=tuple(scans), known=known)
        return PreparedDataset(folder).cases

    return prepare


def scan(shape, seed=0, channels=1):
    """Channels of noise that is nowhere 0, and labels of a box."""
    noise = np.random.default_rng(seed).uniform(10, 20, (channels, *shape)).astype(np.float32)
    labels = np.zeros(shape, np.uint8)
    labels[tuple(slice(size // 4, size // 2) for size in shape)] = 1
    return noise, labels


def test_hearts_keep_their_slices_and_share_the_pixels_of_a_slice(prepare):
    scans = {
        "a": (*scan((20, 24, 9)), (1.5, 1.5, 10)),
        "b": (*scan((20, 24, 16)), (1.5, 1.5, 5)),
        "c": (*scan((20, 24, 7)), (3, 3, 5)),
    }
    cases = prepare("acdc", "MRI", scans)
    assert [case.shape for case in cases.values()] == [(20, 24, 9), (20, 24, 16), (40, 48, 7)]
    assert [case.geometry.spacing_mm for case in cases.values()] == [
        (1.5, 1.5, 10),
        (1.5, 1.5, 5),
        (1.5, 1.5, 5),
    ]
    # With nnU-Net's 3D plan, all three would have slices of 5 mm.
    volumes = prepare("nnunet", "MRI", scans, PreprocessParams(preset="nnunet"))
    assert [case.shape[2] for case in volumes.values()] == [18, 16, 7]


def test_voxels_of_one_size_have_their_slices_along_the_last_axis(prepare):
    scans = {
        "a": (*scan((8, 8, 8)), (1, 1, 1)),
        "b": (*scan((8, 8, 8)), (1, 1, 1)),
        "c": (*scan((8, 8, 8)), (2, 2, 2)),
    }
    assert prepare("brats", "MRI", scans)["c"].shape == (16, 16, 8)


def test_a_case_is_z_scored_after_it_was_respaced(prepare):
    a, b = scan((20, 24, 9)), scan((20, 24, 9), 1)
    coarse = scan((10, 12, 9), 2)
    cases = prepare("acdc", "MRI", {"a": (*a, (1, 1, 8)), "b": (*b, (1, 1, 8)), "c": (*coarse, (2, 2, 8))})
    image = np.asarray(cases["c"].image[0], np.float32)
    assert image.shape == (20, 24, 9)
    # interpolation alone would narrow it
    assert (image.mean(), image.std()) == pytest.approx((0, 1), abs=2e-3)


def test_all_channels_of_a_case_share_one_mask(prepare):
    """The mask is where any channel is not 0, and its holes: a channel's own zeros within it are values."""
    channels, labels = np.zeros((2, 12, 12, 12), np.float32), np.zeros((12, 12, 12), np.uint8)
    channels[0, 2:10, 2:10, 2:10] = np.random.default_rng(0).uniform(1, 2, (8, 8, 8))
    channels[1, 2:10, 2:10, 2:6] = 3
    channels[:, 5, 5, 5] = 0  # a hole
    channels[0, 0, 0, 0] = channels[0, 11, 11, 11] = 1  # so that cropping keeps the empty corners
    image = np.asarray(
        prepare(
            "brats",
            "MRI",
            {"a": (channels, labels, (1, 1, 1))},
            PreprocessParams(preset="paper_b", mri="z_score_nonzero"),
        )["a"].image,
        np.float32,
    )
    inside = np.zeros((12, 12, 12), bool)
    inside[2:10, 2:10, 2:10] = inside[0, 0, 0] = inside[11, 11, 11] = True
    assert not image[:, ~inside].any()
    for channel, raw in zip(image, channels, strict=True):
        values = raw[inside]
        np.testing.assert_allclose(channel[inside], (values - values.mean()) / values.std(), atol=5e-3)
