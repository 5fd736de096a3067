"""A training as MLflow sees it while it runs, from a thread of its own, so that no step waits for a server."""

import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from seglossbench.experiment import Run
from seglossbench.records import HistoryRow, State, describe, read_history, working_folder
from seglossbench.tracking.addresses import address_of, without_password

if TYPE_CHECKING:
    from seglossbench.tracking.store import Tracker

PATIENCE_SECONDS = 60.0


class LiveTracker:
    """Follows one training; what cannot be written is kept and tried again, and at the end it is told.

    A training that goes on where another call stopped goes on in MLflow, too, or begins anew there with the history so
    far, so that its curves have neither holes nor doubles. MLflow takes seconds to import, so nothing of it happens
    before the first epoch is over, unless MLflow shows the run as stopped.
    """

    def __init__(self, run: Run, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.run, self.uri = run, address_of(run.track)
        self.patience_seconds = patience_seconds
        self.tracker: Tracker | None = None
        self.id = ""
        self.problem = ""
        self._monitor: Any = None
        self._began = time.time()
        file = working_folder(run.folder) / "history.csv"
        self._before = read_history(file) if file.exists() else []
        self._history: list[HistoryRow] = []
        self._waiting: list[tuple[HistoryRow, float]] = []
        self._next_try = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mlflow")
        if self._before:
            self._thread.submit(self._try_to_write)

    def __call__(self, rows: Sequence[HistoryRow]) -> None:
        """Write the rows of an epoch."""
        self._thread.submit(self._follow, list(rows), time.time())

    def finish(self, state: State) -> None:
        """Mark the run as being in that state, wait until all is written, and warn if it could not be."""
        self._thread.submit(self._finish, state)
        self._thread.shutdown()
        if self.problem:
            message = "MLflow lacks this run, which trained without it; run seglossbench track later"
            warnings.warn(f"{message}: {self.problem}", stacklevel=2)

    def _follow(self, rows: list[HistoryRow], at: float) -> None:
        if not self._history:
            present = [row for row in self._before if row.epoch < rows[0].epoch]
            if len(present) < len(self._before):  # the training goes on from an earlier checkpoint
                self._before, self.id = present, ""
        self._history += rows
        self._waiting += [(row, at) for row in rows]
        if time.monotonic() >= self._next_try:
            self._try_to_write()

    def _finish(self, state: State) -> None:
        self._try_to_write()
        if not self.problem and self.tracker is not None:
            try:
                if self._monitor is not None:
                    self._monitor.finish()
                self.tracker.finish(self.id, state, [*self._before, *self._history])
            except Exception as error:
                self.problem = self._told(error)

    def _try_to_write(self) -> None:
        """Write all that waits; whatever goes wrong is no reason to end a training."""
        try:
            if self.tracker is None:
                from seglossbench.tracking.keys import experiment_name
                from seglossbench.tracking.store import Tracker

                self.tracker = Tracker(self.uri, experiment_name(self.run.part, self.run.dataset.name))
            if not self.id:
                self.id = self.tracker.start(self.run, self._began, self._before)
                self._watch_machine()
            # The time of a row stays the same, so MLflow keeps it once, also where an attempt was half done.
            self.tracker.log_history(self.id, self.run, self._waiting)
        except Exception as error:
            self.problem = self._told(error)
            self._next_try = time.monotonic() + self.patience_seconds
        else:
            self._waiting, self.problem = [], ""

    def _watch_machine(self) -> None:
        """Let MLflow's own monitor write what cores, memory, disk and GPU do, where that is asked for."""
        if self.run.track.system_metrics:
            from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

            self._monitor = SystemMetricsMonitor(self.id, resume_logging=True, tracking_uri=self.uri)
            self._monitor.start()

    def _told(self, error: Exception) -> str:
        return without_password(describe(error), self.uri)[:300]
