"""The params of datasets: where they come from, how their cases are prepared and divided."""

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from seglossbench.errors import nearest
from seglossbench.params.section import (
    AnyName,
    BelowOne,
    Fraction,
    Name,
    PathText,
    Positive,
    Section,
    Sizes,
    named_in,
)
from seglossbench.registry import FORMATS, LAYOUTS, PHANTOMS, SPLITS


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class PhantomParams(Section):
    """A synthetic dataset that is written as an archive in the layout of a real one.

    ``discs``, in nnU-Net's layout, is difficult as its last three keys say: dials of mechanisms.
    """

    DIALS: ClassVar[tuple[str, ...]] = ("disc_share", "empty_share", "rim_noise")

    layout: Annotated[str, named_in(PHANTOMS)]
    training: Positive
    test: Positive
    shape: tuple[Positive, Positive, Positive]
    mri_fraction: Fraction = 0.25  # of the AMOS phantom's cases
    seed: int = 0
    disc_share: Annotated[float, Field(gt=0, le=0.3)] = 0.1  # of the pixels of a slice that has a disc
    empty_share: BelowOne = 0.0  # of the slices, which have none
    rim_noise: Annotated[float, Field(ge=0)] = 0.0  # in pixels, of the edges that are drawn for training

    @property
    def dials(self) -> dict[str, float]:
        """What makes the discs difficult, by its key."""
        return {name: float(getattr(self, name)) for name in self.DIALS}


class PreprocessParams(Section):
    """How a case becomes the tensor that a network sees: a preset, and what is to differ from it.

    Where a key is null, it is as the preset says for the dataset's layout and the case's modality. What each preset is
    and where it comes from: docs/preprocessing.md.
    """

    preset: Literal["plain", "paper_a", "paper_b", "nnunet", "monai"] = "plain"
    orientation: Literal["RAS", "raw"] | None = None
    crop_to_nonzero: bool | None = None
    # median_in_plane: each case keeps its slices
    spacing_mm: Sizes | Literal["own", "median", "median_in_plane"] | None = None
    centre_crop: Annotated[tuple[Positive | None, ...], Field(min_length=2, max_length=3)] | None = None
    resize: Annotated[tuple[Positive | None, ...], Field(min_length=2, max_length=3)] | None = None
    image_interpolation: Literal["linear", "cubic"] | None = None
    label_interpolation: Literal["nearest", "linear"] | None = None
    anisotropy_ratio: Annotated[float, Field(gt=1)] | None = None
    ct: Literal["window", "window_z_score", "foreground"] | None = None
    ct_window_hu: tuple[float, float] | None = None
    ct_range: tuple[float, float] | None = None
    mri: Literal["z_score_nonzero", "z_score", "z_score_where_cropped"] | None = None
    # of the z-score: where the channel, or any one, is not 0
    mask: Literal["of_channel", "of_case"] | None = None
    clip_percentiles: tuple[float, float] | None = None
    normalise_first: bool | None = None  # before respacing, or after it
    kits_release: Literal["corrected", "exact"] = "corrected"

    @property
    def learns(self) -> bool:
        """Whether something is learned from the training cases, so that the split decides how cases are prepared."""
        return (
            self.preset in ("nnunet", "paper_b")
            or self.spacing_mm in ("median", "median_in_plane")
            or self.ct == "foreground"
            or self.mri == "z_score_where_cropped"
        )


class PublishedParams(Section):
    """Scores that others published for the same test cases, which the report shows beside ours."""

    format: Annotated[str, named_in(FORMATS)]
    folder: str  # somewhere below the raw data
    losses: dict[str, str] = Field(default={})  # their name of a loss: ours
    source: str = ""  # who published them, where
    protocol: dict[str, str] = Field(default={})  # how theirs were made


class DatasetParams(Section):
    """Where a dataset comes from (a phantom, a source, a folder of yours) and how its cases are divided."""

    phantom: PhantomParams | None = None
    folder: PathText | None = None
    source: Name | None = None  # of the catalogue: seglossbench list sources
    route: Literal["auto", "http", "kaggle", "synapse", "git"] = "auto"
    # an address, an archive or a folder that serves in place of the source's routes
    origin: PathText | None = None
    accept_licence: bool = False  # of the source
    layout: Annotated[str, named_in(LAYOUTS, "auto")] = "auto"
    select: str | None = None  # only cases whose name fits the pattern, or the end of their folder: HGG/*
    modality: Literal["CT", "MRI", "RGB"] | None = None  # these three instead of what the layout says
    classes: dict[AnyName, Positive] | None = None  # their values in the files, in the order of class indices
    regions: dict[AnyName, tuple[str | int, ...]] | None = None  # each by the names or values of its classes
    channels: dict[str, str] | None = None  # of patient_folders: how the name of each channel's file ends
    labels_suffix: str = "_seg"  # and that of the labels
    # what of a case's name is the patient, where the usual names do not tell
    patient_pattern: Pattern | None = None
    # skip: leave out what cannot be prepared, and say so in the report
    on_bad_case: Literal["fail", "skip"] = "fail"
    split: Annotated[str, named_in(SPLITS, "auto")] = "auto"
    # JSON or YAML with the names of each part, or nnU-Net's splits_final.json
    split_file: PathText | None = None
    split_seed: int = 0
    folds: Annotated[int, Field(ge=2)] = 5
    fold: Annotated[int, Field(ge=0)] = 0  # the one to test on
    test_fraction: Fraction = 0.25
    validation_fraction: Fraction = 0.2
    published: PublishedParams | None = None
    preprocess: dict[str, Any] = Field(default={})  # what this dataset changes of the section preprocess
    maps: dict[str, Any] = Field(default={})  # of the section maps
    train: dict[str, Any] = Field(default={})  # and of the section train
    evaluate: dict[str, Any] = Field(default={})  # and of the section evaluate

    @model_validator(mode="after")
    def _is_one_place(self) -> "DatasetParams":
        places = [name for name in ("phantom", "folder", "source") if getattr(self, name) is not None]
        if len(places) > 1:
            raise ValueError(f"give one of {' and '.join(places)}")
        if self.source is None and (self.origin is not None or self.route != "auto"):
            raise ValueError("origin and route are those of a source; give the source's name, too")
        return self

    @model_validator(mode="after")
    def _split_can_be(self) -> "DatasetParams":
        if self.split_file is not None and self.split not in ("auto", "file"):
            raise ValueError(f"a split_file is of split: file or auto, and split is {self.split}")
        if self.split_file is None and self.split == "file":
            raise ValueError("split: file needs a split_file, with the names of each part")
        if self.split == "k_fold" and self.fold >= self.folds:
            raise ValueError(f"no fold {self.fold} of {self.folds}; folds count from 0")
        return self

    @model_validator(mode="after")
    def _regions_are_of_classes(self) -> "DatasetParams":
        if self.classes is None:
            return self
        known = {"background": 0, **self.classes}
        for region, members in (self.regions or {}).items():
            for member in members:
                if member not in known and member not in known.values():
                    raise ValueError(
                        f"regions.{region}: no class {member!r}; {nearest(str(member), list(known))}"
                    )
        return self
