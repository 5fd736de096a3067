"""New runs on their way into MLflow, of which one that cannot be written keeps no other from it."""

from collections.abc import Sequence

from mlflow.entities import Run as Stored

from seglossbench.experiment import Run
from seglossbench.records import describe
from seglossbench.tracking.content import Content
from seglossbench.tracking.store import Tracker

HOPELESS = 3  # runs in a row that could not be written
POINTS_AT_ONCE = 100_000  # of a transaction, in some 50 MB of memory


class Writing:
    """New runs on their way into MLflow: a database gets many in one transaction, as it waits for the disk at each end.

    ``written`` counts those that are there, ``problems`` tells of the others.
    """

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.written = 0
        self.problems: list[str] = []
        self._failed_in_a_row = 0
        self._waiting: list[tuple[Run, Content, Sequence[Stored]]] = []

    @property
    def is_hopeless(self) -> bool:
        """Whether it is no use to go on, as with a server that is away."""
        return self._failed_in_a_row >= HOPELESS

    def take(self, run: Run, made: Content | bool, former: Sequence[Stored]) -> None:
        """Take note of what was done of a run, or of the content with which it is to take the place of former ones."""
        if not isinstance(made, Content):
            self.written += made
            self._failed_in_a_row = 0
            return
        self._waiting.append((run, made, former))
        points = sum(len(content.points) for _, content, _ in self._waiting)
        if self.tracker.database is None or points >= POINTS_AT_ONCE:
            self.flush()

    def failed(self, run: Run, error: Exception) -> None:
        """Take note of what went wrong."""
        self.problems.append(f"{run.id}: {describe(error)}")
        self._failed_in_a_row += 1

    def flush(self) -> None:
        """Write what waits; where that fails, each by itself, so that one keeps no other from it."""
        waiting, self._waiting = self._waiting, []
        try:
            self.tracker.replace_all([(content, former) for _, content, former in waiting])
        except Exception as error:
            if len(waiting) == 1:
                self.failed(waiting[0][0], error)
                return
            for one in waiting:
                self._waiting = [one]
                self.flush()
                if self.is_hopeless:
                    return
        else:
            self.written += len(waiting)
            self._failed_in_a_row = 0
