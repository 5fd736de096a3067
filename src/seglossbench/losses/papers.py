"""The compound losses of the two papers and their baselines, as data."""

from seglossbench.params.losses import Spec

_FADING = {"weight": {"from": 1.0, "to": 0.01, "per_epoch": -0.01}}
_GROWING = {"weight": {"from": 0.0, "to": 0.99, "per_epoch": 0.01}}

PAPER_LOSSES: dict[str, Spec] = {
    "ce_dice": {"ce": 1.0, "dice": 1.0},
    "dice_focal": {"dice": 1.0, "focal": 1.0},
    # Paper A: contour-weighted cross-entropy and Dice, and its own baseline.
    "cwcd": {"cw_ce": 1.0, "separable_dice": 1.0},
    "cwcd_printed": {"cw_ce": {"form": "printed"}, "separable_dice": {"form": "printed"}},
    "ce_dice_pooled": {"ce": 1.0, "dice_pooled": 1.0},
    # Paper B: a map loss X beside D, Dice or cross-entropy; equal is X + D, gradual is (1 - a) X + a D with
    # a = max((100 - epoch) / 100, 0.01), as released.
    **{f"{x}_{d}": {d: 1.0, x: 1.0} for x in ("rrw", "boundary") for d in ("ce", "dice")},
    **{f"{x}_{d}_gradual": {d: _FADING, x: _GROWING} for x in ("rrw", "boundary") for d in ("ce", "dice")},
}
"""Names that ``build`` takes, to their specs; a loss of one term needs no name but the term's."""
