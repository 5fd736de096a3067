"""The compound losses of the two papers and their baselines, as data, by their names in LOSSES."""

from seglossbench.params.losses import Spec

_FADING = {"weight": {"from": 1.0, "to": 0.01, "per_epoch": -0.01}}
_GROWING = {"weight": {"from": 0.0, "to": 0.99, "per_epoch": 0.01}}

ce_dice: Spec = {"ce": 1.0, "dice": 1.0}
dice_focal: Spec = {"dice": 1.0, "focal": 1.0}

# Paper A: contour-weighted cross-entropy and Dice, and its own baseline.
cwcd: Spec = {"cw_ce": 1.0, "separable_dice": 1.0}
cwcd_printed: Spec = {"cw_ce": {"form": "printed"}, "separable_dice": {"form": "printed"}}
ce_dice_pooled: Spec = {"ce": 1.0, "dice_pooled": 1.0}

# Paper B: a map loss X beside D, Dice or cross-entropy; equal is X + D, gradual is (1 - a) X + a D with
# a = max((100 - epoch) / 100, 0.01), as released.
rrw_ce: Spec = {"ce": 1.0, "rrw": 1.0}
rrw_dice: Spec = {"dice": 1.0, "rrw": 1.0}
boundary_ce: Spec = {"ce": 1.0, "boundary": 1.0}
boundary_dice: Spec = {"dice": 1.0, "boundary": 1.0}
rrw_ce_gradual: Spec = {"ce": _FADING, "rrw": _GROWING}
rrw_dice_gradual: Spec = {"dice": _FADING, "rrw": _GROWING}
boundary_ce_gradual: Spec = {"ce": _FADING, "boundary": _GROWING}
boundary_dice_gradual: Spec = {"dice": _FADING, "boundary": _GROWING}
