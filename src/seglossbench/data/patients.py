"""Whose scans the cases are, told by their names as the field writes them, or by a pattern of the user's.

A patient in train and in test would make every score too good, so a name that may be one of several scans of a person
counts as such: too few patients are told, and a pattern says what is right.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from seglossbench.data.cases import Case
from seglossbench.errors import InputError


class HasPatient(Protocol):
    """A case, raw or prepared, or the facts of one."""

    @property
    def patient(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Rule:
    """Names of which the first group is the patient and the rest the scan; ``looks`` shows one in words."""

    looks: str
    pattern: re.Pattern[str]


def _rule(looks: str, pattern: str) -> Rule:
    return Rule(looks, re.compile(pattern, re.IGNORECASE))


_DATE = r"(?:\d{4}[-.]\d{2}[-.]\d{2}|\d{2}[-.]\d{2}[-.]\d{4}|(?:19|20)\d{6})"
_VISIT = rf"(?:{_DATE}|(?:ses|session|visit|scan|run|study|exam|time[-_]?point|tp|day|week|month|year)[-_]?\d+[a-z]?)"
_STAGE = r"(?:baseline|follow[-_]?up[-_]?\d*|pre|post|(?:pre|mid|post)[-_]?(?:rt|op)|ed|es|left|right|[lr])"
_PIECE = r"(?:frame|phase|slice|sl|slc|volume|vol|part|crop|tile|patch)[-_]?\d+"
_SCAN_ALONE = re.compile(rf"(?:{_VISIT}|{_STAGE}|{_PIECE}|ses-\w+)(?:[-_.].*)?", re.IGNORECASE)

# The first that fits a whole name is taken, so what one dataset means stands before what many do.
RULES = (
    _rule("BraTS 2017 to 2019: Brats18_CBICA_AAB of Brats18_CBICA_AAB_1", r"(brats1[789]_.+)_\d+"),
    _rule("BraTS since 2023: BraTS-GLI-00005 of BraTS-GLI-00005-001", r"(brats-\w+-\d+)-\d+"),
    _rule("UPENN-GBM: UPENN-GBM-00001 of UPENN-GBM-00001_11", r"(upenn-gbm-\d+)[-_].+"),
    _rule("UCSF-PDGM: UCSF-PDGM-0429 of UCSF-PDGM-0429_FU001d", r"(ucsf-pdgm-\d+)[-_].+"),
    _rule("RHUH-GBM: RHUH-0001 of RHUH-0001_0", r"(rhuh-\d+)[-_].+"),
    _rule("TCGA: TCGA-02-0003 of TCGA-02-0003_1998.06.08", r"(tcga-\w{2}-\w{4})[-_.].+"),
    _rule("ADNI: 002_S_0295 of 002_S_0295_I45107", r"(\d{3}_s_\d{4})[-_.].+"),
    _rule("OASIS: OAS1_0001 of OAS1_0001_MR1", r"(oas[12]_\d{4}|oas\d{5})[-_.].+"),
    _rule("ISBI 2015: training01 of training01_02", r"((?:training|test)\d{2})_\d{2}(?:_.+)?"),
    _rule("PI-CAI and PANORAMA: 10000 of 10000_1000000", r"(\d{5})_\d{7}|(\d{6})_\d{5}"),
    _rule("BIDS: sub-01 of sub-01_ses-1", r"((?:.*[-_.])?sub-[a-z0-9]+)_.+"),
    _rule(
        "a word for a person and a number: patient001 of patient001_frame01",
        r"((?:.*[-_.])?(?:patient|pat|subject|subj|sub|participant|volunteer|person)(?:[-_]?id)?[-_]?\d+)[-_.].+",
    ),
    _rule(
        "a name with a number before what says which scan: case01 of case01_slice005, A1 of A1_2019-03-01",
        rf"(.*?\d.*?)(?:[-_.](?:{_VISIT}|{_STAGE}|{_PIECE}|ses-\w+))+",
    ),
)
EACH_ITS_OWN = "every case is a patient of its own: no name says that several are scans of one"


def patients_of(cases: Sequence[Case], pattern: str | None, folder: Path) -> tuple[tuple[Case, ...], str]:
    """The cases with their patients, and in words by which rule these were found.

    ``pattern`` is a regular expression that a case's name begins with, or with a slash in it the path of its labels
    below ``folder``; its first group is the patient, or all of it where it has none. Raises InputError that names a
    case that does not fit it.
    """
    if pattern is not None:
        expression = re.compile(pattern)
        found = [replace(case, patient=_by_pattern(case, expression, folder)) for case in cases]
        return tuple(found), f"patient_pattern: {pattern}"
    used: Counter[str] = Counter()
    found = []
    for case in cases:
        patient, rule = patient_by_name(case.name)
        used.update([rule] if rule else [])
        found.append(replace(case, patient=patient))
    return tuple(found), "; ".join(rule for rule, _ in used.most_common()) or EACH_ITS_OWN


def in_words(cases: Collection[HasPatient], rule: str) -> str:
    """How many patients stand behind how many cases, and by which rule."""
    patients = len({case.patient for case in cases})
    behind = f"{patients} patient{'s' * (patients != 1)} behind {len(cases)} case{'s' * (len(cases) != 1)}"
    return f"{behind} ({rule})" if rule else behind


def patient_by_name(name: str) -> tuple[str, str]:
    """The patient that a case's name tells, and the rule in words; the whole name and nothing where none fits."""
    for rule in RULES:
        if fits := rule.pattern.fullmatch(name):
            return next(group for group in fits.groups() if group), rule.looks
    return name, ""


def is_one_scan(name: str) -> bool:
    """Whether the name of a folder says which of a patient's scans it holds, and not whose, such as ``ses-1``."""
    return _SCAN_ALONE.fullmatch(name) is not None


def _by_pattern(case: Case, pattern: re.Pattern[str], folder: Path) -> str:
    name = case.labels.relative_to(folder).as_posix() if "/" in pattern.pattern else case.name
    fits = pattern.match(name)
    patient = fits and (fits[1] if pattern.groups else fits[0])
    if not patient:
        raise InputError(
            f"patient_pattern: {pattern.pattern} finds no patient in {name}; let it fit every case"
        )
    return patient
