"""A folder per patient with a file per modality, told apart by how their names end."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from seglossbench.data.cases import Case, CaseIndex, Problem, image_folders, image_stem
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
    folder: Path,
    channels: Mapping[str, Endings],
    labels: Endings,
    patient_of: Callable[[str], str] = str,
) -> tuple[tuple[Case, ...], tuple[Problem, ...]]:
    """One case for each folder that holds a channel's file, named by that folder.

    Where no sibling of a folder has labels, all of them are a part that was published without, and no problem.
    """
    any_channel = tuple(ending for endings in channels.values() for ending in endings)
    parts: dict[Path, list[Case | list[Problem]]] = {}
    labelled = set()
    for patient, files in image_folders(folder):
        stems = [image_stem(file) for file in files]
        if not any(stem.endswith(any_channel) for stem in stems):
            continue
        found = {
            name: [file for file, stem in zip(files, stems, strict=True) if stem.endswith(endings)]
            for name, endings in {**channels, "labels": labels}.items()
        }
        if found["labels"]:
            labelled.add(patient.parent)
        problems = _problems(patient, found, {**channels, "labels": labels})
        parts.setdefault(patient.parent, []).append(
            problems
            or Case(
                patient.name,
                tuple(found[name][0] for name in channels),
                found["labels"][0],
                "MRI",
                patient=patient_of(patient.name),
            )
        )
    all_cases = [case for part, cases in parts.items() if part in labelled for case in cases]
    return (
        tuple(case for case in all_cases if isinstance(case, Case)),
        tuple(problem for case in all_cases if not isinstance(case, Case) for problem in case),
    )


def _problems(
    patient: Path, found: Mapping[str, Sequence[Path]], endings: Mapping[str, Endings]
) -> list[Problem]:
    return [
        Problem(
            patient.name,
            f"missing {'labels' if name == 'labels' else 'modality'}" if not files else "ambiguous files",
            patient,
            f"expected one file for {name} (its name ends in {' or '.join(endings[name])}), found {len(files)}",
        )
        for name, files in found.items()
        if len(files) != 1
    ]
