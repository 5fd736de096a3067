from pathlib import Path

import pytest

from seglossbench.data.cases import Case
from seglossbench.data.patients import EACH_ITS_OWN, in_words, patient_by_name, patients_of
from seglossbench.errors import InputError
from seglossbench.params import DatasetParams

RAW = Path("raw")


def case(name, place="labelsTr"):
    return Case(name, (), RAW / place / f"{name}.nii.gz", "MRI")


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("patient001_frame01", "patient001"),
        ("ACDC_patient001_frame01", "ACDC_patient001"),
        ("patient0001_2CH_ED", "patient0001"),
        ("Brats18_2013_0_1", "Brats18_2013_0"),
        ("BraTS19_TCIA01_131_1", "BraTS19_TCIA01_131"),
        ("BraTS-GLI-00005-001", "BraTS-GLI-00005"),
        ("BraTS-MET-00086-000", "BraTS-MET-00086"),
        ("sub-01_ses-1", "sub-01"),
        ("sub-01_ses-1_run-2", "sub-01"),
        ("sub-r001s003_ses-1", "sub-r001s003"),
        ("siteA_sub-01_ses-1", "siteA_sub-01"),
        ("PatientID_0003_Timepoint_1", "PatientID_0003"),
        ("UPENN-GBM-00001_21", "UPENN-GBM-00001"),
        ("UCSF-PDGM-0429_FU001d", "UCSF-PDGM-0429"),
        ("TCGA-02-0003_1998.06.08", "TCGA-02-0003"),
        ("002_S_0295_I45107", "002_S_0295"),
        ("OAS1_0001_MR1", "OAS1_0001"),
        ("OAS30001_MR_d0129", "OAS30001"),
        ("training01_02", "training01"),
        ("10000_1000000", "10000"),
        ("100001_00001", "100001"),
        ("fdg_0011f3deaf_03-23-2003", "fdg_0011f3deaf"),
        ("psma_95b833d65be26d2f_2018-05-01", "psma_95b833d65be26d2f"),
        ("case0005_slice012", "case0005"),
        ("A0S9V9_ED", "A0S9V9"),
        ("2_preRT", "2"),
        ("9000099_LEFT", "9000099"),
        ("12_baseline", "12"),
        ("12_followup2", "12"),
        ("007_visit2_slice3", "007"),
    ],
)
def test_usual_names_of_repeated_scans(name, patient):
    assert patient_by_name(name)[0] == patient


@pytest.mark.parametrize(
    "name",
    [
        *(
            "amos_0001",
            "BraTS20_Training_001",
            "BraTS2021_00495",
            "BRATS_001",
            "case_00001",
            "hippocampus_001",
        ),
        *("patient001", "sub-01", "FLARE22_Tr_0001", "s0011", "LIDC-IDRI-0001", "volume-12", "001", "2024"),
        *("CT_scan_01", "liver_slice_3", "101", "UCSF-PDGM-0004", "Prostate3T-01-0001", "la_007", "road_3"),
    ],
)
def test_a_name_of_a_single_scan_is_its_patient(name):
    assert patient_by_name(name) == (name, "")


def test_rule_and_counts_are_told_in_words():
    cases, rule = patients_of([case(f"patient{n}_frame{f}") for n in (1, 2) for f in (1, 9)], None, RAW)
    assert in_words(cases, rule).startswith("2 patients behind 4 cases (a word for a person and a number: ")
    cases, rule = patients_of([case("a")], None, RAW)
    assert in_words(cases, rule) == f"1 patient behind 1 case ({EACH_ITS_OWN})"


def test_a_pattern_of_ones_own_for_names_and_for_paths():
    cases = [case("x7a", "north/7"), case("x7b", "north/7"), case("x8a", "north/8"), case("x7c", "south/7")]

    def patients(pattern):
        return [one.patient for one in patients_of(cases, pattern, RAW)[0]]

    assert patients(r"x\d") == ["x7", "x7", "x8", "x7"]
    assert patients(r"x(\d)") == ["7", "7", "8", "7"]
    assert patients(r"(\w+/\d)/") == ["north/7", "north/7", "north/8", "south/7"]
    assert patients_of(cases, r"x\d", RAW)[1] == r"patient_pattern: x\d"
    with pytest.raises(
        InputError, match=r"patient_pattern: x7 finds no patient in x8a; let it fit every case"
    ):
        patients("x7")


def test_a_pattern_that_is_none_is_told_with_the_params():
    with pytest.raises(ValueError, match="no regular expression: missing"):
        DatasetParams(patient_pattern="(")
