"""From tidy tables of scores and histories to a report: tables, figures and one page."""

from seglossbench.analysis.inputs import load_scores
from seglossbench.reporting.page import Dataset, Facts, Run, write_report

__all__ = ["Dataset", "Facts", "Run", "load_scores", "write_report"]
