"""What losses, networks, metrics, layouts and splits must do: ours in the tests, anybody's by a command."""

from seglossbench.conformance.suite import Outcome, check_named, format_outcomes

__all__ = ["Outcome", "check_named", "format_outcomes"]
