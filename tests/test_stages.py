import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from seglossbench import stages
from seglossbench.errors import InputError, JobError
from seglossbench.experiment import Experiment
from seglossbench.maps.store import read_index
from seglossbench.params import merge
from seglossbench.records import run_in_progress
from seglossbench.stages import split_of
from tests.conftest import finish


@pytest.mark.parametrize("checkpoint", ["last", "best"])
def test_the_best_epoch_needs_cases_for_validation(project, checkpoint):
    (project / "experiments" / "changed.yaml").write_text(
        f"train: {{checkpoint: {checkpoint}}}\ndatasets: {{brats_phantom: {{validation_fraction: 0}}}}"
    )
    dataset = Experiment.load(overrides={"experiment": "changed"}).dataset("brats_phantom")
    cases = {name: SimpleNamespace(name=name, patient=name, official=None) for name in "abcd"}
    if checkpoint == "last":
        assert split_of(dataset, SimpleNamespace(cases=cases)).validation == ()
    else:
        with pytest.raises(InputError, match=r"datasets\.brats_phantom: train\.checkpoint: best needs cases"):
            split_of(dataset, SimpleNamespace(cases=cases))


def test_maps_are_computed_once_per_case_whichever_dataset_has_it(project, monkeypatch):
    monkeypatch.setattr("seglossbench.parallel.TRIED", 0)
    (project / "experiments" / "second.yaml").write_text(
        (project / "experiments" / "tiny.yaml").read_text() + "preprocess: {mri: z_score}\n"
    )
    written = []
    for name, processes in (("tiny", 2), ("second", 1)):
        experiment = Experiment.load(overrides={"experiment": name})
        dataset = experiment.dataset("brats_phantom")
        stages.download(dataset)
        stages.preprocess(experiment, dataset)
        stages.cache_maps(experiment, dataset, processes)
        places = [maps.place for maps in read_index(dataset.maps).values()]
        written.append({place: place.stat().st_ctime_ns for place in places})
    assert len(written[0]) == 6
    assert written[0] == written[1]  # other images, other prepared cases, but the same labels


def test_maps_of_patches_are_not_stored(project):
    experiment = Experiment.load(overrides={"experiment": "tiny", "maps": {"scope": "patch"}})
    dataset = experiment.dataset("brats_phantom")
    stages.download(dataset)
    stages.preprocess(experiment, dataset)
    stages.cache_maps(experiment, dataset)
    assert read_index(dataset.maps) == {}
    assert not Path("data/maps/cases").exists()


def test_a_run_that_was_finished_while_a_job_waited_for_a_gpu_is_not_trained_again(project, monkeypatch):
    experiment = Experiment.load(overrides={"experiment": "tiny"})
    run = experiment.runs[0]

    @contextmanager
    def wait_for_a_gpu(wanted, runs_per_gpu):
        with run_in_progress(run.folder, {}) as folder:
            (folder / "checkpoint.pt").write_text("of the other job")
        yield torch.device("cpu")

    monkeypatch.setattr("seglossbench.training.claiming.claim_device", wait_for_a_gpu)
    stages.train(run)
    assert (run.folder / "checkpoint.pt").read_text() == "of the other job"


def test_best_weights_and_regions_are_scored_besides(project, monkeypatch):
    second = lambda history: min(1, history[-1].epoch)  # noqa: E731
    monkeypatch.setattr("seglossbench.training.kept.best_epoch", second)

    def scored(checkpoint):
        grid = {"datasets": ["brats_phantom"], "losses": ["ce_dice"]}
        train = {"epochs": 3, "checkpoint": checkpoint, "optimiser": {"learning_rate": 0.1}}
        over = {
            "experiment": "tiny",
            "grid": grid,
            "train": train,
            "evaluate": {"classes": "both"},
            "track.live": False,
        }
        experiment = Experiment.load(overrides=over)
        (run,) = experiment.runs
        stages.download(run.dataset)
        stages.preprocess(experiment, run.dataset)
        stages.cache_maps(experiment, run.dataset)
        stages.train(run)
        stages.evaluate(run)
        table = pd.read_csv(run.scores)
        return run, table.set_index(["case", "class", "metric"])["value"]

    run, both = scored("both")
    (_, last), (_, best) = scored("last"), scored("best")
    usual = both[~both.index.get_level_values("metric").str.contains("_of_best_checkpoint")]
    pd.testing.assert_series_equal(usual, last)
    besides = both[both.index.get_level_values("metric").str.endswith("_of_best_checkpoint")]
    named = besides.rename(lambda metric: metric.removesuffix("_of_best_checkpoint"), level="metric")
    pd.testing.assert_series_equal(named, best)
    assert not last.equals(best), "or the test would tell nothing"
    case = last.index[0][0]
    assert last[case, "ET", "DSC"] == last[case, "ET", "DSC_of_regions"]
    assert {name for _, name, metric in last.index if metric == "DSC_of_regions"} == {"WT", "TC", "ET"}
    assert {file.name for file in run.folder.glob("*.pt")} == {"checkpoint.pt", "checkpoint_best.pt"}


