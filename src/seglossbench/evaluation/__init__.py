"""From truth and prediction to scores: ``score_case`` for arrays, ``evaluation.scores`` for files and folders."""

from seglossbench.evaluation.case import Record, score_case
from seglossbench.evaluation.comparison import Comparison
from seglossbench.evaluation.metrics import register

__all__ = ["Comparison", "Record", "register", "score_case"]
