"""What every loss must do: gradients, half precision, absent classes, sure predictions, maps, devices."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seglossbench.conformance.determinism import DETERMINISTIC, NON_DETERMINISTIC, Operations
from seglossbench.conformance.scenes import (
    CLASSES,
    Labels,
    all_contour,
    confident,
    labels_of,
    logits_of,
    shifted_pair,
    sure_logits,
    with_inside,
    without_foreground,
)
from seglossbench.conformance.waiting import copies
from seglossbench.losses import Loss
from seglossbench.maps import MADE_ON_DEVICE, Truth
from seglossbench.maps.caching import MapSettings, write
from seglossbench.maps.store import STORED, StoredMaps

EPOCH = 37


def gradient(loss: Loss, logits: Tensor, truth: Truth) -> Tensor:
    """The loss's derivative by the logits."""
    return torch.autograd.grad(loss(logits, truth, EPOCH), logits)[0]


def gradient_is_the_derivative(loss: Loss) -> None:
    """By finite differences in random directions, in 2D and 3D."""
    for shape in ((2, 4, 6), (1, 2, 4, 3)):
        labels = labels_of(shape)
        truth = Truth.from_labels(labels, CLASSES, maps=loss.maps)
        logits = logits_of(labels, dtype=torch.float64)

        def value(values: Tensor, truth: Truth = truth) -> Tensor:
            return loss(values, truth, EPOCH)

        assert torch.autograd.gradcheck(value, logits, fast_mode=True)


def finite_in_mixed_precision_and_for_extreme_logits(loss: Loss) -> None:
    """In bfloat16, float16 and float32, with logits up to 10,000; the loss is computed in float32."""
    labels = labels_of((2, 6, 8))
    for dtype in (torch.bfloat16, torch.float16, torch.float32):
        for scale in (1.0, 1e4):
            logits = logits_of(labels, scale=scale).detach().clamp(-1e4, 1e4).to(dtype).requires_grad_()
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                value = loss(logits, Truth(labels, CLASSES), EPOCH)
            (slope,) = torch.autograd.grad(value, logits)
            assert value.dtype == torch.float32, f"the loss of logits in {dtype} is in {value.dtype}"
            assert torch.isfinite(value), f"the loss is {float(value)} for {dtype} and logits of {scale:g}"
            assert slope.dtype == dtype
            assert torch.isfinite(slope).all(), f"gradients that are not finite for {dtype}, logits {scale:g}"


def half_precision_computes_in_single(loss: Loss) -> None:
    """Logits in half precision give the loss that the same numbers in single precision give."""
    labels = labels_of()
    for dtype in (torch.bfloat16, torch.float16):
        logits, truth = logits_of(labels, dtype=dtype), Truth(labels, CLASSES)
        with torch.autocast("cpu", dtype):
            value = loss(logits, truth, EPOCH)
        expected = loss(logits.detach().float(), truth, EPOCH)
        torch.testing.assert_close(value, expected, rtol=1e-6, atol=1e-6)


def single_precision_is_enough_where_the_prediction_is_sure(loss: Loss) -> None:
    """Where 1 - p is below what float32 can tell from 0, and is all that there is to learn from."""
    for scene in (without_foreground, all_contour, with_inside):
        labels = scene()
        truth = Truth(labels, CLASSES)
        for margin in (10, 18, 25, 40):
            right = logits_of(labels).detach() + margin * truth.one_hot(torch.float32)
            nothing = Truth(0 * labels, CLASSES).one_hot(torch.float32)
            background = logits_of(labels).detach() + margin * nothing
            for logits in (right, background, sure_logits(labels, margin)):
                single, double = logits.requires_grad_(), logits.detach().double().requires_grad_()
                value, expected = loss(single, truth, EPOCH), loss(double, truth, EPOCH)
                torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-6)
                actual, wanted = gradient(loss, single, truth), gradient(loss, double, truth)
                # next to it, what falls below float32's range: the focal losses of sure voxels
                assert (actual - wanted).abs().max() <= 1e-5 * wanted.abs().max() + 1e-30, (
                    f"gradients in float32 are off by more than 1e-5 with logits of {margin} for the true class"
                )


def finite_where_classes_are_absent(loss: Loss) -> None:
    """The loss and its gradient, also for a perfect prediction."""
    for present in ((0, 1), (1, 2), (0,), (2,)):
        labels = np.array(present, np.uint8)[labels_of((2, 4, 6, 4)) % len(present)]
        logits, truth = logits_of(labels), Truth(labels, CLASSES)
        assert torch.isfinite(loss(logits, truth, EPOCH)), f"no finite loss with classes {present} alone"
        for tried in (logits, confident(labels).requires_grad_()):
            assert torch.isfinite(gradient(loss, tried, truth)).all(), f"no finite gradient with {present}"


def a_batch_is_the_mean_of_its_samples_or_one_volume(loss: Loss) -> None:
    """By the reduction of each term: pooled is as if the samples lay side by side in one volume."""
    labels = labels_of((3, 6, 8))
    logits = logits_of(labels).detach()
    maps = {name: Truth(labels, CLASSES).map(name) for name in loss.maps}

    def truth_of(labels: Labels, maps: dict[str, Any]) -> Truth:
        return Truth(labels, CLASSES, **maps)

    for _, term in loss.weighted_terms:
        batch = term(logits, truth_of(labels, maps))
        if term.reduction == "mean":
            samples = [
                truth_of(labels[[i]], {name: values[[i]] for name, values in maps.items()}) for i in range(3)
            ]
            parts = [term(logits[[i]], sample) for i, sample in enumerate(samples)]
            torch.testing.assert_close(batch, torch.stack(parts).mean())
        else:
            whole = {name: torch.cat([*values], dim=values.ndim - 3)[None] for name, values in maps.items()}
            joined = truth_of(np.concatenate(labels)[None], whole)
            torch.testing.assert_close(batch, term(torch.cat([*logits], dim=1)[None], joined))


