"""What losses, networks, metrics, layouts, splits and devices must do: ours in the tests, anybody's by a command."""

from seglossbench.conformance.suite import Outcome, check_device, check_named, format_outcomes

__all__ = ["Outcome", "check_device", "check_named", "format_outcomes"]
