"""The words of results, below all rooms that compute, check, store or print them: metrics, conventions, tables."""
