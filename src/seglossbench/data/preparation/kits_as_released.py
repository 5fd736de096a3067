"""KiTS19 as paper B's released code prepares it, with its defects, for those who want to repeat exactly that.

It leaves out every slice without a label, in the test cases too; it resizes each slice to 256 x 256, the labels by the
bicubic interpolation of the image; and it writes both with the affine of the full-size scan, so that all distances in
mm are of another body. The default, ``corrected``, does none of this: see docs/preprocessing.md.
"""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from seglossbench.data.images import Volume
from seglossbench.errors import InputError

SIZE = (256, 256)
SLICES_LAST = np.array([[2, 1], [0, 1], [1, 1]])  # from (slice, height, width)


def as_released(
    channels: list[NDArray[Any]], truth: Volume, file: Path
) -> tuple[list[NDArray[np.float32]], Volume]:
    """The channels (256, 256, slices) and the label map of a case whose arrays are (slice, height, width).

    Bicubic interpolation gives fractions of labels, which the released code leaves to nnU-Net; here they are rounded
    and kept between the smallest and the largest label. Raises InputError that names a file without labels.
    """
    labels = truth.array[0]
    labelled = labels.any(axis=(1, 2))
    if not labelled.any():
        raise InputError(f"{file}: has no labelled slice, and kits_release: exact keeps only those")
    affine = truth.affine @ nib.orientations.inv_ornt_aff(SLICES_LAST, labels.shape)
    resized = np.rint(_resize(labels[labelled])).clip(labels.min(), labels.max()).astype(np.uint8)
    return [_resize(channel[labelled]) for channel in channels], Volume(resized[None], affine)


def _resize(slices: NDArray[Any]) -> NDArray[np.float32]:
    from PIL import Image

    bicubic = Image.Resampling.BICUBIC
    pictures = [Image.fromarray(piece.astype(np.float32)).resize(SIZE, bicubic) for piece in slices]
    return np.stack([np.asarray(picture, np.float32) for picture in pictures], axis=-1)
