"""Which operations of a computation give other digits on every try on CUDA, as torch's documentation names them.

That is the documentation of ``torch.use_deterministic_algorithms`` in torch 2.13.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

NON_DETERMINISTIC = (
    "adaptive_avg_pool", "adaptive_max_pool", "avg_pool3d_backward", "bincount", "col2im", "cumsum", "cumprod",
    "embedding_bag", "embedding_dense_backward", "fractional_max_pool", "grid_sampler", "histc", "index_add",
    "index_copy", "index_put", "index_reduce", "index_fill", "kthvalue", "max_pool3d_with_indices_backward",
    "max_unpool", "median", "nanmedian", "nll_loss", "put", "reflection_pad", "repeat_interleave", "replication_pad",
    "resize", "rrelu", "scatter", "scatter_add", "scatter_reduce", "segment_reduce", "upsample", "_unsafe_index_put",
)  # fmt: skip
"""What the names of operations begin with that are not deterministic unless that is asked for, or never."""

DETERMINISTIC = {"scatter.value", "scatter_.value"}  # a constant, written to each place once

WITHOUT_KERNEL = (
    "_adaptive_avg_pool2d_backward", "_adaptive_avg_pool3d_backward", "adaptive_max_pool2d_backward",
    "avg_pool3d_backward", "cumsum", "fractional_max_pool2d_backward", "fractional_max_pool3d_backward",
    "grid_sampler_2d_backward", "grid_sampler_3d_backward", "histc", "max_unpool2d", "max_unpool3d", "median",
    "nanmedian", "nll_loss_forward", "nll_loss2d_forward", "put", "reflection_pad1d_backward",
    "reflection_pad2d_backward", "reflection_pad3d_backward", "upsample_bicubic2d_backward",
    "upsample_bilinear2d_backward", "upsample_linear1d_backward", "upsample_trilinear3d_backward",
)  # fmt: skip
"""Operations that have no deterministic kernel either: where that is asked for, they are errors."""


class Operations(TorchDispatchMode):
    """A block that gathers the names of all operations in it, those of gradients among them."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: set[str] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(str(function).removeprefix("aten."))
        return function(*args, **(kwargs or {}))


def without_deterministic_kernel(network: nn.Module, image: Tensor) -> tuple[str, ...]:
    """The operations of a training step of a network that are errors on CUDA where deterministic ones are asked for.

    On the meta device nothing is computed.
    """
    with Operations() as operations:
        given = network.train()(image)
        scales = list(given) if isinstance(given, list | tuple) else [given]
        torch.autograd.backward([scale.sum() for scale in scales if scale.requires_grad])
    plain = {name.partition(".")[0] for name in operations.names}
    return tuple(sorted(plain & set(WITHOUT_KERNEL)))
