import json
from dataclasses import replace

import pytest
import torch

from seglossbench import losses, plan
from seglossbench.experiment import Experiment
from seglossbench.params import TrainParams
from seglossbench.plan.budget import Cut, hours, parts_of, proposal, together
from seglossbench.training.step_cost import measure_step

TWO = """
grid: {datasets: [brats2020], networks: [unet, dynunet], losses: [ce, dice], seeds: [0]}
datasets: {brats2020: {split: hold_out, test_fraction: 0.2, validation_fraction: 0}}
networks: {unet: {channels: [4, 8], strides: [2], num_res_units: 0}, dynunet: {filters: [4, 8, 8]}}
maps: {scope: patch}
train: {epochs: 10, steps_per_epoch: 100, batch_size: 1, patch_size: [64, 64, 64]}
evaluate: {predict: {overlap: 0}}
"""


@pytest.fixture
def experiment(project):
    (project / "experiments" / "two.yaml").write_text(TWO)
    return Experiment.load(overrides={"experiment": "two"})


def give_costs(experiment, network, **cost):
    """Keep a cost as if it had been measured for that network."""
    run = next(run for run in experiment.runs if run.network == network)
    key = plan.cost_key(run, plan.expected(run.dataset))
    known = json.loads(plan.COSTS.read_text()) if plan.COSTS.exists() else {}
    plan.COSTS.parent.mkdir(exist_ok=True)
    plan.COSTS.write_text(json.dumps(known | {key: {"measured_patch": [64, 64, 64], **cost}}))


def test_without_data_and_measurements_there_are_runs_and_jobs(experiment):
    assert plan.summary(experiment).splitlines()[0] == "experiment two: 4 runs in 4 jobs"
    assert "status --estimate" in plan.summary(experiment)


def test_hours_by_hand(experiment):
    give_costs(experiment, "unet", seconds=3.6, operations=3.6e12, weights=1_000_000)
    text = plan.summary(experiment, tflops=2)
    # 1000 steps and, at the end, 73.8 test cases in 3 x 3 x 3 windows of a third of a step each, 3.6 s a step.
    steps = 1000 + 369 * 0.2 * 27 / 3
    assert f"2 runs of {steps * 3.6 / 3600:.1f} h" in text
    assert f"about {2 * steps * 3.6 / 3600:.1f} h on this machine" in text
    assert f"about {2 * steps * 3.6e12 / 2e12 / 3600:.0f} GPU hours at 2 TFLOP/s" in text
    assert "not in it: 2 runs" in text


def test_a_patch_wider_than_the_scan_is_told_with_its_padding(experiment, project):
    assert "padding" not in plan.summary(experiment)
    wide = Experiment.load(overrides={"experiment": "two", "train.patch_size": [200, 180, 290]})
    share = 1 - 145 * 180 * 145 / (200 * 180 * 290)
    told = [line for line in plan.summary(wide).splitlines() if "padding" in line]
    assert told == [
        "  brats2020: patches of 200x180x290 (unet, dynunet) are wider than a usual case of 145x180x145: "
        f"{share:.0%} of them is padding"
    ]


def test_disk_by_hand(experiment):
    give_costs(experiment, "unet", seconds=1, operations=1, weights=250_000_000)
    voxels = 369 * 145 * 180 * 145
    assert f"prepared {voxels * 9 / 1e9:.1f}" in plan.summary(experiment)
    assert "weights 2.0" in plan.summary(experiment)


def test_a_small_experiment_takes_next_to_no_disk(project):
    (project / "experiments" / "small.yaml").write_text(
        "grid: {datasets: [brats_phantom], networks: [unet], losses: [ce], seeds: [0]}"
    )
    experiment = Experiment.load(overrides={"experiment": "small"})
    give_costs(experiment, "unet", seconds=1, operations=1, weights=1000)
    assert plan.summary(experiment).splitlines()[-1] == "disk in all: under 1 GB"


def test_the_papers_can_be_planned_without_any_data(project):
    experiment = Experiment.load(overrides={"experiment": "papers"})
    assert plan.summary(experiment).startswith(f"experiment papers: {2 * 16 * 10 * 5 + 3 * 14 * 5} runs")
    assert {run.dataset.name for run in experiment.runs if plan.expected(run.dataset) is None} == set()


