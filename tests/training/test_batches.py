from types import SimpleNamespace

import numpy as np
import pytest
import torch

from seglossbench.errors import InputError
from seglossbench.maps import Truth, caching
from seglossbench.maps.caching import MapSettings
from seglossbench.maps.distance import rectified_distance
from seglossbench.maps.store import StoredMaps
from seglossbench.params import MapsParams, TrainParams
from seglossbench.training.batches import PatchBatches


def settings(**changes):
    defaults = {"epochs": 2, "steps_per_epoch": 6, "batch_size": 2, "patch_size": (6, 5, 4)}
    return TrainParams(**(defaults | changes))


def batches_of(cases, tmp_path, map_names=(), seed=0, maps=None, **changes):
    stored = {}
    for case in cases:
        caching.write(tmp_path / case.name, case.labels, MapSettings())
        stored[case.name] = StoredMaps(tmp_path / case.name)
    maps = maps or MapsParams()
    return PatchBatches(cases, stored, map_names, 3, settings(**changes), maps, dataset="x", seed=seed)


def places(case, patch):
    """The voxel of the case that each voxel of the patch comes from, by its unique intensity."""
    where = {value: index for index, value in np.ndenumerate(case.image[0])}
    return [where[value] for value in patch.half().numpy().ravel()]


def test_image_labels_and_maps_are_cut_and_flipped_together(cases, tmp_path):
    cases = cases[:1]
    sampler = batches_of(cases, tmp_path, ("contour", "rectified"))
    stored = StoredMaps(tmp_path / "a")
    everything = tuple(slice(0, size) for size in cases[0].labels.shape)
    volume = stored.crop(everything, cases[0].labels, ("contour", "rectified"))
    for batch in sampler.epoch(0):
        for image, labels, contour, rectified in zip(
            batch.image, batch.truth.labels, batch.truth.contour, batch.truth.rectified, strict=True
        ):
            for place, *values in zip(
                places(cases[0], image[0]),
                labels.flatten(),
                contour.flatten(),
                rectified.flatten(),
                strict=True,
            ):
                expected = cases[0].labels[place], volume["contour"][place], volume["rectified"][place]
                assert tuple(float(value) for value in values) == tuple(float(value) for value in expected)


def test_two_losses_see_the_same_patches_in_the_same_order(cases, tmp_path):
    plain = batches_of(cases, tmp_path)
    with_maps = batches_of(cases, tmp_path, ("contour", "rectified", "boundary"))
    for epoch in (0, 1):
        for one, other in zip(plain.epoch(epoch), with_maps.epoch(epoch), strict=True):
            assert torch.equal(one.image, other.image)
            assert torch.equal(one.truth.labels, other.truth.labels)


def test_a_batch_is_the_same_in_whatever_order_batches_are_made(cases, tmp_path):
    sampler = batches_of(cases, tmp_path)
    in_order = [batch.image for batch in sampler.epoch(1)]
    backwards = [sampler.batch(1, step).image for step in reversed(range(6))][::-1]
    assert all(torch.equal(one, other) for one, other in zip(in_order, backwards, strict=True))
    assert not torch.equal(in_order[0], in_order[1])


def test_epochs_and_seeds_differ_and_repeat(cases, tmp_path):
    def first(seed, epoch):
        return next(batches_of(cases, tmp_path, seed=seed).epoch(epoch)).image

    assert torch.equal(first(0, 1), first(0, 1))
    assert not torch.equal(first(0, 0), first(0, 1))
    assert not torch.equal(first(0, 0), first(1, 0))


def test_augmented_patches_are_the_same_for_all_losses_and_their_maps_are_made_of_their_labels(cases):
    def first(*maps):
        changes = settings(augmentation={"preset": "nnunet"}, patch_size=(8, 6, 6), batch_size=12)
        return next(
            PatchBatches(cases, {}, maps, 3, changes, MapsParams(scope="patch"), dataset="x", seed=0).epoch(0)
        )

    one, other = first(), first("contour", "boundary")  # as two losses that read different maps
    assert torch.equal(one.image, other.image)
    assert torch.equal(one.truth.labels, other.truth.labels)
    assert one.image.dtype == torch.float32
    assert torch.isfinite(one.image).all()
    assert torch.equal(one.truth.contour, Truth(one.truth.labels, 3).contour)


