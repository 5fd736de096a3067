"""From scores and histories to tidy tables of what holds: the only thing that figures and pages read."""