@pytest.mark.parametrize(
    ("errors", "worst"), [([InputError, RuntimeError], InputError), ([RuntimeError, JobError], JobError)]
)
def test_a_run_that_fails_keeps_no_other_from_being_trained(project, errors, worst):
    experiment = Experiment.load(overrides={"experiment": "tiny"})
    runs = experiment.runs[:3]
    trained = []

    def train(run):
        trained.append(run)
        if len(trained) <= len(errors):
            raise errors[len(trained) - 1]("no such file")

    with pytest.raises(worst, match=rf"2 of 3 runs failed: {runs[0].id}: .*{runs[1].id}: "):
        stages.train_all(runs, train)
    assert trained == list(runs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"losses": {"rrw_ce": {"focal": {"gamma": 0.5}}}},
            r"losses\.rrw_ce: gamma of focal is 0\.5, expected 0 or at least 1",
        ),
        (
            {"losses": {"rrw_ce": {"weighted_ce": {"weights": [1, 2, 3]}}}},
            r"losses\.rrw_ce: weighted_ce has 3 weights, expected 16",
        ),
        ({"networks": {"unet": {"channels": [4]}}}, r"networks\.unet: "),
        (
            {
                "networks": {"ce_dice": {"architecture": "UNet", "channels": [4]}},
                "grid": {"networks": ["unet", "ce_dice"]},
            },
            r"networks\.ce_dice: ",  # called like the loss of the run before
        ),
    ],
)
def test_what_would_stop_a_run_later_is_said_before_the_preparation(project, change, message):
    experiment = Experiment.load(overrides={"experiment": "tiny", **change})
    dataset = experiment.dataset("amos_phantom")
    stages.download(dataset)
    with pytest.raises(InputError, match=message):
        stages.preprocess(experiment, dataset)
    assert not dataset.prepared.exists()


PUBLIC = {"grid": {"datasets": ["kits19"]}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"evaluate": {"classes": "regions"}}, r"evaluate\.classes: dataset amos_phantom has no regions"),
        (
            {"evaluate": {"empty": "paper_a_released", "metrics": ["IoU"]}},
            r"evaluate\.metrics: this policy for empty masks has no IoU.*paper_a_released",
        ),
        (
            {"evaluate": {"empty": "paper_a_released"}, "train": {"validation_metrics": ["IoU"]}},
            r"train\.validation_metrics: this policy",
        ),
        (
            PUBLIC | {"evaluate": {"classes": "regions"}},
            r"evaluate\.classes: dataset kits19 has no regions; give datasets\.kits19\.regions",
        ),
        (
            {"train": {"patch_size": [16, 16]}},
            r"brats_phantom with unet: maps\.scope: volume computes.*set maps\.scope to patch",
        ),
        (
            PUBLIC | {"networks": {"unet": {"train": {"patch_size": [16, 16]}}}},
            r"kits19 with unet: maps\.scope",
        ),
        (
            {"grid": {"datasets": ["topomortar"]}},
            r"train\.patch_size: has 3 sizes, but the cases of topomortar are images; give two",
        ),
        (
            {"train": {"patch_size": [15, 16, 16]}},
            r"brats_phantom with unet: train\.patch_size: UNet takes multiples of 2, found \[15, 16, 16\]",
        ),
        (
            {"evaluate": {"predict": {"window_size": [32, 31, 32]}}},
            r"brats_phantom with unet: evaluate\.predict\.window_size: UNet takes multiples of 2",
        ),
        (
            {"train": {"checkpoint": "best"}, "datasets": {"brats_phantom": {"validation_fraction": 0}}},
            r"datasets\.brats_phantom: train\.checkpoint: best needs cases for validation",
        ),
        (
            {"datasets": {"brats_phantom": {"split": "file", "split_file": "folds.json", "fold": 7}}},
            r"datasets\.brats_phantom\.split_file: folds\.json: no fold 7; it has 1, from 0 on",
        ),
        (
            {"datasets": {"brats_phantom": {"split": "file", "split_file": "parts.json"}}},
            r"datasets\.brats_phantom\.split_file: parts\.json: unknown part 'Test'; did you mean 'test'",
        ),
    ],
)
def test_what_would_stop_a_run_later_is_said_before_the_download(project, change, message):
    (project / "folds.json").write_text('[{"train": ["a"], "val": ["b"]}]')
    (project / "parts.json").write_text('{"train": ["a"], "Test": ["b"]}')
    experiment = Experiment.load(overrides=merge({"experiment": "tiny"}, change))
    with pytest.raises(InputError, match=message):
        stages.check_experiment(experiment)