def test_a_case_smaller_than_the_patch_is_surrounded_by_zeros(cases, tmp_path):
    sampler = batches_of(
        cases[:1], tmp_path, ("rectified",), patch_size=(12, 9, 8), augmentation={"preset": "none"}
    )
    patch = next(sampler.epoch(0))
    assert patch.image.shape == (2, 1, 12, 9, 8)
    filled = (patch.image[0, 0] != 0).nonzero()
    assert (filled.amax(0) - filled.amin(0) + 1).tolist() == [10, 9, 8]
    np.testing.assert_array_equal(
        patch.truth.labels[0].numpy()[tuple(map(slice, filled.amin(0), filled.amax(0) + 1))], cases[0].labels
    )


def test_foreground_fraction_one_always_hits_the_foreground(cases, tmp_path):
    sampler = batches_of(cases, tmp_path, foreground_fraction=1.0, patch_size=(1, 1, 1), steps_per_epoch=50)
    labels = torch.cat([batch.truth.labels.flatten() for batch in sampler.epoch(0)])
    assert (labels > 0).all()
    # Classes are drawn evenly, though the core has 8 voxels and the organ 92.
    assert 30 < (labels == 2).sum() < 70


def test_map_scope_patch_computes_maps_from_the_patch(cases):
    sampler = PatchBatches(
        cases, {}, ("contour",), 3, settings(), MapsParams(scope="patch"), dataset="x", seed=0
    )
    truth = next(sampler.epoch(0)).truth
    assert truth.contour[0, 0].all()  # the border of a patch is contour, unlike that of a cut-out


def test_maps_of_patches_are_made_with_the_batch_at_every_scale(cases, monkeypatch):
    sampler = PatchBatches(
        cases,
        {},
        ("contour", "rectified"),
        3,
        settings(patch_size=(8, 8, 4)),
        MapsParams(scope="patch"),
        dataset="x",
        seed=0,
    )
    sampler.scales = ((4, 4, 2),)
    truth = sampler.batch(0, 0).truth
    expected = Truth(truth.labels, 3)
    made = {shape: expected.at_scale(shape).contour for shape in sampler.scales}
    monkeypatch.setattr("seglossbench.maps.truth.MAPS.things", {})  # nothing more can be made
    assert torch.equal(truth.at_scale((4, 4, 2)).contour, made[4, 4, 2])
    assert truth.rectified.shape == (2, 8, 8, 4)


