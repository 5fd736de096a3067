"""The optimiser that the settings name."""

from collections.abc import Iterable

import torch
from torch import nn

from seglossbench.params import OptimiserParams


def build_optimiser(weights: Iterable[nn.Parameter], options: OptimiserParams) -> torch.optim.Optimizer:
    """Adam, AdamW or SGD with Nesterov momentum, as in torch.optim."""
    rate, decay = options.learning_rate, options.weight_decay
    if options.name == "SGD":
        return torch.optim.SGD(weights, rate, options.momentum, weight_decay=decay, nesterov=True)
    if options.name == "Adam":
        return torch.optim.Adam(weights, rate, options.betas, weight_decay=decay)
    return torch.optim.AdamW(weights, rate, options.betas, weight_decay=decay)
