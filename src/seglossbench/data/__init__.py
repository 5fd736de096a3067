"""Cases from raw scans to tensors: found by layouts, prepared, divided, checked."""

from seglossbench.data.layouts import index_cases

__all__ = ["index_cases"]
