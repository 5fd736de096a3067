"""What every loss must do, whoever wrote it: all in TERMS, their variants, the papers' compounds, one of a user."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from seglossbench.losses import LOSSES, TERMS, Loss, Term, build, register
from seglossbench.losses.loss import Weight
from seglossbench.maps import Truth
from seglossbench.maps.caching import MapSettings, write
from seglossbench.maps.store import STORED, StoredMaps

VARIANTS = {
    "cw_ce printed": {"cw_ce": {"form": "printed"}},
    "separable_dice printed": {"separable_dice": {"form": "printed"}},
    "region_wise boundary": {"region_wise": {"map": "boundary"}},
    "region_wise active_contour": {"region_wise": {"map": "active_contour"}},
    "dice foreground": {"dice": {"background": False}},
    "focal gamma 0": {"focal": {"gamma": 0}},
    "weighted_ce given": {"weighted_ce": {"weights": [0.5, 2.0, 2.0]}},
}


@register("a_users_loss", maps=["rectified"])
def a_users_loss(prediction, truth, *, power: float = 1.5):
    """An example of what a user may add: errors weigh more at the heart of a class."""
    return (prediction.p_wrong**2 * truth.rectified**power).mean()


SPECS = {name: {name: 1.0} for name in TERMS} | VARIANTS | {name: LOSSES.load(name) for name in LOSSES.own}
CLASSES = 3
EPOCH = 37

# Named in torch's documentation of use_deterministic_algorithms as non-deterministic on CUDA, forward or backward.
NON_DETERMINISTIC = (
    "adaptive_avg_pool", "adaptive_max_pool", "avg_pool3d_backward", "bincount", "col2im", "cumsum", "cumprod",
    "embedding_bag", "embedding_dense_backward", "fractional_max_pool", "grid_sampler", "histc", "index_add",
    "index_copy", "index_put", "index_reduce", "index_fill", "kthvalue", "max_pool3d_with_indices_backward",
    "max_unpool", "median", "nanmedian", "nll_loss", "put", "reflection_pad", "repeat_interleave", "replication_pad",
    "resize", "rrelu", "scatter", "scatter_add", "scatter_reduce", "segment_reduce", "upsample", "_unsafe_index_put",
)  # fmt: skip
DETERMINISTIC = ("scatter.value", "scatter_.value")  # a constant, written to each place once


@pytest.fixture(params=SPECS, ids=str)
def loss(request):
    return build(SPECS[request.param])


def labels_of(shape=(1, 6, 8), classes=CLASSES, seed=0):
    """Blocks of random classes, every class in every sample."""
    generator = np.random.default_rng(seed)
    blocks = np.stack([generator.permutation(np.arange(6) % classes).reshape(2, 3) for _ in range(shape[0])])
    rows = blocks.repeat(shape[-2] // 2, 1).repeat(-(-shape[-1] // 3), 2)[..., : shape[-1]]
    return np.broadcast_to(rows.reshape(shape[0], *[1] * (len(shape) - 3), *shape[-2:]), shape).astype(
        np.uint8
    )


def logits_of(labels, seed=0, scale=1.0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    shape = (len(labels), CLASSES, *labels.shape[1:])
    return (scale * torch.randn(shape, generator=generator)).to(dtype).requires_grad_()


def confident(labels):
    """Logits of a nearly certain prediction of ``labels``."""
    return 12 * Truth(labels, CLASSES).one_hot(torch.float32)


def gradient(loss, logits, truth):
    return torch.autograd.grad(loss(logits, truth, EPOCH), logits)[0]


@pytest.mark.parametrize("shape", [(2, 4, 6), (1, 2, 4, 3)], ids=["2D", "3D"])
def test_gradient_is_the_derivative(loss, shape):
    labels = labels_of(shape)
    logits = logits_of(labels, dtype=torch.float64)
    truth = Truth.from_labels(labels, CLASSES, maps=loss.maps)
    # fast mode looks at the derivative in random directions, all entries at once
    assert torch.autograd.gradcheck(lambda values: loss(values, truth, EPOCH), logits, fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_finite_in_mixed_precision_and_for_extreme_logits(loss, dtype, scale):
    labels = labels_of((2, 6, 8))
    logits = logits_of(labels, scale=scale).detach().clamp(-1e4, 1e4).to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        value = loss(logits, Truth(labels, CLASSES), EPOCH)
    value.backward()
    assert value.dtype == torch.float32
    assert torch.isfinite(value)
    assert logits.grad.dtype == dtype
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_computes_in_single(loss, dtype):
    labels = labels_of()
    logits = logits_of(labels, dtype=dtype)
    truth = Truth(labels, CLASSES)
    with torch.autocast("cpu", dtype):
        value = loss(logits, truth, EPOCH)
    torch.testing.assert_close(value, loss(logits.detach().float(), truth, EPOCH), rtol=1e-6, atol=1e-6)


def without_foreground():
    return np.zeros((2, 6, 8, 6), np.uint8)


def all_contour():
    """Sheets of two voxels, nothing of which is inside."""
    labels = without_foreground()
    labels[0, 1:3], labels[1, :, 5:7] = 1, 2
    return labels


def with_inside():
    labels = without_foreground()
    labels[0, 1:5, 1:6, 1:5], labels[1, :, 2:6] = 1, 2
    return labels


def sure_logits(labels, margin, seed=0):
    """About ``margin`` for the true class, but for a tenth of the voxels' classes, which are one too high."""
    generator = np.random.default_rng(seed)
    predicted = np.where(generator.random(labels.shape) < 0.1, (labels + 1) % CLASSES, labels)
    return logits_of(labels).detach() + margin * Truth(predicted, CLASSES).one_hot(torch.float32)


