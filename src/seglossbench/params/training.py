"""The params of trainings: patches and their augmentation, optimiser, schedule, what is done in every epoch."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from seglossbench.params.metrics import MetricNames
from seglossbench.params.section import BelowOne, Fraction, Positive, Section, Size


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
    """How often something is changed, and the range from which its strength is drawn.

    It is drawn evenly from the range or, with ``around_one``, from the part below 1 in half of the draws.
    """

    probability: Fraction
    range: tuple[float, float]
    around_one: bool = False

    @model_validator(mode="after")
    def _range_ascends(self) -> "ChanceParams":
        low, high = self.range
        if low > high:
            raise ValueError(f"range goes from {low:g} down to {high:g}; give the lower end first")
        if self.around_one and not low < 1 < high:
            raise ValueError(f"around_one needs a range with 1 inside, and [{low:g}, {high:g}] has not")
        return self


# nnU-Net's, as version 1 runs them by batchgenerators, where the noise's "variance" is its standard deviation; a 2D
# patch turns further: rotation_degrees [-180, 180].
_NNUNET: dict[str, Any] = {
    "flip_axes": "all",
    "rotation_degrees": {"probability": 0.2, "range": (-30.0, 30.0)},
    "scale": {"probability": 0.2, "range": (0.7, 1.4), "around_one": True},
    "noise_sd": {"probability": 0.1, "range": (0.0, 0.1)},
    "blur_sigma": {"probability": 0.2, "range": (0.5, 1.0)},
    "brightness": {"probability": 0.15, "range": (0.75, 1.25)},
    "contrast": {"probability": 0.15, "range": (0.75, 1.25), "around_one": True},
    "low_resolution": {"probability": 0.25, "range": (0.5, 1.0)},
    "inverted_gamma": {"probability": 0.1, "range": (0.7, 1.5), "around_one": True},
    "gamma": {"probability": 0.3, "range": (0.7, 1.5), "around_one": True},
}
_AUGMENTATIONS: dict[str, dict[str, Any]] = {"none": {}, "flip": {"flip_axes": "all"}, "nnunet": _NNUNET}


NO_VOLUME_MAPS = (
    "maps of the whole volume cannot be turned or scaled with a patch; set maps.scope to patch, or rotation_degrees "
    "and scale to a probability of 0"
)


NO_MAPS_OF_SLICES = (
    "maps.scope: volume computes the maps of whole volumes, but a 2D patch_size trains on their slices; "
    "set maps.scope to patch, or give train.patch_size three sizes"
)


class AugmentationParams(Section):
    """How training patches are changed at random: a preset, and what is to be other than in it.

    An option that is not given is as the preset says; a probability of 0 switches it off.
    """

    preset: Literal["none", "flip", "nnunet"] = "flip"
    flip_axes: Literal["all"] | tuple[Literal[0, 1, 2], ...] | None = None  # of the patch
    rotation_degrees: ChanceParams | None = None  # about every axis
    scale: ChanceParams | None = None  # above 1 the patch shows more than its size
    noise_sd: ChanceParams | None = None  # of Gaussian noise
    blur_sigma: ChanceParams | None = None  # in voxels, of every other channel
    brightness: ChanceParams | None = None  # a factor
    contrast: ChanceParams | None = None  # a factor of the distance to the mean
    low_resolution: ChanceParams | None = None  # the part of the voxels that is left, of every other channel
    inverted_gamma: ChanceParams | None = None
    gamma: ChanceParams | None = None
    # what was 0 in every channel, as around a brain, is 0 again after all that
    zero_outside: bool | None = None

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
    """When predictions that hold a single class mean that a training has diverged.

    The predictions are those of validation, or of ``test_every`` where no case is for validation.
    """

    grace_epochs: Annotated[int, Field(ge=0)] = 50
    validations: Positive | None = 10  # in a row; null: never


class RestartParams(Section):
    """A second start: the epoch before which all weights are drawn anew if no class has been found until then.

    That is where the last mean DSC of validation (or of ``test_every``, where no case is for validation) is 0.
    """

    epoch: Positive = 100  # nnU-Net's


class SlabParams(Section):
    """Slabs of every case, each drawn as a case of its own: their slices along an axis, and their overlap."""

    slices: Positive
    overlap: Annotated[int, Field(ge=0)] = 0
    axis: Literal[0, 1, 2] = 2  # RAS: from bottom to top

    @model_validator(mode="after")
    def _moves_on(self) -> "SlabParams":
        if self.overlap >= self.slices:
            raise ValueError(f"an overlap of {self.overlap} slices leaves none of {self.slices}")
        return self


class TrainParams(Section):
    """One training: its length, its patches, its optimiser."""

    epochs: Positive
    steps_per_epoch: Positive
    batch_size: Positive
    patch_size: Size
    draw_cases: Literal["at_random", "each_once"] = "at_random"  # each_once: all cases in turn, shuffled anew
    slabs: SlabParams | None = None  # of which patches are drawn, instead of whole cases (paper A's PENGWIN)
    foreground_fraction: Fraction = 1 / 3
    foreground_patches: Literal["any", "last"] = "any"  # by chance; or the last ones of every batch (nnU-Net)
    # of_slice: first a slice that has the class
    foreground_voxel: Literal["of_class", "of_slice"] = "of_class"
    augmentation: AugmentationParams = AugmentationParams()
    # of 2D patches from volumes (RAS); none: that of the largest voxel size
    slice_axis: Literal[0, 1, 2] | None = None
    optimiser: OptimiserParams = OptimiserParams()
    schedule: ScheduleParams = ScheduleParams()
    clip_gradient_norm: float | None = 12.0
    validate_every: Positive = 1
    test_every: Positive | None = None  # epochs; scores of the test cases, which never choose anything
    validation_metrics: MetricNames = ("DSC",)
    collapse: CollapseParams = CollapseParams()
    restart: RestartParams | None = None
    checkpoint_every: Positive = 1
    checkpoint: Literal["last", "best", "both"] = "last"
    precision: Literal["float32", "tf32", "bf16", "fp16"] = "float32"
    compile: bool = False
    deterministic: bool | Literal["warn"] = True  # warn: but for operations that have no such kernel on CUDA
    threads: Positive = 1
    # processes that make batches; none: 0 on a CPU, up to 8 of the CPUs that the job may use on a GPU
    workers: Annotated[int, Field(ge=0)] | None = None
    runs_per_job: Positive = 1
    devices: Positive = 1  # of one run, each of which takes its share of a batch
    runs_per_gpu: Positive = 1  # at once, of small trainings
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"

    @model_validator(mode="after")
    def _devices_share_a_batch(self) -> "TrainParams":
        if self.batch_size % self.devices:
            raise ValueError(f"devices: {self.devices} must divide batch_size: {self.batch_size}")
        return self

    @model_validator(mode="after")
    def _best_needs_dsc(self) -> "TrainParams":
        if self.keeps_best and "DSC" not in self.validation_metrics:
            raise ValueError(
                f"checkpoint: {self.checkpoint} chooses the best by DSC, so validation_metrics must have DSC"
            )
        return self

    @property
    def keeps_best(self) -> bool:
        """Whether the weights of the best epoch in validation are kept, alone or beside the last ones."""
        return self.checkpoint in ("best", "both")

    @model_validator(mode="after")
    def _restart_needs_dsc(self) -> "TrainParams":
        if self.restart is not None and "DSC" not in self.validation_metrics:
            raise ValueError("restart looks at DSC, so validation_metrics must have DSC")
        return self

    @model_validator(mode="after")
    def _slices_are_of_2d_patches(self) -> "TrainParams":
        if self.foreground_voxel == "of_slice" and len(self.patch_size) == 3:
            raise ValueError("foreground_voxel: of_slice is for patches of two sizes; take of_class")
        if self.slabs is not None and len(self.patch_size) == 2:
            raise ValueError("slabs are for patches of three sizes; leave them out")
        return self
