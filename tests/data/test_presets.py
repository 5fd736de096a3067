import pytest

from seglossbench.data.preparation.presets import PRESETS, recipe
from seglossbench.errors import InputError
from seglossbench.params import PreprocessParams


def test_keys_of_the_params_are_laid_over_the_preset():
    preset = recipe(PreprocessParams(preset="monai"), "amos", "CT")
    assert (preset.spacing_mm, preset.ct_window_hu, preset.ct_range) == ((1.5, 1.5, 2.0), (-175, 250), (0, 1))
    own = recipe(PreprocessParams(preset="monai", spacing_mm="own", ct_window_hu=(0, 80)), "amos", "CT")
    assert (own.spacing_mm, own.ct_window_hu, own.ct_range) == ("own", (0, 80), (0, 1))


def test_a_preset_depends_on_layout_and_modality():
    paper_a = PreprocessParams(preset="paper_a")
    assert recipe(paper_a, "amos", "CT").spacing_mm == (1.5, 1.5, 2.0)
    assert recipe(paper_a, "amos", "CT").ct_window_hu == (-125, 275)
    brats = recipe(paper_a, "brats", "MRI")
    assert (brats.spacing_mm, brats.mri, brats.crop_to_nonzero) == ("own", "z_score_nonzero", True)
    assert recipe(PreprocessParams(preset="paper_b"), "kits", "CT").resize == (256, 256, None)
    assert recipe(PreprocessParams(preset="paper_b"), "acdc", "MRI").resize is None


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("modality", ["CT", "MRI"])
def test_what_is_learned_is_known_to_the_params(preset, modality):
    """The params must know it without the presets, because the split then counts for the prepared data's name."""
    settings = PreprocessParams(preset=preset)
    layouts = ("amos", "brats", "kits", "nnunet", "acdc")
    assert settings.learns == any(recipe(settings, layout, modality).learns(modality) for layout in layouts)


def test_the_exact_release_is_of_kits_alone():
    exact = PreprocessParams(preset="paper_b", kits_release="exact")
    assert recipe(exact, "kits", "CT").released_kits
    with pytest.raises(
        InputError, match=r"kits_release: exact is a way to prepare KiTS19, and this is brats"
    ):
        recipe(exact, "brats", "MRI")
