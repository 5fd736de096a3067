"""What params.yaml and experiments/*.yaml may say: every key typed, every unknown key an error that names it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from seglossbench.errors import InputError, nearest

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
BelowOne = Annotated[float, Field(ge=0, lt=1)]
Sizes = Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=2, max_length=3)]
Size = Annotated[tuple[Positive, ...], Field(min_length=2, max_length=3)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]


class Section(BaseModel):
    """A section of the params: no unknown keys, no later change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class GridParams(Section):
    """Which runs there are: every dataset x network x loss x seed."""

    datasets: Annotated[tuple[Name, ...], Field(min_length=1)]
    networks: Annotated[tuple[Name, ...], Field(min_length=1)]
    losses: Annotated[tuple[Name, ...], Field(min_length=1)]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]


class PhantomParams(Section):
    """A synthetic dataset that is written as an archive in the layout of a real one."""

    layout: Literal["brats", "amos"]
    training: Positive
    test: Positive
    shape: tuple[Positive, Positive, Positive]
    mri_fraction: Fraction = 0.25  # of the AMOS phantom's cases
    seed: int = 0


class PreprocessParams(Section):
    """How a case becomes the tensor that a network sees: a preset, and what is to differ from it.

    Where a key is null, it is as the preset says for the dataset's layout and the case's modality. What each preset is
    and where it comes from: docs/preprocessing.md.
    """

    preset: Literal["plain", "paper_a", "paper_b", "nnunet", "monai"] = "plain"
    orientation: Literal["RAS", "raw"] | None = None
    crop_to_nonzero: bool | None = None
    spacing_mm: Sizes | Literal["own", "median"] | None = None
    resize: Annotated[tuple[Positive | None, ...], Field(min_length=2, max_length=3)] | None = None
    image_interpolation: Literal["linear", "cubic"] | None = None
    label_interpolation: Literal["nearest", "linear"] | None = None
    anisotropy_ratio: Annotated[float, Field(gt=1)] | None = None
    ct: Literal["window", "foreground"] | None = None
    ct_window_hu: tuple[float, float] | None = None
    ct_range: tuple[float, float] | None = None
    mri: Literal["z_score_nonzero", "z_score", "z_score_where_cropped"] | None = None
    clip_percentiles: tuple[float, float] | None = None
    kits_release: Literal["corrected", "exact"] = "corrected"

    @property
    def learns(self) -> bool:
        """Whether something is learned from the training cases, so that the split decides how cases are prepared."""
        return (
            self.preset in ("nnunet", "paper_b")
            or self.spacing_mm == "median"
            or self.ct == "foreground"
            or self.mri == "z_score_where_cropped"
        )


class PublishedParams(Section):
    """Scores that others published for the same test cases, which the report shows beside ours."""

    format: Literal["topomortar"]
    folder: str  # somewhere below the raw data
    losses: dict[str, str] = {}  # their name of a loss: ours
    source: str = ""  # who published them, where
    protocol: dict[str, str] = {}  # how theirs were made


class DatasetParams(Section):
    """Where a dataset comes from (a phantom, a source, a folder of yours) and how its cases are divided."""

    phantom: PhantomParams | None = None
    folder: str | None = None
    source: Name | None = None  # of the catalogue: seglossbench list sources
    route: Literal["auto", "http", "kaggle", "synapse", "git"] = "auto"
    origin: str | None = (
        None  # an address, an archive or a folder that serves in place of the source's routes
    )
    accept_licence: bool = False  # of the source
    layout: Literal[
        "auto", "amos", "msd_brain_tumour", "nnunet", "acdc", "kits", "brats", "topomortar", "patient_folders"
    ] = "auto"
    select: str | None = None  # only cases whose name fits the pattern, or the end of their folder: HGG/*
    modality: Literal["CT", "MRI", "RGB"] | None = None  # these three instead of what the layout says
    classes: dict[str, Positive] | None = None  # their values in the files, in the order of class indices
    regions: dict[str, tuple[str | int, ...]] | None = None  # each by the names or values of its classes
    channels: dict[str, str] | None = None  # of patient_folders: how the name of each channel's file ends
    labels_suffix: str = "_seg"  # and that of the labels
    on_bad_case: Literal["fail", "skip"] = (
        "fail"  # skip: leave out what cannot be prepared, and say so in the report
    )
    split: Literal["auto", "official", "alternating", "even_odd", "k_fold", "hold_out", "file"] = "auto"
    split_file: str | None = None  # JSON or YAML with the names of each part, or nnU-Net's splits_final.json
    split_seed: int = 0
    folds: Annotated[int, Field(ge=2)] = 5
    fold: Annotated[int, Field(ge=0)] = 0  # the one to test on
    test_fraction: Fraction = 0.25
    validation_fraction: Fraction = 0.2
    published: PublishedParams | None = None
    preprocess: dict[str, Any] = {}  # what this dataset changes of the section preprocess
    train: dict[str, Any] = {}  # and of the section train

    @model_validator(mode="after")
    def _is_one_place(self) -> "DatasetParams":
        places = [name for name in ("phantom", "folder", "source") if getattr(self, name) is not None]
        if len(places) > 1:
            raise ValueError(f"give one of {' and '.join(places)}")
        if self.source is None and (self.origin is not None or self.route != "auto"):
            raise ValueError("origin and route are those of a source; give the source's name, too")
        return self


