"""How losses, names and figures look, the same everywhere."""
