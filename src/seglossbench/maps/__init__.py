"""What a loss reads of the truth: label maps and the maps computed from them."""

from seglossbench.maps.truth import Truth, inverse_frequencies

__all__ = ["Truth", "inverse_frequencies"]
