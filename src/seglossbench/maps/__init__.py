"""What a loss reads of the truth: label maps and the maps computed from them."""

from seglossbench.maps.truth import MAPS, Truth

__all__ = ["MAPS", "Truth"]
