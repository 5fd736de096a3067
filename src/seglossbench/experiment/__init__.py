"""The experiment: its datasets and runs, what each of them is, and where all lies on disk."""

from seglossbench.experiment.datasets import Dataset, raw_folder, source_version
from seglossbench.experiment.grid import Experiment
from seglossbench.experiment.runs import Run
from seglossbench.experiment.settings import RunSettings

__all__ = ["Dataset", "Experiment", "Run", "RunSettings", "raw_folder", "source_version"]
