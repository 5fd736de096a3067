"""The columns of the tables of results, and the words that stand in them."""

from typing import Literal, get_args

IDENTITY = ("dataset", "network", "loss", "seed")
"""What names a run in every table."""

SCORES = (*IDENTITY, "case", "class", "metric", "value")
"""One value of a metric, for one class of one case of a run; an undefined one is empty."""

HISTORY = ("epoch", "step", "split", "name", "value")
"""One value of a training."""

HISTORIES = (*IDENTITY, *HISTORY)

Status = Literal["prediction_empty", "truth_empty", "both_empty"]
STATUS = "status"
"""The metric whose value is a Status: a mask of that case and class is empty. Its name may end as those of metrics."""
STATUSES: tuple[Status, ...] = get_args(Status)

MEAN = ""
"""The class of a row that averages the classes, because any other text may be a class's name."""

TRAIN, VALIDATION, TEST_BY_EPOCH, COST = "train", "validation", "test_by_epoch", "cost"
"""The splits of a history; TEST_BY_EPOCH scores test cases while a run trains, which are no final scores."""
