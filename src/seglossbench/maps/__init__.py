"""What a loss reads of the truth: label maps and the maps computed from them."""

from seglossbench.maps.truth import MADE_ON_DEVICE, Truth, inverse_frequencies

__all__ = ["MADE_ON_DEVICE", "Truth", "inverse_frequencies"]