class MapsParams(Section):
    """The maps that losses read: of the whole volume (cached) or of each patch, and in which units."""

    scope: Literal["volume", "patch"] = "volume"
    contour_kernel: Literal[2, 3] = 3
    distance_units: Literal["voxels", "mm"] = "voxels"


class OptimiserParams(Section):
    """The optimiser by its name in torch.optim, with its options; SGD has Nesterov momentum."""

    name: Literal["Adam", "AdamW", "SGD"] = "AdamW"
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-5
    betas: tuple[BelowOne, BelowOne] = (0.9, 0.999)  # of Adam and AdamW
    momentum: Fraction = 0.99  # of SGD


class ScheduleParams(Section):
    """The learning rate by epoch: a warm-up, then a decay by its name."""

    name: Literal["constant", "poly", "cosine", "step"] = "poly"
    power: Annotated[float, Field(gt=0)] = 0.9  # of poly
    milestones: tuple[Positive, ...] = ()  # of step: the epochs from which on the rate is multiplied by
    factor: Annotated[float, Field(gt=0, le=1)] = 0.5
    warm_up_epochs: Annotated[int, Field(ge=0)] = 0
    warm_up_from: Annotated[float, Field(ge=0)] | None = None  # a rate; none means: a tenth of the whole

    @model_validator(mode="after")
    def _steps_ascend(self) -> "ScheduleParams":
        if (self.name == "step") != bool(self.milestones):
            raise ValueError("milestones belong to the schedule step, which needs some")
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError("milestones must ascend")
        return self


class ChanceParams(Section):
    """How often something is changed, and the range from which its strength is drawn."""

    probability: Fraction
    range: tuple[float, float]


# nnU-Net's, of its versions 1 and 2; a 2D patch turns further: rotation_degrees [-180, 180].
_NNUNET: dict[str, Any] = {
    "flip_axes": "all",
    "rotation_degrees": {"probability": 0.2, "range": (-30.0, 30.0)},
    "scale": {"probability": 0.2, "range": (0.7, 1.4)},
    "noise_variance": {"probability": 0.1, "range": (0.0, 0.1)},
    "blur_sigma": {"probability": 0.2, "range": (0.5, 1.0)},
    "brightness": {"probability": 0.15, "range": (0.75, 1.25)},
    "contrast": {"probability": 0.15, "range": (0.75, 1.25)},
    "low_resolution": {"probability": 0.25, "range": (0.5, 1.0)},
    "inverted_gamma": {"probability": 0.1, "range": (0.7, 1.5)},
    "gamma": {"probability": 0.3, "range": (0.7, 1.5)},
}
_AUGMENTATIONS: dict[str, dict[str, Any]] = {"none": {}, "flip": {"flip_axes": "all"}, "nnunet": _NNUNET}


NO_VOLUME_MAPS = (
    "maps of the whole volume cannot be turned or scaled with a patch; set maps.scope to patch, or rotation_degrees "
    "and scale to a probability of 0"
)


