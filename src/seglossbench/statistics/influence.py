"""The one mean of every table, as a mean over seeds and cases of influence values.

A table's number is a weighted sum over classes (their mean, or one of them) of the class's mean over the cases that
have it. Where some cases lack a class this is no mean over cases of anything observed. Influence values

    x[s, c] = m + sum over k of w_k (C / C_k) present[c, k] (y[s, c, k] - mean_k)

make it one: their grand mean is exactly m, and their scatter over seeds and cases is its uncertainty. Where patients
have several cases, the values of a patient's cases are added up, and patients are what is sampled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def class_means(values: ArrayLike, present: ArrayLike) -> Array:
    """The mean of values[..., seed, case, class] over seeds and the cases that have the class; NaN where none has."""
    values, present = np.asarray(values, float), np.asarray(present, bool)
    counts = values.shape[-3] * present.sum(-2)
    sums = np.where(present, values, 0.0).sum((-3, -2))
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Array = sums / counts
    return means


def influence_values(
    values: ArrayLike, present: ArrayLike, weights: ArrayLike, units: ArrayLike | None = None
) -> Array:
    """x[seed, unit] of values[seed, case, class] whose grand mean is the weighted sum of the class means.

    ``present`` [case, class] says which cases count for which class, ``weights`` [class] are those of the sum, and
    ``units`` [case] the patient of each case, by default every case its own. Units without any class of weight are
    left out. Values of cells that do not count may be anything.
    """
    scores, counts, weight = np.asarray(values, float), np.asarray(present, bool), np.asarray(weights, float)
    used = weight != 0
    scores, counts, weight = scores[..., used], counts[:, used], weight[used]
    means = class_means(scores, counts)
    share = weight / np.maximum(counts.sum(0), 1)
    deviations: Array = np.where(counts, scores - means, 0.0) @ share
    kept = counts.any(1)
    if units is None:
        return np.asarray(weight @ means + kept.sum() * deviations[:, kept])
    names, of_unit = np.unique(np.asarray(units)[kept], return_inverse=True)
    summed = np.zeros((len(names), len(scores)))
    np.add.at(summed, of_unit, deviations[:, kept].T)
    x: Array = weight @ means + len(names) * summed.T
    return x


def equal_weights(present: ArrayLike) -> Array:
    """The weights of a mean over those classes that any case has."""
    found = np.asarray(present, bool).any(0)
    weights: Array = found / max(1, found.sum())
    return weights
