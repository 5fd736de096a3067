"""Task01 of the Medical Segmentation Decathlon: nnU-Net's layout, its channels and labels called as in BraTS."""

from dataclasses import replace
from pathlib import Path

from seglossbench.data.cases import CaseIndex
from seglossbench.data.layouts import brats, nnunet
from seglossbench.data.layouts.layout import Layout
from seglossbench.params import DatasetParams

# The Decathlon numbers the classes in another order than BraTS; its channels FLAIR, T1w, t1gd, T2w are in the same one.
LABEL_VALUES = {"background": 0, "NCR/NET": 2, "ED": 1, "ET": 3}
NAMES = {"background": 0, "edema": 1, "non-enhancing tumor": 2, "enhancing tumour": 3}


def matches(folder: Path) -> bool:
    """Whether a dataset.json names the labels of Task01."""
    return (
        nnunet.matches(folder) and nnunet.index(folder, DatasetParams(modality="MRI")).label_values == NAMES
    )


def index(folder: Path, settings: DatasetParams) -> CaseIndex:
    """The labelled cases, each one 4D image, with BraTS's names of channels, classes and regions."""
    index = nnunet.index(folder, settings)
    return replace(
        index,
        layout="msd_brain_tumour",
        channels=tuple(brats.CHANNELS),
        label_values=LABEL_VALUES,
        regions=brats.REGIONS,
    )


LAYOUT = Layout(matches, index, "dataset.json of Task01_BrainTumour (Decathlon)", has_regions=True)