def test_a_damaged_dataset_is_planned_as_its_source_says(experiment):
    before = plan.summary(experiment)
    file = experiment.datasets[0].prepared / "dataset.json"
    file.parent.mkdir(parents=True)
    file.write_text("{")
    assert plan.summary(experiment) == before


def test_a_dataset_is_read_once_for_all_of_its_runs(experiment, monkeypatch):
    read = []
    monkeypatch.setattr(plan, "expected", lambda dataset: read.append(dataset.name))
    plan.summary(experiment)
    assert read == ["brats2020"]


@pytest.fixture
def short_steps(monkeypatch):
    """Measurements at patches so small that they take no time."""
    from seglossbench.training import step_cost

    monkeypatch.setitem(step_cost.OPERATIONS_OF_A_SHORT_STEP, "cpu", 2e9)


def test_measuring_a_step_counts_the_true_patch_and_times_a_small_one(short_steps):
    def cost(edge):
        settings = {"architecture": "UNet", "channels": [16, 32], "strides": [2], "num_res_units": 0}
        return measure_step(
            "unet",
            settings,
            TrainParams(epochs=1, steps_per_epoch=1, batch_size=2, patch_size=(edge, edge, edge)),
            channels=1,
            classes=3,
            device=torch.device("cpu"),
        )

    small, large = cost(32), cost(128)
    assert small.measured_patch == (32, 32, 32)
    assert large.operations == pytest.approx(4**3 * small.operations, rel=0.01)
    assert max(large.measured_patch) < 128
    assert large.seconds > 5 * small.seconds > 0


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bf16", torch.bfloat16)])
def test_a_step_is_measured_as_it_will_be_trained(monkeypatch, precision, dtype):
    """In its precision, and in 2D on a CPU without channels last, as the training's own device code has it."""
    given = []
    terms_of = losses.supervised_terms

    def watch(loss, logits, truth):
        given.append(logits)
        return terms_of(loss, logits, truth)

    monkeypatch.setattr(losses, "supervised_terms", watch)
    train = TrainParams(epochs=1, steps_per_epoch=1, batch_size=1, patch_size=(32, 32), precision=precision)
    settings = {"architecture": "UNet", "channels": [8, 16], "strides": [2], "num_res_units": 0}
    measure_step("unet", settings, train, channels=1, classes=3, device=torch.device("cpu"))
    assert {logits.dtype for logits in given} == {dtype}
    assert all(logits.is_contiguous() for logits in given)


def test_precisions_are_measured_apart(project):
    (project / "experiments" / "two.yaml").write_text(TWO)
    keys = {
        plan.cost_key(run, plan.expected(run.dataset))
        for precision in ("float32", "bf16")
        for run in Experiment.load(overrides={"experiment": "two", "train": {"precision": precision}}).runs[
            :1
        ]
    }
    assert len(keys) == 2


def test_status_measures_once(experiment, short_steps, monkeypatch):
    plan.measure(experiment, threads=1, device_name="cpu")
    assert len(json.loads(plan.COSTS.read_text())) == 2
    monkeypatch.setattr("seglossbench.training.step_cost.measure_step", None)
    plan.measure(experiment, threads=1, device_name="cpu")
    assert "not in it" not in plan.summary(experiment)
    plan.COSTS.write_text("{")
    assert "status --estimate" in plan.summary(experiment)


@pytest.mark.parametrize("networks", [("unet",), ("unet", "dynunet")])
def test_hours_of_a_budget_are_those_of_the_estimate(experiment, networks):
    """Nothing is measured for them: operations are counted."""
    parts = [part for part in parts_of(experiment) if part.run.network in networks]
    for part in parts:
        give_costs(experiment, part.run.network, seconds=1, operations=part.operations, weights=1)
    assert f"about {hours(parts, tflops=1e-6):,.0f} GPU hours at 1e-06 TFLOP/s" in plan.summary(
        experiment, 1e-6
    )


def test_cuts_take_what_they_say(experiment):
    unet, dynunet = parts_of(experiment)
    whole = hours([unet, dynunet])
    assert hours([unet, dynunet], Cut(without=("unet",))) == hours([dynunet])
    test = 369 * 0.2 * 27 / 3  # steps' worth of the prediction at the end, which no schedule shortens
    left = hours([unet, dynunet], Cut(epochs=0.5)) / whole
    assert left == pytest.approx((500 + test) / (1000 + test))
    assert hours([unet, dynunet], Cut(crop=0.5)) < whole / 2


