"""How a loss is drawn: the same colour, mark and dash in every report, of which each would tell it from others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from seglossbench.drawing.names import labels_of

GREY, BLUE, ORANGE, GREEN, PURPLE, BROWN, INDIGO, CRIMSON = COLOURS = (
    "#4a4f55", "#0068ad", "#c04a00", "#00755a", "#9c3587", "#6b5400", "#5a4fcf", "#a3214b",
)  # fmt: skip
"""Of a contrast of 5.0 and more to white."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "h")
Dash = tuple[float, tuple[float, ...]]
DASHES: tuple[Dash | str, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.5, 1)),
    (0, (6, 1.5, 1.5, 1.5)),
    (0, (9, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (1, 2)),
    (0, (9, 1.5, 3, 1.5)),
)

_KNOWN = {
    "ce": GREY, "dice": BLUE, "ce_dice": GREEN, "cwcd": ORANGE,
    "rrw": PURPLE, "rrw_ce": INDIGO, "boundary_ce_gradual": BROWN, "boundary_dice_gradual": CRIMSON,
    "focal": CRIMSON, "cwcd_printed": ORANGE, "separable_dice": BROWN, "ce_dice_pooled": GREEN,
    "cw_ce": ORANGE, "dice_pooled": BLUE, "generalised_dice": PURPLE, "distmap_dice": INDIGO,
    "boundary": BROWN, "weighted_ce": GREY, "boundary_ce": ORANGE, "boundary_dice": CRIMSON,
    "rrw_dice": GREEN, "rrw_dice_gradual": GREEN, "dice_focal": BLUE, "rrw_ce_gradual": PURPLE,
}  # fmt: skip
"""The losses of our params and experiments. A new one goes to the end, because marks and dashes go by the place."""


@dataclass(frozen=True)
class Look:
    """The colour of a loss, its mark, the dash of its lines, and its name as figures print it."""

    colour: str
    marker: str
    line: Dash | str
    label: str


def looks_of(losses: Sequence[str]) -> dict[str, Look]:
    """The look of each loss: its own if it is known, else one that no other of them has."""
    labels = labels_of(losses)
    places = {loss: place for place, loss in enumerate(_KNOWN)}
    looks = {loss: _look(places[loss], _KNOWN[loss], labels[loss]) for loss in losses if loss in _KNOWN}
    for loss in losses:
        if loss not in looks:
            place = places.setdefault(loss, len(places))
            used = Counter(look.colour for look in looks.values())
            alike = Counter(look.colour for look in looks.values() if _are_alike(look, place))
            colour = min(COLOURS, key=lambda colour: (alike[colour], used[colour]))
            looks[loss] = _look(place, colour, labels[loss])
    return {loss: looks[loss] for loss in losses}


def _look(place: int, colour: str, label: str) -> Look:
    """Marks and dashes go round at different speeds, so that sixty-four places differ without colours."""
    return Look(colour, MARKERS[place % len(MARKERS)], _dash(place), label)


def _dash(place: int) -> Dash | str:
    return DASHES[(place + place // len(MARKERS)) % len(DASHES)]


def _are_alike(look: Look, place: int) -> bool:
    """Whether a look has the mark or the dash of a place."""
    return look.marker == MARKERS[place % len(MARKERS)] or look.line == _dash(place)
