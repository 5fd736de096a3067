"""The learning rate as a function of the epoch, and of the step while it warms up."""

import math

from seglossbench.params import TrainParams


def learning_rate(epoch: int, settings: TrainParams, step: int = 0) -> float:
    """The learning rate of a step of an epoch (both from 0): a linear warm-up from its start rate, then a decay.

    The rate grows with every step of the warm-up's epochs, and is the whole one in the step after them (paper A's
    code); the decay is one rate per epoch. ``poly`` is ``(1 - progress)^power`` (nnU-Net) and ``cosine`` half a cosine,
    both from the end of the warm-up; ``step`` multiplies by ``factor`` from every milestone on, counted from epoch 0;
    ``constant`` does not decay.
    """
    base, schedule = settings.optimiser.learning_rate, settings.schedule
    warm_up = schedule.warm_up_epochs
    if epoch < warm_up:
        start = base / 10 if schedule.warm_up_from is None else schedule.warm_up_from
        return start + (base - start) * (epoch + step / settings.steps_per_epoch) / warm_up
    progress = (epoch - warm_up) / max(1, settings.epochs - warm_up)
    decay = {
        "constant": 1.0,
        "poly": (1 - progress) ** schedule.power,
        "cosine": (1 + math.cos(math.pi * progress)) / 2,
        "step": schedule.factor ** sum(epoch >= milestone for milestone in schedule.milestones),
    }
    return float(base * decay[schedule.name])