def test_the_best_weights_predict_the_test_cases_once_more(project):
    text = TWO.replace("validation_fraction: 0", "validation_fraction: 0.1")
    (project / "experiments" / "two.yaml").write_text(text)
    windows = []
    for kept in ("last", "both"):
        run = Experiment.load(overrides={"experiment": "two", "train.checkpoint": kept}).runs[0]
        windows.append(plan.windows(run, plan.expected(run.dataset)))
    assert windows[1] - windows[0] == pytest.approx(369 * 0.2 * 27)


def test_a_proposal_keeps_to_the_budget_and_names_the_keys(project):
    text = TWO.replace("seeds: [0]", "seeds: [0, 1, 2, 3, 4]")
    schedule = "schedule: {name: step, milestones: [5, 10]}, restart: {epoch: 10}"
    text = text.replace("epochs: 10,", f"epochs: 20, {schedule}, ")
    (project / "experiments" / "two.yaml").write_text(text)
    experiment = Experiment.load(overrides={"experiment": "two"})
    parts = parts_of(experiment)
    whole = hours(parts)
    cut = together(parts, whole / 4)
    assert cut.seeds == 3
    assert not cut.without
    assert 0.1 < cut.epochs < 0.5
    assert hours(parts, cut) <= whole / 4 < hours(parts, replace(cut, epochs=cut.epochs + 0.01))
    lines = proposal(experiment, whole / 4)
    assert "  grid.seeds: [0, 1, 2]" in lines
    epochs = int(20 * cut.epochs)
    milestones = [round(5 * cut.epochs), round(10 * cut.epochs)]
    restart = f"train.restart.epoch: {milestones[1]}"
    assert f"  train.epochs: 20 -> {epochs}; train.schedule.milestones: {milestones}; {restart}" in lines
    assert proposal(experiment, whole * 1.01)[1].startswith("which the budget")
    dearest = max(parts, key=lambda part: hours([part])).run.network
    assert together(parts, whole / 40).without == (dearest,)
    assert together(parts, whole / 1e6).crop < 0.5
    assert any("above the" in line for line in proposal(experiment, whole / 1e6))


def test_predictions_are_spared_before_networks(project):
    scored = TWO.replace("epochs: 10,", "epochs: 100, test_every: 2,")
    scored = scored.replace("overlap: 0", "overlap: 0, flips: true")
    (project / "experiments" / "two.yaml").write_text(scored)
    parts = parts_of(Experiment.load(overrides={"experiment": "two"}))
    sparing = Cut(sparing=True)
    lean = sparing.run(parts[0].run)
    assert (lean.train.test_every, lean.evaluate.predict.flips) == (10, False)
    test = 369 * 0.2 * 27 / 3  # steps' worth of a prediction of all test cases
    share = (10_000 + 11 * test) / (10_000 + 51 * 8 * test)
    assert hours(parts, sparing) / hours(parts) == pytest.approx(share)
    cut = together(parts, hours(parts, replace(sparing, epochs=0.1)) * 1.001)
    assert (cut.sparing, cut.without) == (True, ())


def test_the_small_papers_cost_less_than_200_gpu_hours(project):
    experiment = Experiment.load(overrides={"experiment": "papers_small"})
    assert {run.part for run in experiment.runs} == {"contour_weighted", "region_wise"}
    spent = hours(parts_of(experiment))
    assert 100 < spent < 200
    assert {run.seed for run in experiment.runs} == {0, 1, 2}


def test_the_small_papers_shorten_whole_schedules(project):
    small, whole = (
        {run.dataset.name: run.train for run in Experiment.load(overrides={"experiment": name}).runs}
        for name in ("papers_small", "papers")
    )
    for dataset, train in small.items():
        share = train.epochs / whole[dataset].epochs
        assert share < 0.2
        milestones = whole[dataset].schedule.milestones
        assert train.schedule.milestones == tuple(round(epoch * share) for epoch in milestones)
        if train.restart:
            assert train.restart.epoch == round(whole[dataset].restart.epoch * share)
    weight = small_weight("boundary_dice_gradual")
    assert weight["per_epoch"] == pytest.approx(-0.01 / (small["acdc17"].epochs / whole["acdc17"].epochs))


def small_weight(loss):
    runs = Experiment.load(overrides={"experiment": "papers_small"}).runs
    return next(run for run in runs if run.loss == loss).settings.terms["dice"]["weight"]
