"""The learning rate as a function of the epoch."""

import math

from seglossbench.params import TrainParams


def learning_rate(epoch: int, settings: TrainParams) -> float:
    """The learning rate of an epoch (from 0): warm-up from a tenth, linearly, then the schedule's decay.

    ``poly`` is ``(1 - epoch/epochs)^0.9`` (nnU-Net), ``cosine`` half a cosine, ``constant`` no decay.
    """
    base = settings.optimiser.learning_rate
    if epoch < settings.warm_up_epochs:
        return base * (0.1 + 0.9 * epoch / settings.warm_up_epochs)
    progress = (epoch - settings.warm_up_epochs) / max(1, settings.epochs - settings.warm_up_epochs)
    if settings.schedule == "poly":
        return float(base * (1 - progress) ** 0.9)
    if settings.schedule == "cosine":
        return base * (1 + math.cos(math.pi * progress)) / 2
    return base