class AugmentationParams(Section):
    """How training patches are changed at random: a preset, and what is to be other than in it.

    An option that is not given is as the preset says; a probability of 0 switches it off.
    """

    preset: Literal["none", "flip", "nnunet"] = "flip"
    flip_axes: Literal["all"] | tuple[Literal[0, 1, 2], ...] | None = None  # of the patch
    rotation_degrees: ChanceParams | None = None  # about every axis
    scale: ChanceParams | None = None  # above 1 the patch shows more than its size
    noise_variance: ChanceParams | None = None
    blur_sigma: ChanceParams | None = None  # in voxels, of every other channel
    brightness: ChanceParams | None = None  # a factor
    contrast: ChanceParams | None = None  # a factor of the distance to the mean
    low_resolution: ChanceParams | None = None  # the part of the voxels that is left, of every other channel
    inverted_gamma: ChanceParams | None = None
    gamma: ChanceParams | None = None

    def resolved(self) -> "AugmentationParams":
        """The same with every option that does anything written out."""
        given = self.model_dump(exclude_none=True, exclude={"preset"})
        return AugmentationParams.model_validate({"preset": "none", **_AUGMENTATIONS[self.preset], **given})

    @property
    def resamples(self) -> bool:
        """Whether it moves voxels to places between voxels."""
        moves = (self.resolved().rotation_degrees, self.resolved().scale)
        return any(chance is not None and chance.probability > 0 for chance in moves)


class CollapseParams(Section):
    """When predictions that hold a single class mean that a training has diverged."""

    grace_epochs: Annotated[int, Field(ge=0)] = 50
    validations: Positive | None = 10  # in a row; null: never


class TrainParams(Section):
    """One training: its length, its patches, its optimiser."""

    epochs: Positive
    steps_per_epoch: Positive
    batch_size: Positive
    patch_size: Size
    foreground_fraction: Fraction = 1 / 3
    augmentation: AugmentationParams = AugmentationParams()
    slice_axis: Literal[0, 1, 2] | None = (
        None  # of 2D patches from volumes (RAS); none: that of the largest voxel size
    )
    optimiser: OptimiserParams = OptimiserParams()
    schedule: ScheduleParams = ScheduleParams()
    clip_gradient_norm: float | None = 12.0
    validate_every: Positive = 1
    test_every: Positive | None = None  # epochs; scores of the test cases, which never choose anything
    validation_metrics: Annotated[tuple[str, ...], Field(min_length=1)] = ("DSC",)
    collapse: CollapseParams = CollapseParams()
    checkpoint_every: Positive = 1
    checkpoint: Literal["last", "best"] = "last"
    precision: Literal["float32", "bf16", "fp16"] = "float32"
    compile: bool = False
    deterministic: bool = True
    threads: Positive = 1
    workers: Annotated[int, Field(ge=0)] | None = (
        None  # threads that make batches; none: 0 on a CPU, 4 on a GPU
    )
    runs_per_job: Positive = 1
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"

    @model_validator(mode="after")
    def _best_needs_dsc(self) -> "TrainParams":
        if self.checkpoint == "best" and "DSC" not in self.validation_metrics:
            raise ValueError("checkpoint: best is chosen by DSC, so validation_metrics must have DSC")
        return self


class PredictParams(Section):
    """How a trained network predicts a whole volume."""

    window_size: Size | None = None  # none means: as large as a training patch
    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.5
    window_batch: Positive = 4
    flips: bool = False  # the mean over all mirror images of a window, as nnU-Net does


class EvaluateParams(Section):
    """Which metrics are computed, of what, and by which conventions."""

    metrics: Annotated[tuple[str, ...], Field(min_length=1)] = ("DSC", "HD95")
    classes: Literal["labels", "regions"] = "labels"
    hd95: Literal["pooled", "max_directed"] = "pooled"
    empty: Literal["drop", "inf", "diagonal", "brats", "paper_a_released"] = "diagonal"
    predict: PredictParams = PredictParams()


class TrackParams(Section):
    """Where MLflow keeps its view of the runs, and whether runs are shown while they train."""

    uri: str = "sqlite:///mlflow.db"
    live: bool = True


class ReportParams(Section):
    """Where the report goes."""

    folder: str = "reports"


class Params(Section):
    """All of params.yaml with the named experiment laid over it."""

    experiment: Name
    include: tuple[
        Name, ...
    ] = ()  # other experiments, over each of which this one is laid; it has no runs of its own
    data_root: str | None = None
    grid: GridParams
    datasets: dict[Name, DatasetParams]
    preprocess: PreprocessParams = PreprocessParams()
    maps: MapsParams = MapsParams()
    networks: dict[Name, dict[str, Any]]  # train, in one of them, is what it changes of the section train
    losses: dict[Name, dict[str, Any]]
    train: TrainParams
    evaluate: EvaluateParams = EvaluateParams()
    track: TrackParams = TrackParams()
    report: ReportParams = ReportParams()


