"""A benchmark and reproducibility harness for boundary-aware segmentation losses."""

__version__ = "0.1.0"
