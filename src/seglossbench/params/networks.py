"""A network as data: its architecture by name, with options. Checked without torch."""

from collections.abc import Mapping, Sequence
from typing import Any

from seglossbench.errors import InputError
from seglossbench.params.training import TrainParams
from seglossbench.registry import ARCHITECTURES
from seglossbench.vocabulary.architectures import CATALOGUE, default_options

PATCH_SIZE = "patch_size"
"""The option that gets the size of the training's patches, which are no option of the params."""


def typed_network(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The network ``name`` with its options as their types ask for; its ``architecture`` is by default its name.

    Raises InputError, which names the key at fault, for an unknown architecture or option and for a value that cannot
    be.
    """
    key = f"networks.{name}"
    options = dict(settings)
    architecture = str(options.pop("architecture", name))
    ARCHITECTURES.check(architecture, f"{key}.architecture")
    if PATCH_SIZE in options:
        raise InputError(f"{key}.{PATCH_SIZE}: unknown parameter; it is that of the section train")
    own = {name: value for name, value in settings.items() if name == "architecture"}
    return own | ARCHITECTURES.typed(architecture, options, key)


def check_patch(
    key: str,
    architecture: str,
    options: Mapping[str, Any],
    patch: Sequence[int],
    *,
    trained: Sequence[int] | None = None,
) -> None:
    """Raise InputError, which names ``key``, if an architecture with these options takes no patches of that size.

    With ``trained``, the size of the training's patches, ``patch`` is that of a prediction's windows.
    """
    known = CATALOGUE.get(architecture)
    if known is None:
        return
    multiples = known.multiples_of(default_options(architecture) | dict(options), trained or patch)
    if any(edge % multiple for edge, multiple in zip(patch, multiples, strict=True)):
        wanted = " x ".join(map(str, multiples)) if len(set(multiples)) > 1 else str(multiples[0])
        raise InputError(f"{key}: {architecture} takes multiples of {wanted}, found {list(patch)}")
    if known.is_exact and trained is not None and list(patch) != list(trained):
        raise InputError(
            f"{key}: {architecture} sees windows of its patches' size alone, {list(trained)}; leave it null"
        )


def nondeterministic_on_cuda(architecture: str) -> tuple[str, ...]:
    """The operations of an architecture without a deterministic CUDA kernel, as far as it says so."""
    known = CATALOGUE.get(architecture)
    if known is not None:
        return known.nondeterministic_on_cuda
    return tuple(ARCHITECTURES.signature(architecture).declared.get("nondeterministic_on_cuda") or ())


def check_determinism(key: str, architecture: str, operations: Sequence[str], train: TrainParams) -> None:
    """Raise InputError, which names ``key``, if a training may meet a GPU and asks it for digits that it cannot give.

    ``operations`` are those of the architecture without a deterministic CUDA kernel.
    """
    if operations and train.deterministic is True and train.device != "cpu":
        raise InputError(
            f"{key}: train.deterministic: true cannot be kept on a GPU, for PyTorch has no deterministic CUDA kernel "
            f"for {', '.join(operations)} of {architecture}; take warn (or false), or train.device: cpu"
        )
