"""The training of runs, and the prediction of their test cases."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from seglossbench.data.prepared import PreparedDataset, prediction_file
from seglossbench.data.splits import PARTS, Split
from seglossbench.errors import InputError, JobError
from seglossbench.experiment import Run
from seglossbench.files import atomic_folder, write_json
from seglossbench.jobs import check_may_try
from seglossbench.records import DATA, WEIGHTS, State, describe, note_divergence, run_in_progress, state
from seglossbench.stages.checking import check_scoring
from seglossbench.stages.preparation import split_of
from seglossbench.stages.stopping import stoppable

if TYPE_CHECKING:
    import torch
    from torch import nn

    from seglossbench.training.loop import Trained


def train(run: Run) -> None:
    """Train one run, unless it is finished, and predict the test cases while the network is at hand."""
    from seglossbench.training.claiming import claim_devices
    from seglossbench.training.device import describe_device, limit_threads

    if state(run.folder).is_finished:
        return
    limit_threads(run.train.threads)  # not as many as are free: the number of threads decides digits
    with (
        stoppable(),
        claim_devices(run.train.device, run.train.devices, run.train.runs_per_gpu) as devices,
    ):
        device = devices[0]
        if state(run.folder).is_finished:  # by another process, while this one waited for a device
            return
        settings = run.settings.model_dump(mode="json")
        with run_in_progress(run.folder, settings, describe_device(*devices)) as folder:
            trained = _train(run, folder, devices)
            if trained.divergence is not None:
                note_divergence(folder, trained.divergence.epoch, trained.divergence.reason)
        # Of a run of this name whose folder somebody removed, to have it trained again.
        shutil.rmtree(run.predictions.parent, ignore_errors=True)
        run.scores.unlink(missing_ok=True)
        _predict_all(run, device, trained.network)


def train_all(runs: Sequence[Run], work: Callable[[Run], None] = train, *, planned: bool = False) -> None:
    """Train runs, or do other ``work`` on them, one after the other; one that fails does not keep the others from it.

    What Snakemake ``planned`` is not trained again where that failed by itself in the same call of it.

    Raises InputError if the input of a run was bad, else JobError, with what became of every run that failed.
    """
    failed: dict[str, Exception] = {}
    for run in runs:
        try:
            if planned:
                check_may_try(run)
            work(run)
        except Exception as error:
            if len(runs) == 1:
                raise
            failed[run.id] = error
    if failed:
        reasons = "; ".join(f"{id}: {describe(error)}" for id, error in failed.items())
        is_input = any(isinstance(error, InputError) for error in failed.values())
        raise (InputError if is_input else JobError)(f"{len(failed)} of {len(runs)} runs failed: {reasons}")


def _train(run: Run, folder: Path, devices: Sequence["torch.device"]) -> "Trained":
    from seglossbench.tracking.live import LiveTracker
    from seglossbench.training.device import memory_told
    from seglossbench.training.run import Prepared, train_over

    prepared = PreparedDataset(run.dataset.prepared)
    check_scoring(run, bool(prepared.regions))
    split = split_of(run.dataset, prepared)
    write_json(folder / DATA, _cases(split, prepared))
    data = Prepared(run.settings, run.dataset.prepared, split, run.dataset.maps)
    remedy = "lower train.batch_size or train.patch_size, or take train.precision: bf16"
    if not run.track.live:
        with memory_told(devices[0], remedy):
            return train_over(devices, data, folder, lambda rows: None, run.id)
    tracker = LiveTracker(run)
    try:
        with memory_told(devices[0], remedy):
            trained = train_over(devices, data, folder, tracker, run.id)
    except BaseException as error:
        tracker.finish(State.INTERRUPTED if isinstance(error, KeyboardInterrupt) else State.FAILED)
        raise
    tracker.finish(State.DIVERGED if trained.divergence else State.DONE)
    return trained


def _cases(split: Split, prepared: PreparedDataset) -> dict[str, dict[str, str]]:
    """Which prepared cases, whose folders are named by their content, each part of the data has."""
    return {part: {name: prepared.cases[name].folder.name for name in getattr(split, part)} for part in PARTS}


def predict(run: Run) -> None:
    """Predict the test cases of a finished run with each of its weights on disk, unless that is done."""
    if all(weights.predictions.exists() for weights in run.weights):
        return
    from seglossbench.training.checkpoints import load_weights
    from seglossbench.training.claiming import claim_device
    from seglossbench.training.run import network_of

    network = network_of(run.settings, PreparedDataset(run.dataset.prepared), run.seed)
    load_weights(run.folder / WEIGHTS, network)
    with claim_device(run.train.device, run.train.runs_per_gpu) as device:
        _predict_all(run, device, network)


def _predict_all(run: Run, device: "torch.device", network: "nn.Module") -> None:
    """Predict with the network, which has the weights that the run ends with, and with those kept besides."""
    from seglossbench.training.checkpoints import load_weights

    for weights in run.weights:
        if not weights.predictions.exists():
            if weights.besides:
                load_weights(run.folder / weights.file, network)
            _predict(run, device, network, weights.predictions)


def _predict(run: Run, device: "torch.device", network: "nn.Module", into: Path) -> None:
    from seglossbench.prediction import predict_volume, write_prediction
    from seglossbench.training.device import Accelerator, memory_told

    prepared = PreparedDataset(run.dataset.prepared)
    accelerator = Accelerator(device, run.train)
    network = accelerator.prepare(network)
    with atomic_folder(into) as folder:
        for name in tqdm(split_of(run.dataset, prepared).test, desc=f"predict {run.id}", unit="case"):
            case = prepared.cases[name]
            with accelerator.autocast(), memory_told(device, "lower evaluate.predict.window_batch"):
                labels = predict_volume(
                    network,
                    case.image,
                    run.train.patch_size,
                    run.evaluate.predict,
                    device,
                    slice_axis=case.slice_axis(run.train),
                    shape=case.geometry.cropped_shape,
                )
            values = tuple(prepared.label_values.values())
            write_prediction(prediction_file(folder, case), labels, values, case.geometry)
