"""The conventions that scores were made by, as a file beside them says, for those who read only the scores."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from seglossbench.errors import InputError
from seglossbench.files import write_json
from seglossbench.reporting.facts import Facts
from seglossbench.vocabulary.conventions import Conventions, explained

_MOST_NAMES = 4
_WORDS = {
    "hd95": "HD95",
    "empty": "empty masks",
    "distance_unit": "distances in",
    "ignored_label": "ignored label",
}


def conventions_file(scores: Path) -> Path:
    """Where the conventions of a table of scores are: ``scores.conventions.json`` beside ``scores.csv``."""
    named = scores if scores.name else scores.absolute()
    return named.with_name(f"{named.stem}.conventions.json")


def write_conventions(
    scores: Path, conventions: Conventions, classes: Mapping[str, Sequence[int]] | None = None
) -> None:
    """Write the conventions beside the table ``scores``, and the labels of ``classes`` that have names of their own."""
    write_json(conventions_file(scores), asdict(conventions) | ({"classes": classes} if classes else {}))


def read_classes(scores: Path) -> dict[str, tuple[int, ...]]:
    """The labels of the classes that are not called by their label, as they stand beside a table of scores."""
    try:
        stated = json.loads(conventions_file(scores).read_text(encoding="utf-8"))
        return {str(name): tuple(map(int, labels)) for name, labels in stated.get("classes", {}).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # a file of something else is told where its conventions are read


def read_conventions(scores: Path) -> Conventions | None:
    """The conventions beside a table of scores, if they are there; raises InputError for a file of something else."""
    file = conventions_file(scores)
    if not file.is_file():
        return None
    try:
        stated = json.loads(file.read_text(encoding="utf-8"))
        known = {field.name for field in fields(Conventions)}
        return Conventions(**{key: value for key, value in stated.items() if key in known})
    except (ValueError, TypeError, AttributeError):
        raise InputError(f"{file}: holds no conventions of scores; remove it, or score again") from None


def facts_of_scores(files: Sequence[Path]) -> Facts:
    """What a report of tables of scores says beside them; raises InputError for tables of different conventions."""
    stated = {file: found for file in files if (found := read_conventions(file))}
    unstated = [file.name for file in files if file not in stated]
    _refuse_differences(stated)
    conventions = {}
    for words, attribute in (
        ("Without prediction, scored as empty", "scored_as_empty"),
        ("Left out", "left_out"),
    ):
        cases = {file.name: getattr(found, attribute) for file, found in stated.items()}
        conventions[words] = "; ".join(f"{name}: {', '.join(of)}" for name, of in cases.items() if of)
    first = next(iter(stated.values()), None)
    if first and first.ignored_label is not None:
        conventions["Ignored"] = f"voxels whose truth is {first.ignored_label}"
    of_all = bool(first) and not unstated
    if first and unstated:
        conventions["Stated of some"] = (
            f"{', '.join(file.name for file in stated)}: HD95 {explained(first.hd95)}; empty masks "
            f"{explained(first.empty)}; distances in {first.distance_unit}. Not stated of {', '.join(unstated)}"
        )
    return Facts(
        experiment=_called(files),
        hd95=next((found.hd95 for found in stated.values() if found.hd95), "not asked for") if of_all else "",
        empty_policy=first.empty if first and of_all else "",
        distance_unit=first.distance_unit if first else "mm",
        conventions={words: text for words, text in conventions.items() if text},
    )


def _called(files: Sequence[Path]) -> str:
    """What the report of some files is called: by their names, and their folders' where names are alike."""
    names = [file.name for file in files]
    shown = [
        file.name if names.count(file.name) == 1 else f"{file.absolute().parent.name}/{file.name}"
        for file in files
    ]
    more = f" + {len(shown) - _MOST_NAMES} more" if len(shown) > _MOST_NAMES else ""
    return " + ".join(shown[:_MOST_NAMES]) + more


def _refuse_differences(stated: dict[Path, Conventions]) -> None:
    """Raise InputError where two tables follow conventions that must not stand in one table."""
    for attribute, words in _WORDS.items():
        values = {file: getattr(found, attribute) for file, found in stated.items()}
        if attribute == "hd95":
            values = {file: value for file, value in values.items() if value}
        for file, value in values.items():
            other, former = next(iter(values.items()))
            if value != former:
                raise InputError(
                    f"{other} and {file}: scored by different conventions: {words} {former} and {value}; "
                    "score them alike, or report them one by one"
                )