@pytest.mark.parametrize("margin", [10, 18, 25, 40])
@pytest.mark.parametrize("scene", [without_foreground, all_contour, with_inside])
def test_single_precision_is_enough_where_the_prediction_is_sure(loss, scene, margin):
    """With such margins 1 - p is below what float32 can tell from 0, and is all that there is to learn from."""
    labels = scene()
    truth = Truth(labels, CLASSES)
    right = logits_of(labels).detach() + margin * truth.one_hot(torch.float32)
    background = logits_of(labels).detach() + margin * Truth(0 * labels, CLASSES).one_hot(torch.float32)
    for logits in (right, background, sure_logits(labels, margin)):
        single, double = logits.requires_grad_(), logits.detach().double().requires_grad_()
        value, expected = loss(single, truth, EPOCH), loss(double, truth, EPOCH)
        torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-6)
        actual, wanted = gradient(loss, single, truth), gradient(loss, double, truth)
        # next to it, what falls below float32's range: the focal losses of sure voxels
        assert (actual - wanted).abs().max() <= 1e-5 * wanted.abs().max() + 1e-30


@pytest.mark.parametrize("present", [(0, 1), (1, 2), (0,), (2,)], ids=str)
def test_finite_where_classes_are_absent(loss, present):
    labels = np.array(present, np.uint8)[labels_of((2, 4, 6, 4)) % len(present)]
    logits = logits_of(labels)
    truth = Truth(labels, CLASSES)
    assert torch.isfinite(loss(logits, truth, EPOCH))
    assert torch.isfinite(gradient(loss, logits, truth)).all()
    assert torch.isfinite(gradient(loss, confident(labels).requires_grad_(), truth)).all()


def test_a_batch_is_the_mean_of_its_samples_or_one_volume(loss):
    """By the documented reduction of each term: pooled is as if the samples lay side by side in one volume."""
    labels = labels_of((3, 6, 8))
    logits = logits_of(labels).detach()
    maps = {name: Truth(labels, CLASSES).map(name) for name in loss.maps}
    for _, term in loss.weighted_terms:
        batch = term(logits, Truth(labels, CLASSES, **maps))
        if term.reduction == "mean":
            samples = [
                Truth(labels[[i]], CLASSES, **{name: values[[i]] for name, values in maps.items()})
                for i in range(3)
            ]
            parts = [term(logits[[i]], sample) for i, sample in enumerate(samples)]
            torch.testing.assert_close(batch, torch.stack(parts).mean())
        else:
            whole_maps = {
                name: torch.cat([*values], dim=values.ndim - 3)[None] for name, values in maps.items()
            }
            whole = Truth(np.concatenate(labels)[None], CLASSES, **whole_maps)
            torch.testing.assert_close(batch, term(torch.cat([*logits], dim=1)[None], whole))


def test_renaming_foreground_classes_renames_the_gradient(loss):
    labels = labels_of((2, 6, 8))
    logits = logits_of(labels)
    new_name = torch.tensor([0, 2, 1])
    renamed = logits.detach()[:, new_name].requires_grad_()
    expected = gradient(loss, logits, Truth(labels, CLASSES))
    actual = gradient(loss, renamed, Truth(new_name[torch.from_numpy(labels).long()], CLASSES))
    torch.testing.assert_close(actual, expected[:, new_name])


@pytest.mark.parametrize("spacing_mm", [None, (3.0, 0.8)])
def test_cached_maps_equal_on_line_maps(loss, spacing_mm, tmp_path):
    labels = labels_of()
    write(tmp_path / "case", labels[0], MapSettings(spacing_mm))
    everything = tuple(map(slice, labels[0].shape))
    stored = StoredMaps(tmp_path / "case").crop(everything, labels[0], loss.maps & set(STORED))
    cached = Truth(
        labels, CLASSES, spacing_mm=spacing_mm, **{name: values[None] for name, values in stored.items()}
    )
    online = Truth(labels, CLASSES, spacing_mm=spacing_mm)
    logits = logits_of(labels)
    torch.testing.assert_close(loss(logits, cached, EPOCH), loss(logits, online, EPOCH), rtol=2e-5, atol=2e-5)
    torch.testing.assert_close(
        gradient(loss, logits, cached), gradient(loss, logits, online), rtol=1e-3, atol=1e-5
    )


