"""The training of runs, and the prediction of their test cases."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from seglossbench.data.prepared import PreparedDataset
from seglossbench.errors import InputError, JobError
from seglossbench.experiment import Experiment, Run
from seglossbench.files import atomic_folder
from seglossbench.randomness import seed_of
from seglossbench.records import (
    describe,
    note_divergence,
    run_in_progress,
    state,
)
from seglossbench.stages.checking import check_scoring
from seglossbench.stages.preparation import split_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from seglossbench.training.loop import Trained


def train(experiment: Experiment, run: Run, threads: int) -> None:
    """Train one run, unless it is finished, and predict the test cases while the network is at hand."""
    from seglossbench.training.device import claim_device, describe_device, limit_threads

    if state(run.folder).is_finished:
        return
    limit_threads(threads)
    with claim_device(run.dataset.train.device) as device:
        if state(run.folder).is_finished:  # by another process, while this one waited for a device
            return
        with run_in_progress(run.folder, run.settings, describe_device(device)) as folder:
            trained = _train(experiment, run, folder, device)
            if trained.divergence is not None:
                note_divergence(folder, trained.divergence.epoch, trained.divergence.reason)
        _predict(experiment, run, device, trained.network)


def train_all(experiment: Experiment, runs: Sequence[Run], threads: int) -> None:
    """Train runs one after the other; one that fails does not keep the others from being trained.

    Raises InputError if the input of a run was bad, else JobError, with what became of every run that failed.
    """
    failed: dict[str, Exception] = {}
    for run in runs:
        try:
            train(experiment.part_of(run), run, threads)
        except Exception as error:
            if len(runs) == 1:
                raise
            failed[run.id] = error
    if failed:
        reasons = "; ".join(f"{id}: {describe(error)}" for id, error in failed.items())
        is_input = any(isinstance(error, InputError) for error in failed.values())
        raise (InputError if is_input else JobError)(f"{len(failed)} of {len(runs)} runs failed: {reasons}")


def _train(experiment: Experiment, run: Run, folder: Path, device: "torch.device") -> "Trained":
    from seglossbench import losses
    from seglossbench.maps.store import read_index
    from seglossbench.tracking.live import LiveTracker
    from seglossbench.training.batches import PatchBatches
    from seglossbench.training.loop import Training
    from seglossbench.training.loop import train as train_network

    params = experiment.params
    prepared = PreparedDataset(run.dataset.prepared)
    check_scoring(experiment, run, bool(prepared.regions))
    split = split_of(run.dataset, prepared)
    loss = losses.build(params.losses[run.loss])
    settings = run.dataset.train
    cases = [prepared.cases[name] for name in split.train]
    training = Training(
        network=_build_network(experiment, run, prepared),
        loss=loss,
        batches=PatchBatches(
            cases,
            read_index(run.dataset.maps),
            loss.maps,
            len(prepared.classes),
            settings,
            params.maps,
            dataset=run.dataset.name,
            seed=run.seed,
        ),
        validation=[prepared.cases[name] for name in split.validation],
        classes=prepared.classes,
        settings=settings,
        predict=params.evaluate.predict,
        device=device,
        test=[prepared.cases[name] for name in split.test] if settings.test_every else (),
        empty=params.evaluate.empty,
        hd95=params.evaluate.hd95,
        new_weights=lambda: _build_network(experiment, run, prepared, seed_of("restart", run.seed)),
    )
    if not params.track.live:
        return train_network(training, folder, lambda rows: None, title=run.id)
    tracker = LiveTracker(params.track.uri, experiment.name, run)
    try:
        trained = train_network(training, folder, tracker, title=run.id)
    except BaseException as error:
        tracker.finish("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    tracker.finish("FINISHED")
    return trained


def _build_network(
    experiment: Experiment, run: Run, prepared: PreparedDataset, seed: int | None = None
) -> "nn.Module":
    from seglossbench import networks

    return networks.build(
        run.network,
        run.settings["network_settings"],
        patch_size=run.dataset.train.patch_size,
        in_channels=len(prepared.channels),
        out_channels=len(prepared.classes),
        seed=run.seed if seed is None else seed,
    )


def predict(experiment: Experiment, run: Run) -> None:
    """Predict the test cases of a finished run into its folder with the weights on disk, unless that is done."""
    if run.predictions.exists():
        return
    from seglossbench.training.checkpoints import load
    from seglossbench.training.device import claim_device

    network = _build_network(experiment, run, PreparedDataset(run.dataset.prepared))
    network.load_state_dict(load(run.folder / "checkpoint.pt")["network"])
    with claim_device(run.dataset.train.device) as device:
        _predict(experiment, run, device, network)


def _predict(experiment: Experiment, run: Run, device: "torch.device", network: "nn.Module") -> None:
    if run.predictions.exists():
        return
    from seglossbench.evaluation.prediction import predict_volume, prediction_file, write_prediction
    from seglossbench.training.device import Accelerator

    prepared = PreparedDataset(run.dataset.prepared)
    train = run.dataset.train
    accelerator = Accelerator(device, train)
    network = accelerator.prepare(network)
    with atomic_folder(run.predictions) as folder:
        for name in tqdm(split_of(run.dataset, prepared).test, desc=f"predict {run.id}", unit="case"):
            case = prepared.cases[name]
            with accelerator.autocast():
                labels = predict_volume(
                    network,
                    case.image,
                    train.patch_size,
                    experiment.params.evaluate.predict,
                    device,
                    slice_axis=case.slice_axis(train),
                    shape=case.geometry.cropped_shape,
                )
            values = tuple(prepared.label_values.values())
            write_prediction(prediction_file(folder, case), labels, values, case.geometry)
