"""Masks as paths of SVG along the edges of their pixels, which are drawn as lines or filled."""

import numpy as np
from numpy.typing import NDArray

Point = tuple[int, int]


def outline(mask: NDArray[np.bool_]) -> str:
    """The closed lines around a mask (rows, columns), a pixel one unit wide and high; holes have lines of their own."""
    goes_to = _edges(mask)
    lines = []
    while goes_to:
        first = here = next(iter(goes_to))
        corners, direction = [], None
        while True:
            there = goes_to[here].pop()
            if not goes_to[here]:
                del goes_to[here]
            step = (there[0] - here[0], there[1] - here[1])
            if step != direction:
                corners.append(here)
            here, direction = there, step
            if here == first:
                break
        lines.append(_path(corners))
    return "".join(lines)


def _edges(mask: NDArray[np.bool_]) -> dict[Point, list[Point]]:
    """From each corner the corners that its edges lead to, the inside on their right."""
    padded = np.pad(mask, 1)
    inner = padded[1:-1, 1:-1]
    sides = (
        (padded[:-2, 1:-1], (0, 0), (1, 0)),
        (padded[1:-1, 2:], (1, 0), (1, 1)),
        (padded[2:, 1:-1], (1, 1), (0, 1)),
        (padded[1:-1, :-2], (0, 1), (0, 0)),
    )
    goes_to: dict[Point, list[Point]] = {}
    for beyond, start, stop in sides:
        for row, column in np.argwhere(inner & ~beyond).tolist():
            corner = (column + start[0], row + start[1])
            goes_to.setdefault(corner, []).append((column + stop[0], row + stop[1]))
    return goes_to


def _path(corners: list[Point]) -> str:
    """A closed line through corners of right angles, in the fewest letters."""
    (x, y), *others = corners
    text = f"M{x} {y}"
    for to_x, to_y in others:
        text += f"h{to_x - x}" if to_y == y else f"v{to_y - y}"
        x, y = to_x, to_y
    return text + "z"
