"""The raw layout of nnU-Net and the Medical Segmentation Decathlon: dataset.json, imagesTr, labelsTr.

Images are ``CASE_0000.nii.gz``, ``CASE_0001.nii.gz``, one per channel, or one file ``CASE.nii.gz`` that holds them all.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from seglossbench.data.cases import Case, CaseIndex, Modality, Part, Problem, image_files, image_stem
from seglossbench.data.layouts.layout import Layout
from seglossbench.errors import InputError
from seglossbench.files import read_text
from seglossbench.params import DatasetParams

PARTS = ("Tr", "Va", "Ts")
COLOURS = {"R", "G", "B", "RED", "GREEN", "BLUE", "RGB", "RGB_TO_0_1"}


def matches(folder: Path) -> bool:
    """Whether a dataset.json with imagesTr and labelsTr lies in ``folder`` or right below it."""
    return find_root(folder) is not None


def index(folder: Path, settings: DatasetParams) -> CaseIndex:
    """The labelled cases: those of labelsTr train; labelsTs, or labelsVa where that is all there is, is for test.

    Raises InputError for a description that cannot be understood.
    """

    def modality(name: str) -> Modality:
        return settings.modality or _modality(root / "dataset.json", description)

    root, description = read_description(folder)
    return index_by("nnunet", root, description, modality)


def find_root(folder: Path) -> Path | None:
    """The folder with dataset.json, imagesTr and labelsTr: ``folder`` or one right below it."""
    for candidate in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        if all((candidate / part).exists() for part in ("dataset.json", "imagesTr", "labelsTr")):
            return candidate
    return None


def read_description(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The dataset's root and what its dataset.json says; raises InputError that names the file at fault."""
    root = find_root(folder)
    if root is None:
        raise InputError(f"{folder}: expected dataset.json, imagesTr and labelsTr in it or in a folder of it")
    file = root / "dataset.json"
    try:
        description = json.loads(read_text(file))
        description["labels"].items()
    except KeyError:
        raise InputError(
            f"{file}: has no labels; add the classes and their values, such as "
            '"labels": {"background": 0, "liver": 1}'
        ) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{file}: not a dataset description with labels: {error}") from None
    return root, dict(description)


def index_by(
    layout: str, root: Path, description: Mapping[str, Any], modality: Callable[[str], Modality]
) -> CaseIndex:
    """The labelled cases below ``root``; ``modality`` says that of a case from its name."""
    label_values, regions = _classes(root / "dataset.json", description)
    channels = _channels(root / "dataset.json", description)
    present = [part for part in PARTS if image_files(root / f"labels{part}")]
    official: dict[str, Part] = {"Tr": "train", "Va": "validation", "Ts": "test"}
    if "Ts" not in present:
        official["Va"] = "test"
    cases: list[Case] = []
    problems: list[Problem] = []
    for part in present:
        labels, labels_again = _by_stem(root / f"labels{part}")
        images, images_again = _by_stem(root / f"images{part}")
        in_one = not any(re.fullmatch(r"_(?!0000)\d{4}", stem[-5:]) for stem in images if stem not in labels)
        for name, file in labels.items():
            # Whole name first: amos_0001 is a case and no channel 1. Then nnU-Net's photographs: all colours in _0000.
            numbers = range(1 if in_one else len(channels))
            stems = [name] if name in images else [f"{name}_{number:04d}" for number in numbers]
            missing = [stem for stem in stems if stem not in images]
            again = [images_again[stem] for stem in stems if stem in images_again]
            again += [labels_again[name]] if name in labels_again else []
            place = root / f"images{part}"
            if again:
                detail = f"{image_stem(again[0])} is there in another format, too; remove one of the two"
                problems.append(Problem(name, "ambiguous files", again[0], detail))
            elif len(missing) == len(stems):
                problems.append(
                    Problem(name, "missing image", place, f"case {name} has labels and no file here")
                )
            elif missing:
                detail = f"case {name} has no file {' nor '.join(missing)}"
                problems.append(Problem(name, "missing modality", place, detail))
            else:
                files = tuple(images[stem] for stem in stems)
                cases.append(Case(name, files, file, modality(name), official[part]))
        problems += _left_over(images, labels, len(channels), root / f"labels{part}")
    return CaseIndex(layout, channels, label_values, tuple(cases), regions, tuple(problems))


