"""A folder per patient with a file per modality, told apart by how their names end."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from seglossbench.data.cases import Case, CaseIndex, Problem, image_folders, image_stem
from seglossbench.data.layouts.layout import Layout
from seglossbench.data.patients import is_one_scan
from seglossbench.errors import InputError
from seglossbench.params import DatasetParams

Endings = tuple[str, ...]


def index(folder: Path, settings: DatasetParams) -> CaseIndex:
    """The cases by the endings and classes that the params give; raises InputError where they give none."""
    if not settings.channels or not settings.classes:
        raise InputError(
            f"{folder}: layout patient_folders: say channels and classes of the dataset in the params, such as "
            "channels: {t1: _t1, flair: _flair} and classes: {tumour: 1}"
        )
    channels = {name: (ending,) for name, ending in settings.channels.items()}
    cases, problems = find_cases(folder, channels, (settings.labels_suffix,))
    return CaseIndex("patient_folders", tuple(channels), settings.classes, cases, problems=problems)


def find_cases(
    folder: Path, channels: Mapping[str, Endings], labels: Endings
) -> tuple[tuple[Case, ...], tuple[Problem, ...]]:
    """One case for each folder that holds a channel's file, named by that folder.

    Where no sibling of a folder has labels, all of them are a part that was published without, and no problem.
    """
    endings = {**channels, "labels": labels}
    any_channel = tuple(ending for of_channel in channels.values() for ending in of_channel)
    parts: dict[Path, dict[Path, dict[str, list[Path]]]] = {}
    for place, files in image_folders(folder):
        stems = [image_stem(file) for file in files]
        if any(stem.endswith(any_channel) for stem in stems):
            parts.setdefault(_part_of(place), {})[place] = {
                name: [file for file, stem in zip(files, stems, strict=True) if stem.endswith(of_file)]
                for name, of_file in endings.items()
            }
    found = {
        place: files
        for part in parts.values()
        if any(files["labels"] for files in part.values())
        for place, files in part.items()
    }
    cases: list[Case] = []
    problems: list[Problem] = []
    for place, name in case_names(tuple(found), folder).items():
        of_case = found[place]
        if wrong := _problems(name, place, of_case, endings):
            problems += wrong
        else:
            images = tuple(of_case[channel][0] for channel in channels)
            cases.append(Case(name, images, of_case["labels"][0], "MRI"))
    return tuple(cases), tuple(problems)


def case_names(places: Sequence[Path], folder: Path) -> dict[Path, str]:
    """A name for the case of each folder below ``folder``: the folder's own, where that tells them apart.

    A folder called by a visit alone (ses-1, 2019-03-01) is called after the one above, too, and where names repeat, as
    of two sites that both count from 001, every case is called after as many folders above as it takes.
    """
    parts = {place: place.relative_to(folder).parts or (folder.name,) for place in places}
    deepest = max(map(len, parts.values()), default=1)
    names: dict[Path, str] = {}
    for depth in range(1, deepest + 1):
        names = {
            place: "_".join(of_place[-max(depth, 1 + is_one_scan(place.name)) :])
            for place, of_place in parts.items()
        }
        if len(set(names.values())) == len(names):
            break
    return names


def _part_of(place: Path) -> Path:
    """The folder of the patients that one with images is of; it may be that of a patient's visit."""
    return place.parent.parent if is_one_scan(place.name) else place.parent


def _problems(
    case: str, place: Path, found: Mapping[str, Sequence[Path]], endings: Mapping[str, Endings]
) -> list[Problem]:
    return [
        Problem(
            case,
            f"missing {'labels' if name == 'labels' else 'modality'}" if not files else "ambiguous files",
            place,
            f"expected one file for {name} (its name ends in {' or '.join(endings[name])}), found {len(files)}",
        )
        for name, files in found.items()
        if len(files) != 1
    ]


LAYOUT = Layout(
    lambda folder: False,  # only the params can say how its files' names end
    index,
    "a folder per patient with files that end as the dataset's channels in params say",
)