def test_millimetres_count_where_distances_are_read(loss):
    labels = labels_of((2, 4, 6, 8))
    logits = logits_of(labels)
    in_voxels = loss(logits, Truth(labels, CLASSES), EPOCH)
    in_mm = loss(logits, Truth(labels, CLASSES, spacing_mm=(5.0, 1.0, 0.7)), EPOCH)
    assert torch.isfinite(in_mm)
    reads_distances = bool(loss.maps & {"rectified", "boundary", "distance_penalty"})
    assert torch.equal(in_voxels, in_mm) != reads_distances


@pytest.mark.parametrize("shift", [(1, 0), (0, -1)])
def test_perfect_is_better_than_shifted_by_a_voxel(loss, shift):
    labels = np.zeros((1, 8, 9), np.uint8)
    labels[0, 2:5, 2:5], labels[0, 2:6, 5:8] = 1, 2
    shifted = np.roll(labels, shift, axis=(1, 2))
    truth = Truth(labels, CLASSES)
    assert loss(confident(labels), truth, EPOCH) < loss(confident(shifted), truth, EPOCH)


class Operations(TorchDispatchMode):
    """Remembers the names of all operations, forward and backward."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names = getattr(self, "names", set()) | {str(function).removeprefix("aten.")}
        return function(*args, **(kwargs or {}))


def test_no_operation_that_is_non_deterministic_on_cuda(loss):
    labels = labels_of((2, 4, 6, 4))
    truth = Truth.from_labels(labels, CLASSES, maps=loss.maps)
    with Operations() as operations:
        gradient(loss, logits_of(labels), truth)
    assert operations.names
    wrong = {name for name in operations.names if name.startswith(NON_DETERMINISTIC)} - set(DETERMINISTIC)
    assert not wrong


def test_no_copy_to_the_host_in_a_step(loss):
    """On the meta device there are no values, so that asking for one fails, as it would wait for a GPU."""
    if any(term.on_host for _, term in loss.weighted_terms):
        pytest.skip("is documented to transform the prediction on the host")
    labels = labels_of((2, 4, 6, 4))
    truth = Truth.from_labels(labels, CLASSES, maps=loss.maps).to("meta")
    logits = logits_of(labels).detach().to("meta").requires_grad_()
    assert gradient(loss, logits, truth).shape == logits.shape


def test_the_same_twice(loss):
    labels = labels_of((2, 4, 6, 4))
    logits = logits_of(labels)
    first, second = (gradient(loss, logits, Truth(labels, CLASSES)) for _ in range(2))
    assert torch.equal(first, second)


def test_only_the_hausdorff_losses_may_work_on_the_host():
    assert {name for name in TERMS if build(name).weighted_terms[0][1].on_host} == {
        "hausdorff_dt",
        "log_hausdorff_dt",
    }


def test_the_suite_sees_what_is_wrong():
    """Each of these breaks one rule above; the rule's test has to fail."""
    labels = labels_of((2, 4, 6, 4))

    def as_loss(function):
        return Loss(((Weight(1.0, 1.0), Term("bad", function)),))

    host_copy = as_loss(
        lambda prediction, truth: prediction.p_truth.mean() * float(prediction.p_truth.max() > 2)
    )
    with pytest.raises((RuntimeError, NotImplementedError)):
        test_no_copy_to_the_host_in_a_step(host_copy)
    index_targets = as_loss(
        lambda prediction, truth: torch.nn.functional.cross_entropy(prediction.logits, truth.labels.long())
    )
    with pytest.raises(AssertionError):
        test_no_operation_that_is_non_deterministic_on_cuda(index_targets)
    gathered = as_loss(lambda prediction, truth: -prediction.p.gather(1, truth.labels.long()[:, None]).mean())
    with pytest.raises(AssertionError):
        test_no_operation_that_is_non_deterministic_on_cuda(gathered)
    first_class = as_loss(lambda prediction, truth: -prediction.p[:, 1].mean())
    with pytest.raises(AssertionError):
        test_renaming_foreground_classes_renames_the_gradient(first_class)
    rounded = as_loss(lambda prediction, truth: (1 - prediction.p_truth).square().mean())
    with pytest.raises(AssertionError):
        test_single_precision_is_enough_where_the_prediction_is_sure(rounded, with_inside, 18)
    summed = as_loss(lambda prediction, truth: -prediction.log_p_truth.sum())
    with pytest.raises(AssertionError):
        test_a_batch_is_the_mean_of_its_samples_or_one_volume(summed)
    detached = as_loss(
        lambda prediction, truth: (prediction.p_truth * prediction.log_p_truth.detach()).mean()
    )
    with pytest.raises(RuntimeError):
        test_gradient_is_the_derivative(detached, labels.shape)
