"""What a person sees of a training: a bar on a terminal, one plain line per epoch in a log."""

import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TextIO

from tqdm import tqdm

from seglossbench.params import TrainParams
from seglossbench.records import HistoryRow
from seglossbench.vocabulary.tables import COST


class Progress:
    """Shows the steps and epochs of one training, from ``first_epoch`` on, with loss, patches/s and time left."""

    def __init__(
        self, title: str, settings: TrainParams, first_epoch: int, stream: TextIO | None = None
    ) -> None:
        self.title, self.settings, self.first_epoch = title, settings, first_epoch
        self.stream = sys.stderr if stream is None else stream
        self.started = time.monotonic()
        self.bar: tqdm[Any] | None = None
        if self.stream.isatty():
            patches = settings.steps_per_epoch * settings.batch_size
            self.bar = tqdm(
                total=settings.epochs * patches,
                initial=first_epoch * patches,
                desc=title,
                unit="patch",
                dynamic_ncols=True,
                file=self.stream,
            )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def step(self) -> None:
        """A batch is done."""
        if self.bar is not None:
            self.bar.update(self.settings.batch_size)

    def epoch(self, rows: Sequence[HistoryRow]) -> None:
        """An epoch is done, with these results."""
        values = {(row.split, row.name): row.value for row in rows}
        shown = {"loss": f"{values['train', 'loss']:.4g}"}
        if ("validation", "DSC") in values:
            shown["DSC"] = f"{values['validation', 'DSC']:.3f}"
        done = rows[0].epoch + 1
        if self.bar is not None:
            self.bar.set_postfix({"epoch": f"{done}/{self.settings.epochs}"} | shown)
            return
        per_epoch = (time.monotonic() - self.started) / (done - self.first_epoch)
        left = timedelta(seconds=round(per_epoch * (self.settings.epochs - done)))
        results = ", ".join(f"{name} {value}" for name, value in shown.items())
        speed = values[COST, "patches_per_second"]
        print(
            f"{self.title}: epoch {done} of {self.settings.epochs}: {results}, {speed:.3g} patches/s, {left} left",
            file=self.stream,
            flush=True,
        )