def load(path: Path, overrides: Mapping[str, Any] | None = None) -> Params:
    """The params of ``path`` with its experiment and then ``overrides`` laid over them.

    The experiment is the file ``experiments/NAME.yaml`` beside ``path``; mappings are merged key by key, anything else
    is replaced. Raises InputError that names the file and the key at fault.
    """
    overrides = overrides or {}
    base = _read(path)
    experiment = str(overrides.get("experiment", base.get("experiment")))
    return _laid(path, experiment, (_read_experiment(path, experiment), overrides))


def load_included(path: Path, overrides: Mapping[str, Any] | None = None) -> tuple[Params, ...]:
    """The params of each experiment that the one of ``load`` includes, with that one and ``overrides`` laid over it."""
    overrides = overrides or {}
    whole = load(path, overrides)
    over = _read_experiment(path, whole.experiment) | {"include": []}
    parts = []
    for name in whole.include:
        own = _read_experiment(path, name)
        if own.get("include"):
            raise InputError(
                f"{_file(path, whole.experiment)}: include: {name} includes others itself; name those"
            )
        parts.append(_laid(path, name, (own, over, overrides)))
    return tuple(parts)


def _file(path: Path, experiment: str) -> Path:
    return path.parent / "experiments" / f"{experiment}.yaml"


def _read_experiment(path: Path, experiment: str) -> dict[str, Any]:
    file = _file(path, experiment)
    if not file.is_file():
        known = sorted(found.stem for found in file.parent.glob("*.yaml"))
        raise InputError(f"{path}: experiment: no file {file}; {nearest(experiment, known)}")
    changes = _read(file)
    # Each file is validated by itself where it can be, so that the message names the file that holds the mistake.
    _check_keys(changes, Params, str(file))
    return changes


def _laid(path: Path, experiment: str, layers: Sequence[Mapping[str, Any]]) -> Params:
    """The params of ``path`` under the layers, the experiment's own first, what the command line says last."""
    merged = _read(path)
    file = _file(path, experiment)
    _check_keys(merged, Params, str(path))
    _check_keys(layers[-1], Params, "--config")
    for layer in layers:
        merged = merge(merged, layer)
    try:
        params = Params.model_validate(merged | {"experiment": experiment})
    except ValidationError as error:
        raise InputError(_one_line(error, path, file)) from None
    for kind in ("datasets", "networks", "losses"):
        names = tuple(getattr(params, kind))
        for name in getattr(params.grid, kind):
            if name not in names:
                raise InputError(f"{file}: grid.{kind}: unknown name {name!r}; {nearest(name, names)}")
    return params


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes`` laid over it: mappings key by key, anything else replaced."""
    merged = dict(base)
    for key, value in changes.items():
        former = merged.get(key)
        merged[key] = (
            merge(former, value) if isinstance(former, Mapping) and isinstance(value, Mapping) else value
        )
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; run the command in the project's folder") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a mapping of keys to values, found {type(value).__name__}")
    return value


def _check_keys(value: Mapping[str, Any], model: type[BaseModel], where: str, prefix: str = "") -> None:
    """Raise InputError for the first key that ``model`` does not know."""
    for key, inner in value.items():
        field = model.model_fields.get(key)
        if field is None:
            raise InputError(
                f"{where}: {prefix}{key}: unknown key; {nearest(str(key), tuple(model.model_fields))}"
            )
        section, is_table = _section_of(field.annotation)
        if section and isinstance(inner, Mapping):
            entries = inner.items() if is_table else [("", inner)]
            for name, entry in entries:
                if isinstance(entry, Mapping):
                    _check_keys(entry, section, where, f"{prefix}{key}.{name}{'.' if name else ''}")


def _section_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The Section inside a field's type, and whether the field is a table of names to such sections."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    arguments = getattr(annotation, "__args__", ())
    for argument in arguments:
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            return argument, getattr(annotation, "__origin__", None) is dict
    return None, False


def _one_line(error: ValidationError, path: Path, file: Path) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    found = "" if first["type"] == "missing" else f", found {first['input']!r}"
    return f"{path} with {file}: {key}: {first['msg'].lower()}{found}"


if __name__ == "__main__":  # write the schema that editors read
    import json

    schema = Path("workflow/schemas/params.schema.json")
    schema.write_text(json.dumps(Params.model_json_schema(), indent=2) + "\n")
