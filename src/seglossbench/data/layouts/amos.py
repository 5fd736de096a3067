"""AMOS22: nnU-Net's layout with a labelled part Va, and CT or MRI by the number of the case."""

from pathlib import Path

from seglossbench.data.cases import CaseIndex, Modality, image_files
from seglossbench.data.layouts import nnunet
from seglossbench.data.layouts.layout import Layout
from seglossbench.params import DatasetParams

FIRST_MRI_CASE = 501  # amos_0001 to amos_0500 are CT


def matches(folder: Path) -> bool:
    """Whether it is nnU-Net's layout and the cases are called amos_NUMBER."""
    root = nnunet.find_root(folder)
    return root is not None and any(
        file.name.startswith("amos_") for file in image_files(root / "labelsTr")[:1]
    )


def index(folder: Path, settings: DatasetParams) -> CaseIndex:
    """The labelled cases: imagesTr are officially for training, imagesVa for test; imagesTs has none."""
    root, description = nnunet.read_description(folder)
    return nnunet.index_by("amos", root, description, _modality)


def _modality(name: str) -> Modality:
    number = name.rpartition("_")[2]
    return "MRI" if number.isdigit() and int(number) >= FIRST_MRI_CASE else "CT"


LAYOUT = Layout(matches, index, "dataset.json with imagesTr and labelsTr of cases amos_NUMBER (AMOS)")