def renaming_foreground_classes_renames_the_gradient(loss: Loss) -> None:
    """No foreground class is treated in a way of its own."""
    labels = labels_of((2, 6, 8))
    logits = logits_of(labels)
    new_name = torch.tensor([0, 2, 1])
    renamed = logits.detach()[:, new_name].requires_grad_()
    expected = gradient(loss, logits, Truth(labels, CLASSES))
    actual = gradient(loss, renamed, Truth(new_name[torch.from_numpy(labels).long()], CLASSES))
    torch.testing.assert_close(actual, expected[:, new_name])


def stored_maps_equal_those_of_the_moment(loss: Loss) -> None:
    """Maps that were stored for the whole volume give the loss that maps made on the spot give, in voxels and in mm."""
    labels = labels_of()
    logits = logits_of(labels)
    everything = tuple(map(slice, labels[0].shape))
    for spacing_mm in (None, (3.0, 0.8)):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder) / "case", labels[0], MapSettings(spacing_mm))
            stored = StoredMaps(Path(folder) / "case").crop(everything, labels[0], loss.maps & set(STORED))
            maps: dict[str, Any] = {name: values[None] for name, values in stored.items()}
            cached = Truth(labels, CLASSES, spacing_mm=spacing_mm, **maps)
            online = Truth(labels, CLASSES, spacing_mm=spacing_mm)
            value, expected = loss(logits, cached, EPOCH), loss(logits, online, EPOCH)
            torch.testing.assert_close(value, expected, rtol=2e-5, atol=2e-5)
            slope, wanted = gradient(loss, logits, cached), gradient(loss, logits, online)
            torch.testing.assert_close(slope, wanted, rtol=1e-3, atol=1e-5)


def millimetres_count_where_distances_are_read(loss: Loss) -> None:
    """And nowhere else: a loss that reads no distances does not ask for the spacing."""
    labels = labels_of((2, 4, 6, 8))
    logits = logits_of(labels)
    in_voxels = loss(logits, Truth(labels, CLASSES), EPOCH)
    in_mm = loss(logits, Truth(labels, CLASSES, spacing_mm=(5.0, 1.0, 0.7)), EPOCH)
    assert torch.isfinite(in_mm)
    reads_distances = bool(loss.maps & {"rectified", "boundary", "distance_penalty"})
    assert torch.equal(in_voxels, in_mm) != reads_distances, (
        "maps that it says to read are not those it reads"
    )


def perfect_is_better_than_shifted_by_a_voxel(loss: Loss) -> None:
    """A lower loss for the better of two nearly certain predictions."""
    labels, moved = shifted_pair()
    truth = Truth(labels, CLASSES)
    for shifted in moved:
        perfect, worse = (loss(confident(which), truth, EPOCH) for which in (labels, shifted))
        assert perfect < worse, (
            f"{float(perfect):g} for a perfect prediction, {float(worse):g} for a shifted one"
        )


def no_operation_that_is_non_deterministic_on_cuda(loss: Loss) -> None:
    """As torch's documentation names them."""
    labels = labels_of((2, 4, 6, 4))
    truth = Truth.from_labels(labels, CLASSES, maps=loss.maps)
    with Operations() as operations:
        gradient(loss, logits_of(labels), truth)
    assert operations.names
    wrong = {name for name in operations.names if name.startswith(NON_DETERMINISTIC)} - DETERMINISTIC
    assert not wrong, f"uses {', '.join(sorted(wrong))}"


def no_step_waits_for_a_gpu(loss: Loss) -> None:
    """Neither for a value nor for a copy, from the second step on; torch's meta device stands for the GPU.

    Terms that say ``on_host`` are let off.
    """
    if any(term.on_host for _, term in loss.weighted_terms):
        return
    labels = labels_of((2, 4, 6, 4))
    made_ahead = loss.maps - MADE_ON_DEVICE
    logits = logits_of(labels).detach().to("meta").requires_grad_()
    for _ in range(2):
        truth = Truth.from_labels(labels, CLASSES, maps=made_ahead).to("meta")
        with copies() as found:
            assert gradient(loss, logits, truth).shape == logits.shape
    assert not found, f"copies between host and device in every step: {', '.join(sorted(found))}"


def the_same_twice(loss: Loss) -> None:
    """Bit for bit."""
    labels = labels_of((2, 4, 6, 4))
    logits = logits_of(labels)
    first, second = (gradient(loss, logits, Truth(labels, CLASSES)) for _ in range(2))
    assert torch.equal(first, second), "other gradients for the same logits"


CHECKS: tuple[Callable[[Loss], None], ...] = (
    gradient_is_the_derivative,
    finite_in_mixed_precision_and_for_extreme_logits,
    half_precision_computes_in_single,
    single_precision_is_enough_where_the_prediction_is_sure,
    finite_where_classes_are_absent,
    a_batch_is_the_mean_of_its_samples_or_one_volume,
    renaming_foreground_classes_renames_the_gradient,
    stored_maps_equal_those_of_the_moment,
    millimetres_count_where_distances_are_read,
    perfect_is_better_than_shifted_by_a_voxel,
    no_operation_that_is_non_deterministic_on_cuda,
    no_step_waits_for_a_gpu,
    the_same_twice,
)
"""Functions of a loss that raise AssertionError, or any other error, where it does not do what their names say."""
