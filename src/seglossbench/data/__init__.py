"""Cases from raw scans to tensors: found by layouts, prepared, divided, checked."""