def _by_stem(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """The images of a folder by their names without endings, and those that are there again with another ending."""
    first: dict[str, Path] = {}
    again = {}
    for file in image_files(folder):
        if first.setdefault(image_stem(file), file) != file:
            again[image_stem(file)] = file
    return first, again


def _left_over(
    images: Mapping[str, Path], labels: Mapping[str, Path], channels: int, folder: Path
) -> list[Problem]:
    """A problem for each case whose images have no label map, and for each image beyond the described channels."""
    is_numbered = any(name not in images and f"{name}_0000" in images for name in labels)
    problems = {}
    for stem, file in images.items():
        name = re.sub(r"_\d{4}$", "", stem) if is_numbered else stem
        if stem not in labels and name not in labels:
            problems[name] = Problem(
                name, "missing labels", folder, f"case {name} has images and no file here"
            )
        elif stem not in labels and int(stem[-4:]) >= channels:
            problems[stem] = Problem(
                name, "ambiguous files", file, "a channel that dataset.json does not name"
            )
    return list(problems.values())


def _channels(file: Path, description: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the channels in the order of their numbers."""
    channels = description.get("channel_names", description.get("modality", {"0": "image"}))
    try:
        return tuple(str(channels[number]) for number in sorted(channels, key=int))
    except (TypeError, ValueError):
        raise InputError(
            f"{file}: channel_names: expected numbers and names, such as {{'0': 'T1'}}"
        ) from None


def _modality(file: Path, description: Mapping[str, Any]) -> Modality:
    """CT where a channel is called so, as nnU-Net decides how to scale intensities; RGB for colours; else MRI."""
    if "channel_names" not in description and "modality" not in description:
        raise InputError(
            f"{file}: no channel_names; add them, or say modality: CT or MRI at the dataset in params"
        )
    names = {name.upper() for name in _channels(file, description)}
    return "CT" if "CT" in names else "RGB" if names <= COLOURS else "MRI"


def _classes(file: Path, description: Mapping[str, Any]) -> tuple[dict[str, int], dict[str, tuple[str, ...]]]:
    """Class names to values, background first, whichever way round the file has them; and the regions.

    With nnU-Net's regions a name stands for a list of values: a value is then called as the region that is it alone.
    """
    labels = description["labels"]
    if "ignore" in labels:
        raise InputError(
            f"{file}: labels: voxels to be ignored are not supported; remove the label ignore and those cases"
        )
    try:
        if all(str(key).isdigit() for key in labels):
            values = {str(name): [int(value)] for value, name in labels.items()}
        else:
            values = {name: [int(one) for one in _listed(value)] for name, value in labels.items()}
    except (TypeError, ValueError):
        raise InputError(f"{file}: labels: expected whole numbers and names") from None
    names = {of_name[0]: name for name, of_name in values.items() if len(of_name) == 1}
    if 0 not in names:
        raise InputError(f"{file}: labels: no name for 0, the background")
    every = sorted({value for of_name in values.values() for value in of_name})
    label_values = {names.get(value, f"label {value}"): value for value in every}
    if len(names) == len(values):
        return label_values, {}
    by_value = {value: name for name, value in label_values.items()}
    regions = {name: tuple(by_value[one] for one in of_name) for name, of_name in values.items()}
    return label_values, {name: region for name, region in regions.items() if values[name] != [0]}


class Ignored(NamedTuple):
    """The label value whose voxels nobody has annotated, and the dataset.json that says so."""

    value: int
    file: Path


def ignored_label(labels: Path) -> Ignored | None:
    """nnU-Net's label ``ignore`` of the dataset.json beside a label file, a folder of them, or one above, if any."""
    folders = [labels, labels.parent, *([labels.parent.parent] if labels.is_file() else [])]
    for folder in folders:
        try:
            value = json.loads((folder / "dataset.json").read_text(encoding="utf-8-sig"))["labels"]["ignore"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(value, int):
            return Ignored(value, folder / "dataset.json")
    return None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


LAYOUT = Layout(
    matches, index, "dataset.json with imagesTr and labelsTr (nnU-Net, Decathlon)", has_regions=True
)
