"""The layout of TopoMortar: 2D photographs of brick walls, ``dataset/{train,val,test}`` with images and masks.

The test images are the 50 of the training's own distribution; the 300 of other distributions (shadows, graffiti and
more) are left out, because its authors report the two apart. The masks are the accurate ones.
"""

import csv
from pathlib import Path

from seglossbench.data.cases import Case, CaseIndex, Part, Problem
from seglossbench.data.layouts.layout import Layout
from seglossbench.errors import InputError
from seglossbench.files import read_text
from seglossbench.params import DatasetParams

IN_DISTRIBUTION = "indistr"
PARTS: dict[str, Part] = {"train": "train", "val": "validation", "test": "test"}
CHANNELS = ("red", "green", "blue")
LABEL_VALUES = {"background": 0, "mortar": 255}


def matches(folder: Path) -> bool:
    """Whether ``dataset/train`` with images and accurate masks lies in ``folder`` or right below it."""
    return _root(folder) is not None


def index(folder: Path, settings: DatasetParams) -> CaseIndex:
    """The images with their masks in their official parts; raises InputError where the folder is not as expected."""
    root = _root(folder)
    if root is None:
        raise InputError(f"{folder}: expected dataset/train/images and dataset/train/accurate in it")
    groups = _groups(root / "dataset_types.txt")
    cases: list[Case] = []
    problems: list[Problem] = []
    for part, official in PARTS.items():
        for image in sorted((root / part / "images").glob("*.png")):
            if groups.get(image.stem, IN_DISTRIBUTION) != IN_DISTRIBUTION:
                continue
            mask = root / part / "accurate" / image.name
            if mask.is_file():
                cases.append(Case(image.stem, (image,), mask, "RGB", official))
            else:
                problems.append(Problem(image.stem, "missing labels", mask, f"no mask of {image}"))
    return CaseIndex("topomortar", CHANNELS, LABEL_VALUES, tuple(cases), problems=tuple(problems))


def _root(folder: Path) -> Path | None:
    """The folder ``dataset`` of the repository, wherever the archive's own folder puts it."""
    for candidate in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        if all((candidate / "dataset" / "train" / kind).is_dir() for kind in ("images", "accurate")):
            return candidate / "dataset"
    return None


def _groups(file: Path) -> dict[str, str]:
    """The group of each image by its name; raises InputError where the file does not tell."""
    try:
        return {row["ID"]: row["group"] for row in csv.DictReader(read_text(file).splitlines())}
    except (OSError, KeyError) as error:
        raise InputError(f"{file}: expected the columns ID and group: {error}") from None


LAYOUT = Layout(matches, index, "dataset/train with images and accurate (TopoMortar)")
