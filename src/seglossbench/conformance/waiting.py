"""Which operations make a program wait for its GPU: found without one, on torch's meta device, which stands for it.

There are no values on it, so that asking for one is an error; what is copied to it or from it is gathered here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@contextmanager
def copies() -> Iterator[set[str]]:
    """A block, and the names of what copies between host and device in it, filled while it lasts."""
    names: set[str] = set()
    with _Made(names), _Moved(names):
        yield names


class _Moved(TorchDispatchMode):
    """Operations that have arrays on one device and give one on another."""

    def __init__(self, names: set[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names = names

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        devices = {
            tensor.device.type
            for tensor in tree_leaves([args, kwargs, made])
            if isinstance(tensor, Tensor) and tensor.numel() > 1
        }
        if len(devices) > 1:
            self.names.add(str(function).removeprefix("aten."))
        return made


class _Made(TorchFunctionMode):
    """Functions that make a tensor of the program's own numbers, which torch shows to no other mode."""

    FUNCTIONS = (torch.tensor, torch.as_tensor, Tensor.new_tensor)

    def __init__(self, names: set[str]) -> None:
        super().__init__()
        self.names = names

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        if function in self.FUNCTIONS and made.device.type != "cpu":
            self.names.add(function.__name__)
        return made
