"""The fifteen organs of AMOS: label, brightness and form in an average trunk."""

from dataclasses import dataclass

from seglossbench.phantoms.shapes import Ellipsoid, Solid, Tube


@dataclass(frozen=True)
class Organ:
    """An organ's label, name, mean intensity on CT (HU) and MRI, and form (mm; x to the patient's right)."""

    label: int
    name: str
    ct: float
    mri: float
    solids: tuple[Solid, ...]


_LIVER = (Ellipsoid((82, 0, 82), (54, 68, 70)), Ellipsoid((5, 42, 98), (70, 32, 36)))
_STOMACH = Tube(((-62, 5, 122, 29), (-70, 30, 80, 29), (-40, 55, 45, 22), (8, 52, 38, 13)))
_DUODENUM = Tube(((20, 48, 38, 14), (50, 22, 22, 13), (52, 4, -22, 13), (20, -2, -38, 12), (-24, 8, -28, 11)))
_PANCREAS = Tube(((30, 16, 6, 18), (4, 16, 34, 13), (-40, 4, 46, 13), (-82, -14, 64, 12)))
_ESOPHAGUS = Tube(((2, -12, 205, 9), (-6, -6, 150, 9), (-28, 2, 128, 9)))
_AORTA = Tube(((-10, -20, -55, 10), (-12, -18, 60, 12), (-12, -28, 200, 13)))
_POSTCAVA = Tube(((24, -18, -60, 11), (24, -16, 40, 12), (28, -8, 150, 13)))

# In painting order: where two overlap the later one stays whole, so the small ones come last.
# Mean volumes follow those of AMOS, from 438 parts (liver) over 105 (stomach) to 1 (adrenals, a little more here).
# CT is in the venous phase; MRI is T1 with fat suppression and contrast agent, so either shows vessels bright.
ORGANS = (
    Organ(6, "liver", 110, 260, _LIVER),
    Organ(7, "stomach", 28, 100, (_STOMACH,)),
    Organ(1, "spleen", 135, 310, (Ellipsoid((-100, -34, 92), (30, 42, 54)),)),
    Organ(2, "right kidney", 190, 400, (Ellipsoid((62, -42, 18), (27, 25, 52)),)),
    Organ(3, "left kidney", 190, 400, (Ellipsoid((-62, -42, 30), (27, 25, 52)),)),
    Organ(14, "bladder", 5, 60, (Ellipsoid((0, 28, -140), (42, 36, 36)),)),
    Organ(15, "prostate/uterus", 62, 170, (Ellipsoid((0, -6, -170), (28, 24, 26)),)),
    Organ(9, "postcava", 160, 350, (_POSTCAVA,)),
    Organ(8, "aorta", 225, 430, (_AORTA,)),
    Organ(5, "esophagus", 50, 150, (_ESOPHAGUS,)),
    Organ(13, "duodenum", 48, 150, (_DUODENUM,)),
    Organ(10, "pancreas", 88, 215, (_PANCREAS,)),
    Organ(4, "gall bladder", 5, 60, (Ellipsoid((58, 46, 22), (16, 19, 26)),)),
    Organ(11, "right adrenal gland", 75, 185, (Tube(((30, -32, 66, 7), (34, -38, 88, 6))),)),
    Organ(12, "left adrenal gland", 75, 185, (Tube(((-34, -26, 70, 7), (-32, -34, 92, 6))),)),
)
LABELS = {0: "background"} | {
    organ.label: organ.name for organ in sorted(ORGANS, key=lambda organ: organ.label)
}
