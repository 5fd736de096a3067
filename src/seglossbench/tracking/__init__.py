"""MLflow's view of the runs: live while they train, and filled again from the run folders at any time.

The run folders are the truth. A tracking server that is away costs a warning, never a training.
"""
