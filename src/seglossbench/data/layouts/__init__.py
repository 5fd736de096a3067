"""The layouts of raw datasets: the cases of a folder by the layout that its params name, or that it looks like."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from seglossbench.data.cases import Case, CaseIndex, Problem
from seglossbench.data.layouts.layout import Layout
from seglossbench.data.patients import patients_of
from seglossbench.errors import InputError, nearest
from seglossbench.params import DatasetParams
from seglossbench.registry import LAYOUTS

__all__ = ["Layout", "index_cases", "register"]


def register(
    name: str,
    *,
    looks: str,
    matches: Callable[[Path], bool] = Path.is_dir,
    has_regions: bool = False,
) -> Callable[[Callable[[Path, DatasetParams], CaseIndex]], Layout]:
    """Name the layout that a function ``(folder, params) -> CaseIndex`` reads; see Layout for the rest."""

    def add(index: Callable[[Path, DatasetParams], CaseIndex]) -> Layout:
        layout = Layout(matches, index, looks, has_regions)
        LAYOUTS.add(name, layout, made_of=index)
        return layout

    return add


def index_cases(
    folder: Path, settings: DatasetParams | None = None, *, gather_problems: bool | None = None
) -> CaseIndex:
    """The labelled cases of a raw dataset, sorted by name, as the layout and the params describe them.

    Raises InputError for the first case that cannot be put together, unless ``gather_problems`` (by default, what
    ``on_bad_case`` says) leaves it out and lists it in ``problems``.
    """
    settings = settings or DatasetParams()
    if gather_problems is None:
        gather_problems = settings.on_bad_case == "skip"
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; download the dataset or give the folder that holds it")
    index = _layout(folder, settings).index(folder, settings)
    index = _described(_selected(index, folder, settings), settings)
    cases, rule = patients_of(index.cases, settings.patient_pattern, folder)
    index = replace(index, cases=cases, patients_by=rule)
    by_name: dict[str, Case] = {}
    problems = list(index.problems)
    for case in index.cases:
        if (first := by_name.setdefault(case.name, case)) is not case:
            problems.append(
                Problem(
                    case.name, "repeated name", case.labels, f"the case of {first.labels} is called so too"
                )
            )
    if problems and not gather_problems:
        others = f" ({len(problems) - 1} more problems: seglossbench check-data)" if len(problems) > 1 else ""
        raise InputError(f"{problems[0]}{others}; mend it, or leave such cases out by on_bad_case: skip")
    return replace(index, cases=tuple(by_name[name] for name in sorted(by_name)), problems=tuple(problems))


def _layout(folder: Path, settings: DatasetParams) -> Layout:
    wanted = settings.layout
    if wanted == "auto" and settings.channels:
        wanted = "patient_folders"
    if wanted != "auto":
        layout: Layout = LAYOUTS.load(wanted)
        if wanted == "patient_folders" or layout.matches(folder):
            return layout
        raise InputError(f"{folder}: holds no cases that can be read; expected {layout.looks}")
    layouts: list[Layout] = [LAYOUTS.load(name) for name in LAYOUTS.own]
    for layout in layouts:
        if layout.matches(folder):
            return layout
    expected = " or ".join(layout.looks for layout in layouts)
    raise InputError(f"{folder}: holds no cases that can be read; expected {expected}")


def _selected(index: CaseIndex, folder: Path, settings: DatasetParams) -> CaseIndex:
    """The index of the cases that ``select`` asks for; raises InputError if there are none."""

    def chosen(name: str, place: Path) -> bool:
        pattern = settings.select
        if pattern is None or fnmatchcase(name, pattern):
            return True
        return "/" in pattern and place.relative_to(folder).match(pattern)

    cases = tuple(case for case in index.cases if chosen(case.name, case.labels.parent))
    problems = tuple(problem for problem in index.problems if chosen(problem.case, problem.file))
    if not cases and not problems:
        raise InputError(
            f"{folder}: none of its {len(index.cases)} cases fits select: {settings.select}; give a pattern of a "
            "case's name, or of the end of its folder with a slash in it"
            if index.cases
            else f"{folder}: holds no labelled case"
        )
    return replace(index, cases=cases, problems=problems)


def _described(index: CaseIndex, settings: DatasetParams) -> CaseIndex:
    """The index with the classes, regions and modality that the params give instead of the layout's."""
    label_values, regions = index.label_values, index.regions
    if settings.classes is not None:
        label_values = {"background": 0, **settings.classes}
        regions = {name: region for name, region in regions.items() if label_values.keys() >= set(region)}
    if settings.regions is not None:
        regions = {
            name: tuple(_class_name(member, label_values, name) for member in members)
            for name, members in settings.regions.items()
        }
    cases = index.cases
    if settings.modality is not None:
        cases = tuple(replace(case, modality=settings.modality) for case in cases)
    return replace(index, label_values=label_values, regions=regions, cases=cases)


def _class_name(member: str | int, label_values: Mapping[str, int], region: str) -> str:
    """A class by its name or by its value."""
    by_value = {value: name for name, value in label_values.items()}
    if member in label_values:
        return str(member)
    if member in by_value:
        return by_value[int(member)]
    known = [f"{name} ({value})" for name, value in label_values.items()]
    raise InputError(f"regions.{region}: no class {member!r}; {nearest(str(member), known)}")