@pytest.mark.parametrize(
    "change",
    [
        {"train": {"patch_size": [16, 16]}, "maps": {"scope": "patch"}},
        {"evaluate": {"classes": "regions"}, "grid": {"datasets": ["brats_phantom"]}},
        {"evaluate": {"classes": "regions"}, "datasets": {"amos_phantom": {"regions": {"all": [1, 2]}}}},
        {"grid": {"datasets": ["topomortar"]}, "train": {"patch_size": [16, 16]}},
    ],
)
def test_what_can_be_is_let_through(project, change):
    stages.check_experiment(Experiment.load(overrides=merge({"experiment": "tiny"}, change)))


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"regions": {"whole": [1, 9]}}, r"regions\.whole: no class 9"),
        ({"split": "hold_out", "test_fraction": 0}, r"datasets\.own: split hold_out: 4 cases leave"),
        ({"select": "z*"}, "none of its 4 cases fits select"),
    ],
)
@pytest.mark.parametrize("done", ["nothing", "preparation"])
def test_a_folder_of_ones_own_is_looked_into(project, write_nifti, own, message, done):
    for number in range(4):
        for part in ("flair", "t1", "t1ce", "t2", "seg"):
            write_nifti(project / f"mine/case{number}/x_{part}.nii", np.ones((4, 4, 4), np.int16))
    overrides = {"experiment": "tiny", "data_root": "mine", "grid": {"datasets": ["own"]}}
    right = Experiment.load(overrides=overrides)
    if done == "preparation":
        stages.preprocess(right, right.dataset("own"))
    stages.check_experiment(right)
    with pytest.raises(InputError, match=message):
        stages.check_experiment(Experiment.load(overrides=merge(overrides, {"datasets": {"own": own}})))


def test_a_run_that_cannot_be_scored_keeps_no_other_from_being_trained_and_scored(project, monkeypatch):
    runs = Experiment.load(overrides={"experiment": "tiny"}).runs[:3]

    def score(run):
        if run is runs[1]:
            raise InputError("no truth")
        run.scores.parent.mkdir(parents=True)
        run.scores.touch()

    monkeypatch.setattr("seglossbench.stages.evaluation.train", finish)
    monkeypatch.setattr("seglossbench.stages.evaluation.evaluate", score)
    with pytest.raises(InputError, match=f"^1 of 3 runs failed: {runs[1].id}: InputError: no truth$"):
        stages.train_all(runs, stages.train_and_score)
    assert [run.scores.exists() for run in runs] == [True, False, True]


def test_scoring_what_is_predicted_needs_no_torch(project):
    """Its import takes longer than scoring small cases, and a job is started for every run."""
    experiment = Experiment.load(overrides={"experiment": "tiny", "track.live": False})
    run = experiment.runs[0]
    stages.download(run.dataset)
    stages.preprocess(experiment, run.dataset)
    stages.cache_maps(experiment, run.dataset)
    stages.train(run)
    code = (
        "import sys; from seglossbench.experiment import Experiment; from seglossbench import stages; "
        "run = Experiment.load(overrides={'experiment': 'tiny', 'track.live': False}).runs[0]; "
        "stages.evaluate(run); assert run.scores.exists(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_look_before_the_download_needs_no_torch(project):
    code = (
        "import sys; from seglossbench.experiment import Experiment; from seglossbench.stages import check_experiment; "
        "check_experiment(Experiment.load(overrides={'experiment': 'tiny'})); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
