"""A training as MLflow sees it while it runs, from a thread of its own, so that no step waits for a server."""

import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from seglossbench.experiment import Run
from seglossbench.records import HistoryRow, describe, read_history, working_folder
from seglossbench.tracking.secrets import without_password

if TYPE_CHECKING:
    from seglossbench.tracking.store import Tracker

PATIENCE_SECONDS = 60.0


class LiveTracker:
    """Follows one training; what cannot be written is kept and tried again, and at the end it is told.

    A training that goes on where another call stopped begins anew in MLflow, with the history so far, so that its
    curves have neither holes nor doubles. MLflow takes seconds to import, so nothing of it happens before the first
    epoch is over.
    """

    def __init__(
        self, uri: str, experiment: str, run: Run, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self.uri, self.experiment, self.run = uri, experiment, run
        self.patience_seconds = patience_seconds
        self.tracker: Tracker | None = None
        self.id = ""
        self.problem = ""
        self._history: list[HistoryRow] = []
        self._waiting: list[tuple[HistoryRow, float]] = []
        self._next_try = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mlflow")

    def __call__(self, rows: Sequence[HistoryRow]) -> None:
        """Write the rows of an epoch."""
        self._thread.submit(self._follow, list(rows), time.time())

    def finish(self, status: str) -> None:
        """Mark the run as FINISHED, FAILED or KILLED, wait until all is written, and warn if it could not be."""
        self._thread.submit(self._finish, status)
        self._thread.shutdown()
        if self.problem:
            message = "MLflow lacks this run, which trained without it; run seglossbench track later"
            warnings.warn(f"{message}: {self.problem}", stacklevel=2)

    def _follow(self, rows: list[HistoryRow], at: float) -> None:
        if not self._history:
            rows = [*self._before(rows[0].epoch), *rows]
        self._history += rows
        self._waiting += [(row, at) for row in rows]
        if time.monotonic() >= self._next_try:
            self._try_to_write()

    def _finish(self, status: str) -> None:
        self._try_to_write()
        if not self.problem and self.tracker is not None:
            try:
                self.tracker.finish(self.id, status, self._history)
            except Exception as error:
                self.problem = self._told(error)

    def _try_to_write(self) -> None:
        """Write all that waits; whatever goes wrong is no reason to end a training."""
        try:
            if self.tracker is None:
                from seglossbench.tracking.store import Tracker

                self.tracker = Tracker(self.uri, self.experiment)
            if not self.id:
                self.id = self.tracker.start(self.run)
            # The time of a row stays the same, so MLflow keeps it once, also where an attempt was half done.
            self.tracker.log_history(self.id, self._waiting)
        except Exception as error:
            self.problem = self._told(error)
            self._next_try = time.monotonic() + self.patience_seconds
        else:
            self._waiting, self.problem = [], ""

    def _told(self, error: Exception) -> str:
        return without_password(describe(error), self.uri)[:300]

    def _before(self, epoch: int) -> list[HistoryRow]:
        """The history that former calls left."""
        if epoch == 0:
            return []
        file = working_folder(self.run.folder) / "history.csv"
        return [row for row in read_history(file) if row.epoch < epoch]
