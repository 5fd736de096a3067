"""A network as data: its architecture by name, with options. Checked without torch."""

from collections.abc import Mapping
from typing import Any

from seglossbench.errors import InputError
from seglossbench.registry import ARCHITECTURES

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
