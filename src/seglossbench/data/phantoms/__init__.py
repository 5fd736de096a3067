"""Invented patients in the real archive layouts, so that the whole pipeline runs where no data may be had."""

from seglossbench.data.phantoms.amos import write_amos_phantom
from seglossbench.data.phantoms.brats import write_brats_phantom
from seglossbench.data.phantoms.pengwin import write_pengwin_phantom

__all__ = ["write_amos_phantom", "write_brats_phantom", "write_pengwin_phantom"]
