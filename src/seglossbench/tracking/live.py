"""A training as MLflow sees it while it runs, from a thread of its own, so that no step waits for a server."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from seglossbench.experiment import Run
from seglossbench.records import HistoryRow

if TYPE_CHECKING:
    from seglossbench.tracking.store import Tracker


class LiveTracker:
    """Follows one training; the first failure to reach the store ends the following with a warning.

    MLflow takes seconds to import, so nothing of it happens before the first epoch is over.
    """

    def __init__(self, uri: str, experiment: str, run: Run) -> None:
        self.uri, self.experiment, self.run = uri, experiment, run
        self.tracker: Tracker | None = None
        self.id = ""
        self.problem = ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mlflow")

    def __call__(self, rows: Sequence[HistoryRow]) -> None:
        """Write the rows of an epoch."""
        self._thread.submit(self._attempt, lambda tracker: tracker.log_history(self.id, rows))

    def finish(self, status: str) -> None:
        """Mark the run as FINISHED, FAILED or KILLED, wait until all is written, and warn if it could not be."""
        self._thread.submit(self._attempt, lambda tracker: tracker.finish(self.id, status))
        self._thread.shutdown()
        if self.problem:
            message = (
                "MLflow cannot be reached, so the training went on without it; run seglossbench track later"
            )
            warnings.warn(f"{message}: {self.problem}", stacklevel=2)

    def _attempt(self, action: "Callable[[Tracker], None]") -> None:
        if self.problem:
            return
        from mlflow.exceptions import MlflowException

        from seglossbench.tracking.store import Tracker

        try:
            if self.tracker is None:
                self.tracker = Tracker(self.uri, self.experiment)
                self.id = self.tracker.start(self.run)
            action(self.tracker)
        except (MlflowException, OSError) as error:
            self.problem = " ".join(str(error).split())[:200]
