import numpy as np
import pytest

from seglossbench.params import MapsParams, TrainParams
from seglossbench.params.training import SlabParams
from seglossbench.training.batches import PatchBatches
from seglossbench.training.pieces import pieces_of, slab_starts

SLABS = {"slices": 4, "overlap": 1}


@pytest.mark.parametrize(
    ("size", "starts"), [(130, [0, 48, 66]), (164, [0, 48, 96, 100]), (112, [0, 48]), (64, [0]), (40, [0])]
)
def test_slabs_of_paper_a_overlap_by_16_and_the_last_one_ends_with_the_scan(size, starts):
    assert slab_starts(size, SlabParams(slices=64, overlap=16)) == starts


def test_an_overlap_as_large_as_the_slab_is_refused():
    with pytest.raises(ValueError, match="an overlap of 4 slices leaves none of 4"):
        SlabParams(slices=4, overlap=4)
    with pytest.raises(ValueError, match="slabs are for patches of three sizes"):
        train(patch_size=(4, 4))


def train(**changes):
    defaults = {"epochs": 1, "steps_per_epoch": 6, "batch_size": 1, "patch_size": (10, 9, 4), "slabs": SLABS}
    return TrainParams(
        **(defaults | {"augmentation": {"preset": "none"}, "foreground_fraction": 0} | changes)
    )


def batches(cases, **changes):
    maps = MapsParams(scope="patch")
    return PatchBatches(cases, {}, ("contour",), 3, train(**changes), maps, dataset="x", seed=0)


def test_a_shuffled_epoch_has_every_slab_once_with_the_contour_of_the_slab(cases):
    drawn = list(batches(cases, draw_cases="each_once").epoch(0))
    images = [batch.image[0, 0].numpy() for batch in drawn]
    expected = [case.image[0, :, :, start : start + 4] for case in cases for start in (0, 3, 4)]
    for slab in expected:
        assert sum(np.array_equal(image, slab) for image in images) == 1
    # Where the organ meets the end of the slab, it has contour there, as in a map that was computed of the slab.
    truth = next(
        batch.truth for batch, image in zip(drawn, images, strict=True) if np.array_equal(image, expected[0])
    )
    organ = truth.labels[0, :, :, 3] == 1
    assert organ[2:7, 2:7].sum() > 9
    assert (truth.contour[0, :, :, 3][organ] > 0).all()


def test_patches_stay_within_their_slab(cases):
    """Also those with foreground, and those larger than a slab, which is 0 around it."""
    (first, *_) = pieces_of(cases[:1], SlabParams(slices=4, overlap=1))
    assert (first.first.tolist(), first.shape) == ([0, 0, 0], (10, 9, 4))
    assert all((voxels[:, 2] < 4).all() for voxels in first.foreground)
    beyond = set(cases[0].image[0, :, :, 4:].ravel().tolist())
    for patch in ((3, 3, 3), (3, 3, 6)):
        sampler = batches(cases[:1], patch_size=patch, foreground_fraction=1.0)
        sampler.pieces = [first]
        for batch in sampler.epoch(0):
            assert not beyond & set(batch.image.half().ravel().tolist())
            assert (batch.truth.labels > 0).any()
