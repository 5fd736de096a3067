"""What needs no experiment, one function per command: anybody's files are scored, analysed, reported and diagnosed."""

from seglossbench.standalone.analysis import analyse_scores
from seglossbench.standalone.diagnosis import diagnose_maps
from seglossbench.standalone.pictures import Files
from seglossbench.standalone.reporting import report_scores
from seglossbench.standalone.scoring import score

__all__ = ["Files", "analyse_scores", "diagnose_maps", "report_scores", "score"]