def test_mm_maps_need_one_voxel_size(cases):
    from dataclasses import replace

    cases[1] = replace(cases[1], geometry=replace(cases[1].geometry, spacing_mm=(1, 1, 3)))
    with pytest.raises(InputError, match=r"maps\.distance_units: mm needs one voxel size"):
        PatchBatches(cases, {}, (), 3, settings(), MapsParams(distance_units="mm"), dataset="x", seed=0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_2d_patch_is_cut_out_of_one_slice_with_its_own_maps(cases, axis):
    patches = settings(patch_size=(5, 4), slice_axis=axis, foreground_fraction=1.0)
    sampler = PatchBatches(
        cases[:1], {}, ("rectified",), 3, patches, MapsParams(scope="patch"), dataset="x", seed=0
    )
    for batch in sampler.epoch(0):
        assert batch.image.shape == (2, 1, 5, 4)
        for image, labels, rectified in zip(
            batch.image, batch.truth.labels, batch.truth.rectified, strict=True
        ):
            where = places(cases[0], image[0])
            assert len({place[axis] for place in where}) == 1
            assert labels.flatten().tolist() == [cases[0].labels[place] for place in where]
            np.testing.assert_array_equal(rectified, rectified_distance(labels.numpy()))
            assert (labels > 0).any()


def test_slices_lie_along_the_largest_voxel_size_and_the_last_axis_on_a_tie(cases):
    from dataclasses import replace

    flat = settings(patch_size=(5, 4))
    thick = replace(cases[0], geometry=replace(cases[0].geometry, spacing_mm=(1, 5, 1)))
    assert [case.slice_axis(flat) for case in (cases[0], thick)] == [2, 1]
    assert thick.slice_axis(settings(patch_size=(5, 4), slice_axis=0)) == 0
    assert thick.slice_axis(settings()) is None
    image = replace(cases[0], geometry=replace(cases[0].geometry, spacing_mm=(1, 1)))
    with pytest.raises(InputError, match=r"train\.patch_size: has 3 sizes, but case a is an image"):
        image.slice_axis(settings())


def test_distances_in_mm_leave_out_the_axis_of_the_slices(cases):
    from dataclasses import replace

    cases = [replace(case, geometry=replace(case.geometry, spacing_mm=(1, 5, 2))) for case in cases]
    maps = MapsParams(scope="patch", distance_units="mm")
    sampler = PatchBatches(cases, {}, (), 3, settings(patch_size=(5, 4)), maps, dataset="x", seed=0)
    assert sampler.spacing_mm == (1, 2)


def test_patches_of_one_class_have_the_maps_that_are_asked_for(cases):
    def values(**maps):
        options = settings(patch_size=(1, 1, 1)), MapsParams(scope="patch", **maps)
        batch = PatchBatches(cases, {}, ["boundary"], 3, *options, dataset="x", seed=0).batch(0, 0)
        return batch.truth.map("boundary")

    assert (values() == 0).all()
    assert (values(degenerate="released").amin(1) == -1).all()


def test_maps_of_the_volume_are_refused_for_slices(cases, tmp_path):
    with pytest.raises(InputError, match=r"maps\.scope: volume .* set maps\.scope to patch"):
        batches_of(cases, tmp_path, ("rectified",), patch_size=(5, 4))


def test_every_case_comes_once_before_any_comes_again(cases, tmp_path):
    def drawn(epoch):
        sampler = batches_of(cases, tmp_path, draw_cases="each_once", steps_per_epoch=4, batch_size=1)
        taken = []
        sampler._patch = lambda piece, *_: (
            taken.append(piece.case.name) or {"image": piece.case.image, "labels": piece.case.labels}
        )
        list(sampler.epoch(epoch))
        return taken

    orders = [drawn(epoch) for epoch in range(12)]
    for order in orders:
        assert set(order[:2]) == set(order[2:]) == {"a", "b"}
    assert {order[0] for order in orders} == {"a", "b"}
    assert drawn(3) == orders[3]


def test_the_last_patches_of_a_batch_show_foreground(cases, tmp_path):
    sampler = batches_of(
        cases,
        tmp_path,
        foreground_fraction=1 / 3,
        foreground_patches="last",
        patch_size=(1, 1, 1),
        batch_size=6,
        steps_per_epoch=40,
    )
    hits = torch.stack([batch.truth.labels.flatten() > 0 for batch in sampler.epoch(0)]).float().mean(0)
    assert hits[4:].tolist() == [1, 1]
    assert (hits[:4] < 0.5).all()  # a seventh of the case is foreground


def test_a_slice_is_drawn_before_its_voxel(cases):
    """Of a class with 9 voxels in one slice and 1 in another, half of the patches show each."""
    labels = np.zeros_like(cases[0].labels)
    labels[3:6, 3:6, 2] = 1
    labels[4, 4, 5] = 1
    case = SimpleNamespace(
        **{name: getattr(cases[0], name) for name in ("name", "image", "geometry", "shape")}
    )
    case.labels, case.foreground, case.slice_axis = labels, [np.argwhere(labels)], lambda settings: 2
    shares = {}
    for voxel in ("of_slice", "of_class"):
        flat = settings(
            patch_size=(1, 1),
            foreground_fraction=1.0,
            foreground_voxel=voxel,
            batch_size=400,
            steps_per_epoch=1,
        )
        sampler = PatchBatches([case], {}, (), 3, flat, MapsParams(scope="patch"), dataset="x", seed=0)
        small = case.image[0, 4, 4, 5]
        shares[voxel] = (sampler.batch(0, 0).image == float(small)).float().mean()
    assert shares["of_slice"] == pytest.approx(0.5, abs=0.1)
    assert shares["of_class"] == pytest.approx(0.1, abs=0.06)
    with pytest.raises(ValueError, match="of_slice is for patches of two sizes"):
        settings(foreground_voxel="of_slice")


def test_what_was_zero_around_a_body_is_zero_again_after_augmentation():
    """As nnU-Net does where it z-scores in a mask: noise and contrast end at the skull, in patches that turn, too."""
    image = np.zeros((1, 20, 20, 20), np.float16)
    image[:, 4:16, 4:16, 4:16] = 1
    case = SimpleNamespace(
        name="a", image=image, labels=np.zeros(image.shape[1:], np.uint8), shape=image.shape[1:]
    )
    case.geometry, case.foreground = SimpleNamespace(spacing_mm=(1, 1, 1)), []
    case.slice_axis = lambda settings: None
    changes = {
        "preset": "none",
        "rotation_degrees": {"probability": 1, "range": (20, 40)},
        "noise_sd": {"probability": 1, "range": (1, 1)},
    }

    def patch(**more):
        chosen = settings(patch_size=(20, 20, 20), augmentation=changes | more, batch_size=1)
        batches = PatchBatches([case], {}, (), 2, chosen, MapsParams(scope="patch"), dataset="x", seed=0)
        return batches.batch(0, 0).image[0, 0]

    noisy, masked = patch(), patch(zero_outside=True)
    assert (noisy != 0).all()
    inside = masked != 0
    assert 0.15 < inside.float().mean() < 0.25  # the box has 0.216 of the voxels
    assert torch.equal(masked[inside], noisy[inside])
