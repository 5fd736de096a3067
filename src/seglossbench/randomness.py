"""One random stream per purpose, named, so that two losses see the same patches and no stream disturbs another.

The name of a loss never enters a stream's name: runs that differ in their loss alone stay paired.
"""

import hashlib

import numpy as np


def seed_of(*names: str | int) -> int:
    """A 63-bit seed that depends on the names alone, such as ``seed_of("weights", "unet", 0)``."""
    text = "\x1f".join(str(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def stream(*names: str | int) -> np.random.Generator:
    """A NumPy generator of its own for the purpose that the names spell."""
    return np.random.default_rng(seed_of(*names))
