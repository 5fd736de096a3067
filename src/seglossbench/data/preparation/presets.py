"""How a case is prepared: presets as data (their sources: docs/preprocessing.md) and the params laid over them."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from seglossbench.data.cases import Modality
from seglossbench.errors import InputError
from seglossbench.params import PreprocessParams


@dataclass(frozen=True)
class Foreground:
    """Of a channel's voxels inside any class but the background: percentiles 0.5 and 99.5, mean and deviation."""

    low: float
    high: float
    mean: float
    sd: float


@dataclass(frozen=True)
class Recipe:
    """All that decides how the cases of one modality are prepared; the keys are those of the params' preprocess."""

    orientation: Literal["RAS", "raw"] = "RAS"
    crop_to_nonzero: bool = False
    spacing_mm: tuple[float | None, ...] | Literal["own", "median", "median_in_plane"] = "own"
    """None along an axis means: the case's own, as along that of the slices, which ``median_in_plane`` leaves alone."""
    centre_crop: tuple[int | None, ...] | None = None
    resize: tuple[int | None, ...] | None = None
    image_interpolation: Literal["linear", "cubic"] = "linear"
    label_interpolation: Literal["nearest", "linear"] = "nearest"
    anisotropy_ratio: float = float("inf")
    ct: Literal["window", "window_z_score", "foreground"] = "window"
    ct_window_hu: tuple[float, float] = (-125.0, 275.0)
    ct_range: tuple[float, float] = (-1.0, 1.0)
    mri: Literal["z_score_nonzero", "z_score", "z_score_where_cropped"] = "z_score_nonzero"
    mask: Literal["of_channel", "of_case"] = "of_channel"
    """Where MRI is z-scored: in the voxels where its channel is not 0; or where any is not, and in holes of that."""
    clip_percentiles: tuple[float, float] | None = None
    normalise_first: bool = False
    """Whether intensities are normalised before respacing, as nnU-Net 2 does, or after it, as version 1."""
    released_kits: bool = False
    """Whether the case is altered as paper B's released code alters KiTS19 before anything else."""
    foreground: tuple[Foreground, ...] | None = None
    """Of each channel, over the training cases; there where ``ct`` is ``foreground``."""

    def learns(self, modality: Modality) -> bool:
        """Whether a value is still to be found from the training cases."""
        return (
            self.learns_spacing
            or self.learns_foreground(modality)
            or (modality == "MRI" and self.mri == "z_score_where_cropped")
        )

    def has_case_mask(self, modality: Modality) -> bool:
        """Whether all channels are z-scored in one mask of the case."""
        return modality == "MRI" and self.mri == "z_score_nonzero" and self.mask == "of_case"

    @property
    def learns_spacing(self) -> bool:
        """Whether the voxel size is still to be found from the training cases."""
        return isinstance(self.spacing_mm, str) and self.spacing_mm != "own"

    def learns_foreground(self, modality: Modality) -> bool:
        """Whether the intensities of the foreground are still to be found from the training cases."""
        return modality == "CT" and self.ct == "foreground" and self.foreground is None


NNUNET: dict[str, Any] = {
    "orientation": "raw",
    "crop_to_nonzero": True,
    "spacing_mm": "median",
    "image_interpolation": "cubic",
    "label_interpolation": "linear",
    "anisotropy_ratio": 3.0,
    "ct": "foreground",
    "mri": "z_score_where_cropped",
    "mask": "of_case",
    "normalise_first": True,
}
# As version 1.6.6 prepares for 2D networks, by which paper B trains.
NNUNET_2D = NNUNET | {"spacing_mm": "median_in_plane", "normalise_first": False}
ABDOMEN: dict[str, Any] = {"crop_to_nonzero": True, "spacing_mm": (1.5, 1.5, 2.0), "ct_range": (0.0, 1.0)}
PELVIS: dict[str, Any] = {
    "spacing_mm": (2.0, 2.0, 2.0),
    "centre_crop": (192, 144, None),
    "ct": "window_z_score",
    "ct_window_hu": (-500.0, 1000.0),
}
# By preset, and then for cases of a modality or of a layout, the later one laid over the earlier one.
PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "plain": {"MRI": {"crop_to_nonzero": True}},
    "paper_a": {"MRI": {"crop_to_nonzero": True}, "amos": ABDOMEN, "pengwin": PELVIS},
    "monai": {
        "CT": ABDOMEN | {"ct_window_hu": (-175.0, 250.0)},
        "MRI": {"crop_to_nonzero": True},
        "brats": {"spacing_mm": (1.0, 1.0, 1.0)},
        "amos": {"spacing_mm": (1.5, 1.5, 2.0)},
    },
    "nnunet": {"CT": NNUNET, "MRI": NNUNET},
    "paper_b": {
        "CT": NNUNET_2D,
        "MRI": NNUNET_2D,
        "kits": {"orientation": "RAS", "spacing_mm": "own", "resize": (256, 256, None)},
    },
}


def recipe(settings: PreprocessParams, layout: str, modality: Modality) -> Recipe:
    """What the settings mean for the cases of a modality in a dataset of that layout.

    A key that the settings give is laid over the preset's. Raises InputError for paper B's release of another set.
    """
    preset = PRESETS[settings.preset]
    chosen: dict[str, Any] = {}
    for group in (modality, layout):
        chosen |= preset.get(group, {})
    own = {field.name for field in fields(Recipe)} & PreprocessParams.model_fields.keys()
    chosen |= {name: value for name in own if (value := getattr(settings, name)) is not None}
    made = Recipe(**chosen)
    if settings.kits_release == "corrected":
        return made
    if layout != "kits":
        raise InputError(f"preprocess.kits_release: exact is a way to prepare KiTS19, and this is {layout}")
    # The released code resizes, and leaves the rest to nnU-Net, which believes the affine of the full-size scan.
    spacing = settings.spacing_mm or (
        NNUNET_2D["spacing_mm"] if settings.preset == "paper_b" else made.spacing_mm
    )
    return replace(made, released_kits=True, resize=None, spacing_mm=spacing, orientation="raw")
