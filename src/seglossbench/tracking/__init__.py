"""MLflow's view of the runs: live while they train, and made equal to the run folders at any time.

The run folders are the truth. A tracking server that is away costs a warning, never a training or a report.
"""
