"""Every way to the nearest target gives the distances that brute force gives."""

import numpy as np
import pytest

from seglossbench.evaluation import nearest
from seglossbench.evaluation.nearest import RIM, distances_mm

SHAPE = (14, 20, 26)
SPACINGS = [(1.0, 1.0, 1.0), (5.0, 2.0, 2.0), (0.4, 0.4, 6.0)]


def points(rng, density):
    grid = np.zeros(SHAPE, bool)
    inner = (slice(RIM, -RIM),) * 3
    grid[inner] = rng.random(grid[inner].shape) < density
    return np.flatnonzero(grid)


def brute_force(here, there, spacing_mm):
    here, there = (np.stack(np.unravel_index(side, SHAPE), axis=1) * spacing_mm for side in (here, there))
    return np.linalg.norm(here[:, None] - there[None], axis=2).min(axis=1)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
@pytest.mark.parametrize("density", [0.003, 0.05, 0.4])
@pytest.mark.parametrize(("offsets", "voxels_per_query"), [(32, 50), (0, 0), (0, 1e9), (5, 0), (5, 1e9)])
def test_against_brute_force(monkeypatch, spacing_mm, density, offsets, voxels_per_query):
    monkeypatch.setattr(nearest, "_OFFSETS", offsets)
    monkeypatch.setattr(nearest, "_VOXELS_PER_QUERY", voxels_per_query)
    nearest._shortest_offsets.cache_clear()
    rng = np.random.default_rng(7)
    here, there = points(rng, 0.1), points(rng, density)
    expected = brute_force(here, there, spacing_mm)
    found = distances_mm(here, there, SHAPE, spacing_mm)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    within = distances_mm(here, there, SHAPE, spacing_mm, within_mm=2.5)
    np.testing.assert_allclose(within, np.where(expected <= 2.5, expected, np.inf), rtol=1e-5)
    nearest._shortest_offsets.cache_clear()


def test_nothing_is_infinitely_far():
    nothing, something = np.array([], np.int64), np.array([100, 200])
    assert distances_mm(nothing, something, SHAPE, (1, 1, 1)).shape == (0,)
    assert np.isinf(distances_mm(something, nothing, SHAPE, (1, 1, 1))).all()
