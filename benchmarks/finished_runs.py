"""Finished runs that nobody trained: folders and scores as an experiment leaves them, in seconds for thousands."""

import json
from datetime import UTC, datetime, timedelta
from itertools import product

from seglossbench.experiment import Experiment, Run
from seglossbench.records import DATA, LIBRARIES, WEIGHTS, HistoryRow, State, history_text

NAMES = (("train", "loss"), *(("validation", f"DSC/{number}") for number in range(18)), ("cost", "seconds"))
"""What a history has of an epoch: 20 values."""
CLASSES, CASES, METRICS = ("WT", "TC", "ET"), ("a", "b", "c", "d"), ("DSC", "HD95")
FIRST, LENGTH = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)


def finish(experiment: Experiment, epochs: int) -> None:
    """Let all runs of the experiment be trained for so many epochs and scored, below the working folder."""
    for number, run in enumerate(experiment.runs):
        level = 0.5 + 0.4 * (number % 97) / 97
        _train(run, epochs, level, FIRST + number * LENGTH)
        _score(run, level)


def _train(run: Run, epochs: int, level: float, began: datetime) -> None:
    rows = (
        HistoryRow(epoch, 10 * epoch, split, name, level * (epoch + 1) / (epoch + 2))
        for epoch, (split, name) in product(range(epochs), NAMES)
    )
    call = {
        "started": began.isoformat(),
        "device": "cpu, 1 threads",
        "python": "3.11",
        "libraries": dict.fromkeys(LIBRARIES, "1"),
        "commit": "none",
        "ended": (began + LENGTH).isoformat(),
    }
    outcome = {
        "state": State.DONE,
        "started": call["started"],
        "finished": call["ended"],
        "seconds": LENGTH.total_seconds(),
    }
    texts = {
        WEIGHTS: "no weights",
        DATA: "{}",
        "history.csv": history_text(rows),
        "settings.json": run.settings.model_dump_json(),
        "provenance.json": json.dumps({"calls": [call]}),
        "outcome.json": json.dumps(outcome),
    }
    run.folder.mkdir(parents=True)
    for name, text in texts.items():
        (run.folder / name).write_text(text, encoding="utf-8")


def _score(run: Run, level: float) -> None:
    names = ",".join(str(value) for value in run.identity.values())
    lines = ["dataset,network,loss,seed,case,class,metric,value"]
    for place, (case, of_class, metric) in enumerate(product(CASES, CLASSES, METRICS)):
        lines.append(f"{names},{case},{of_class},{metric},{level + 0.001 * place}")
    run.scores.parent.mkdir(parents=True)
    run.scores.write_text("\n".join(lines) + "\n", encoding="utf-8")
