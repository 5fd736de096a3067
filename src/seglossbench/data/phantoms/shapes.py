"""Solids that know how deep in them a point lies."""

from dataclasses import dataclass, replace

import numpy as np

from seglossbench.data.phantoms.fields import Field

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid along the axes."""

    centre_mm: Point
    radii_mm: Point

    def depth_mm(self, position_mm: Field) -> Field:
        """Distance to the surface (first order), positive inside; (3, X, Y, Z) -> (X, Y, Z)."""
        square, square_gradient = (
            np.float32(1e-8),
            np.float32(1e-8 / max(self.radii_mm) ** 2),
        )  # not 0 at the centre
        for axis, centre, radius in zip(position_mm, self.centre_mm, self.radii_mm, strict=True):
            part = ((axis - centre) / radius) ** 2
            square, square_gradient = square + part, square_gradient + part / radius**2
        relative_radius = np.sqrt(square)
        depth: Field = relative_radius * (1 - relative_radius) / np.sqrt(square_gradient)
        return depth

    def moved(self, shift_mm: Point, scale: float) -> "Ellipsoid":
        """The same solid, shifted, and scaled about its own centre."""
        return replace(self, centre_mm=_add(self.centre_mm, shift_mm), radii_mm=_times(self.radii_mm, scale))


@dataclass(frozen=True)
class Tube:
    """A tube along a polyline whose radius changes linearly between the points."""

    points_mm: tuple[Point, ...]
    radii_mm: tuple[float, ...]

    def depth_mm(self, position_mm: Field) -> Field:
        """Distance to the surface, positive inside; (3, X, Y, Z) -> (X, Y, Z)."""
        x, y, z = position_mm
        depth = np.full(x.shape, -np.inf, np.float32)
        for i in range(len(self.points_mm) - 1):
            (px, py, pz), (qx, qy, qz) = self.points_mm[i : i + 2]
            ax, ay, az = qx - px, qy - py, qz - pz
            share = ((x - px) * ax + (y - py) * ay + (z - pz) * az) / (ax**2 + ay**2 + az**2)
            share = np.clip(share, 0, 1)
            distance = np.sqrt(
                (x - px - share * ax) ** 2 + (y - py - share * ay) ** 2 + (z - pz - share * az) ** 2
            )
            radius = self.radii_mm[i] + share * (self.radii_mm[i + 1] - self.radii_mm[i])
            np.maximum(depth, radius - distance, out=depth)
        return depth

    def moved(self, shift_mm: Point, scale: float) -> "Tube":
        """The same tube, shifted, and thickened by ``scale``."""
        points = tuple(_add(point, shift_mm) for point in self.points_mm)
        return replace(self, points_mm=points, radii_mm=tuple(radius * scale for radius in self.radii_mm))


Solid = Ellipsoid | Tube


def union_depth_mm(solids: tuple[Solid, ...], position_mm: Field) -> Field:
    """Depth in the union of ``solids``."""
    return np.asarray(np.maximum.reduce([solid.depth_mm(position_mm) for solid in solids]))


def _add(a: Point, b: Point) -> Point:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def _times(a: Point, factor: float) -> Point:
    return a[0] * factor, a[1] * factor, a[2] * factor
