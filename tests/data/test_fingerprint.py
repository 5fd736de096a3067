from dataclasses import replace

import numpy as np
import pytest

from seglossbench.data.cases import Case, CaseIndex
from seglossbench.data.preparation.learning import case_facts, learn, target_spacing
from seglossbench.data.preparation.preprocessing import preprocess_dataset
from seglossbench.data.preparation.presets import Recipe
from seglossbench.data.prepared import PreparedDataset
from seglossbench.errors import InputError
from seglossbench.params import PreprocessParams

VALUES = {"background": 0, "organ": 1}


@pytest.fixture
def scan(tmp_path, write_nifti):
    """A function that writes a CT of one organ of 1000 voxels with the HU given, and air around it."""

    def write(name, organ_hu, spacing=(1, 1, 2)):
        image, labels = np.full((20, 20, 10), -1000, np.int16), np.zeros((20, 20, 10), np.uint8)
        image[:10, :10] = organ_hu
        labels[:10, :10] = 1
        affine = np.diag([*spacing, 1.0])
        files = (tmp_path / f"{name}.nii", image), (tmp_path / f"{name}_seg.nii", labels)
        image_file, labels_file = (write_nifti(file, array, affine) for file, array in files)
        return Case(name, (image_file,), labels_file, "CT")

    return write


def test_foreground_alone_is_learned_from(scan):
    hu = np.arange(1000).reshape(10, 10, 10)
    facts = [case_facts(scan("a", hu), VALUES, 1, Recipe(ct="foreground"))]
    found = learn(Recipe(ct="foreground"), "CT", facts).foreground[0]
    np.testing.assert_allclose((found.low, found.high), np.percentile(hu, (0.5, 99.5)))
    np.testing.assert_allclose((found.mean, found.sd), (hu.mean(), hu.std()))


def test_test_cases_have_no_say(scan, tmp_path):
    cases = tuple(
        scan(name, hu, (1, 1, thick)) for name, hu, thick in (("a", 40, 2), ("b", 60, 2), ("c", 900, 5))
    )
    index = CaseIndex("amos", ("CT",), VALUES, cases)
    settings = PreprocessParams(ct="foreground", spacing_mm="median")
    folder = tmp_path / "prepared" / "x"
    preprocess_dataset(
        index, settings, folder, "x", raw=tmp_path, learn_from=("a", "b"), known=tmp_path / "known"
    )
    prepared = PreparedDataset(folder).cases
    # Mean 50 and deviation 10 of the organs of a and b; the test case is clipped to what these two have.
    organ = {name: float(case.image[0, 5, 5, 0]) for name, case in prepared.items()}
    assert organ == {"a": -1, "b": 1, "c": 1}
    assert prepared["c"].geometry.spacing_mm == (1, 1, 2)


def test_without_a_training_case_there_is_nothing_to_learn_from(scan, tmp_path):
    """CT alone trains, so that nothing tells how MRI is to be prepared: test cases may not."""
    cases = (scan("a", 40), replace(scan("b", 60), modality="MRI"))
    index = CaseIndex("amos", ("image",), VALUES, cases)
    with pytest.raises(InputError, match=r"datasets\.x: none of its MRI cases trains.*preprocess\.preset"):
        preprocess_dataset(
            index,
            PreprocessParams(preset="nnunet"),
            tmp_path / "prepared" / "x",
            "x",
            raw=tmp_path,
            learn_from=("a",),
            known=tmp_path / "known",
        )


def test_intensities_are_kept_of_ct_alone(scan):
    recipe = Recipe(ct="foreground", spacing_mm="median")
    assert "intensities" in case_facts(scan("a", 40), VALUES, 1, recipe)
    assert "intensities" not in case_facts(replace(scan("a", 40), modality="MRI"), VALUES, 1, recipe)


@pytest.mark.parametrize(("kept", "expected"), [(0.7, "z_score_nonzero"), (0.8, "z_score")])
def test_a_mask_is_used_where_cropping_leaves_little(kept, expected):
    facts = [{"kept": share} for share in (0.1, kept, 0.99)]
    assert learn(Recipe(mri="z_score_where_cropped"), "MRI", facts).mri == expected


def test_target_spacing_by_hand():
    isotropic = np.array([[1, 1, 1], [2, 2, 2], [3, 3, 2.5]])
    assert target_spacing(isotropic, np.full((3, 3), 100)) == (2, 2, 2)
    thick = np.array([[1, 1, size] for size in np.linspace(4, 14, 11)])
    assert target_spacing(thick, np.tile([200, 200, 20], (11, 1))) == (1, 1, 5)  # percentile 10, not 9
    assert target_spacing(thick, np.tile([200, 200, 100], (11, 1))) == (1, 1, 9)  # many slices
