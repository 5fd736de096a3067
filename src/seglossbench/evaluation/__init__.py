"""From truth and prediction to scores: ``score_case`` for arrays, ``evaluation.scores`` for files and folders."""

from seglossbench.evaluation.case import Record, score_case

__all__ = ["Record", "score_case"]
