"""The fifteen organs of AMOS: label, brightness and form of an average trunk."""

from dataclasses import dataclass

from seglossbench.data.phantoms.shapes import Ellipsoid, Solid, Tube


@dataclass(frozen=True)
class Organ:
    """An organ's label, name, mean intensity on CT (HU) and MRI, and form in mm from the trunk's middle."""

    label: int
    name: str
    ct: float
    mri: float
    solids: tuple[Solid, ...]


# In painting order: a later organ lies in front where two overlap, so the small ones come last.
ORGANS = (
    Organ(6, "liver", 110, 260, (Ellipsoid((82, 0, 82), (54, 68, 70)), Ellipsoid((5, 42, 98), (70, 32, 36)))),
    Organ(
        7,
        "stomach",
        28,
        100,
        (Tube(((-62, 5, 122), (-70, 30, 80), (-40, 55, 45), (8, 52, 38)), (29, 29, 22, 13)),),
    ),
    Organ(1, "spleen", 135, 310, (Ellipsoid((-100, -34, 92), (30, 42, 54)),)),
    Organ(2, "right kidney", 190, 400, (Ellipsoid((62, -42, 18), (27, 25, 52)),)),
    Organ(3, "left kidney", 190, 400, (Ellipsoid((-62, -42, 30), (27, 25, 52)),)),
    Organ(14, "bladder", 5, 560, (Ellipsoid((0, 28, -140), (42, 36, 36)),)),
    Organ(15, "prostate/uterus", 62, 300, (Ellipsoid((0, -6, -170), (28, 24, 26)),)),
    Organ(9, "postcava", 160, 350, (Tube(((24, -18, -60), (24, -16, 40), (28, -8, 150)), (11, 12, 13)),)),
    Organ(8, "aorta", 225, 430, (Tube(((-10, -20, -55), (-12, -18, 60), (-12, -28, 200)), (10, 12, 13)),)),
    Organ(5, "esophagus", 50, 150, (Tube(((2, -12, 205), (-6, -6, 150), (-28, 2, 128)), (9, 9, 9)),)),
    Organ(
        13,
        "duodenum",
        48,
        150,
        (
            Tube(
                ((20, 48, 38), (50, 22, 22), (52, 4, -22), (20, -2, -38), (-24, 8, -28)), (14, 13, 13, 12, 11)
            ),
        ),
    ),
    Organ(
        10,
        "pancreas",
        88,
        215,
        (Tube(((30, 16, 6), (4, 16, 34), (-40, 4, 46), (-82, -14, 64)), (18, 13, 13, 12)),),
    ),
    Organ(4, "gall bladder", 5, 60, (Ellipsoid((58, 46, 22), (16, 19, 26)),)),
    Organ(11, "right adrenal gland", 75, 185, (Tube(((30, -32, 66), (34, -38, 88)), (7, 6)),)),
    Organ(12, "left adrenal gland", 75, 185, (Tube(((-34, -26, 70), (-32, -34, 92)), (7, 6)),)),
)
LABELS = {0: "background"} | {
    organ.label: organ.name for organ in sorted(ORGANS, key=lambda organ: organ.label)
}
