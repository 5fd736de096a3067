"""What a training has on disk while it runs: its history, two checkpoints to go on from, and the best weights."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import nn

from seglossbench.records import BEST_WEIGHTS, WEIGHTS, HistoryRow, read_history, write_history
from seglossbench.training import checkpoints
from seglossbench.training.device import Accelerator
from seglossbench.vocabulary.tables import VALIDATION

MEAN_DSC = re.compile(r"DSC(_[^/]*)?")
"""Of the names in a history; one may end in that of the policy for empty masks."""


class Kept:
    """The files of a training that has not ended, for the next call to go on from.

    Checkpoints are written beside the next epoch, one at a time: a step waits for the copy to the host's memory alone.
    As a block, it ends when the last one is whole. A second checkpoint is kept for the case that the newest is damaged.
    Where neither can be read, or not the best weights so far, the training starts anew, which takes time and changes
    no digit.
    """

    def __init__(
        self,
        folder: Path,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        accelerator: Accelerator,
    ) -> None:
        self.network, self.optimiser, self.scaler = network, optimiser, accelerator.scaler
        self.settings = accelerator.settings
        self.history = folder / "history.csv"
        self.finished = folder / WEIGHTS
        self.finished_best = folder / BEST_WEIGHTS
        self.latest = checkpoints.Series(folder, "resume", keep=2)
        self.best = checkpoints.Series(folder, "best")
        self._writing = checkpoints.Writer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._writing.close()
        except Exception as lost:
            if error is None:
                raise
            warnings.warn(f"the last checkpoint could not be written: {lost}", stacklevel=2)

    def resume(self) -> tuple[int, list[HistoryRow]]:
        """The first epoch still to be done and the history before it."""
        if self.finished.exists():
            return self.settings.epochs, read_history(self.history)
        for done, state in self.latest.read():
            history = [row for row in read_history(self.history) if row.epoch <= done]
            best = best_epoch(history)
            if self.settings.keeps_best and best is not None:
                found = next(self.best.read(), None)
                if found is None or found[0] < best:
                    continue
            self.network.load_state_dict(state["network"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.scaler.load_state_dict(state["scaler"])
            return done + 1, history
        return 0, []

    def tell(self, history: Sequence[HistoryRow]) -> None:
        """Write the history, after the checkpoint of the epoch before is whole; raises what went wrong with that."""
        self._writing.wait()
        write_history(self.history, history)

    def save(self, epoch: int, history: Sequence[HistoryRow], *, is_last: bool) -> None:
        """Keep the epoch's weights as the settings say; they are written while the training goes on."""
        is_best = self.settings.keeps_best and best_epoch(history) == epoch
        is_due = is_last or (epoch + 1) % self.settings.checkpoint_every == 0
        if not is_best and not is_due:
            return
        network = checkpoints.on_host(self.network.state_dict())
        state = {"network": network}
        if is_due:
            state["optimiser"] = checkpoints.on_host(self.optimiser.state_dict())
            state["scaler"] = self.scaler.state_dict()

        def write() -> None:
            if is_best:  # first, for a resumed training needs the best weights so far
                self.best.save(epoch, {"network": network})
            if is_due:
                self.latest.save(epoch, state)

        self._writing.begin(write)

    def finish(self) -> None:
        """Write the final weights, and the best besides where both are wanted; the network has the final ones."""
        if self.finished.exists():
            self.network.load_state_dict(checkpoints.load(self.finished)["network"])
        else:
            _, best = next(self.best.read(), (0, None))
            if self.settings.checkpoint == "both":
                # A training that diverged before validation has no better ones.
                checkpoints.save(self.finished_best, best or {"network": self.network.state_dict()})
            elif best is not None:
                self.network.load_state_dict(best["network"])
            checkpoints.save(self.finished, {"network": self.network.state_dict()})
        self.latest.clear()
        self.best.clear()


def best_epoch(history: Sequence[HistoryRow]) -> int | None:
    """The first epoch with the highest mean DSC in validation, or None where it has none."""
    scores = [row for row in history if row.split == VALIDATION and MEAN_DSC.fullmatch(row.name)]
    return max(scores, key=lambda row: row.value).epoch if scores else None
