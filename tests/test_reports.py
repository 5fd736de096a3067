"""What a report is made of; what it looks like is in tests/reporting."""

import json
from pathlib import Path

import numpy as np
import pytest

from seglossbench import stages
from seglossbench.data.prepared import PreparedDataset
from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
from seglossbench.records import HistoryRow, run_in_progress, write_history
from seglossbench.stages import reports
from seglossbench.standalone import report_scores


@pytest.fixture
def experiment(project):
    (project / "experiments/longer.yaml").write_text(
        (project / "experiments/tiny.yaml").read_text().replace("num_res_units: 0", "train: {epochs: 9}")
    )
    return Experiment.load(overrides={"experiment": "longer"})


def finish(run, rows):
    with run_in_progress(run.folder, run.settings.model_dump(mode="json")) as folder:
        write_history(folder / "history.csv", rows)


def test_curves_are_those_of_finished_runs_without_classes_and_costs(experiment):
    assert reports.curves(experiment.runs).empty
    names = [("train", "loss"), ("train", "loss/ce"), ("validation", "DSC"), ("validation", "DSC/liver")]
    for run in experiment.runs[:2]:
        finish(run, [HistoryRow(3, 8, split, name, 0.5) for split, name in [*names, ("cost", "seconds")]])
    found = reports.curves(experiment.runs)
    assert list(zip(found["split"], found["name"], strict=True)) == [names[0], names[2]] * 2
    assert list(found["loss"]) == ["ce_dice"] * 2 + ["rrw_ce"] * 2
    assert (found["epoch"] == 3).all()


@pytest.mark.parametrize("text", ["", "epoch,step\n1,2\n"])
def test_a_damaged_history_is_named(experiment, text):
    run = experiment.runs[0]
    finish(run, [])
    (run.folder / "history.csv").write_text(text)
    with pytest.raises(InputError, match=rf"{run.folder}/history\.csv: damaged history; remove"):
        reports.curves(experiment.runs)


def test_the_epoch_of_the_weights_is_that_of_the_runs(experiment, project):
    assert reports._weights(experiment) == "last epoch of 9"
    (project / "experiments/both.yaml").write_text(
        "datasets: {amos_phantom: {train: {checkpoint: best}}}\ngrid: {datasets: [brats_phantom, amos_phantom], "
        "networks: [unet, dynunet]}\nnetworks: {unet: {train: {epochs: 9}}}\ntrain: {epochs: 2}\n"
    )
    assert reports._weights(Experiment.load(overrides={"experiment": "both"})) == (
        "last epoch of 9 (brats_phantom unet), last epoch of 2 (brats_phantom dynunet), "
        "best epoch of 9 (amos_phantom unet), best epoch of 2 (amos_phantom dynunet)"
    )


def test_a_report_counts_patients_and_no_split_file_may_tear_one_apart(project, write_nifti):
    names = [f"patient{patient:03}_frame{frame:02}" for patient in (1, 2, 3) for frame in (1, 12)]
    random = np.random.default_rng(0)
    for name in names:
        write_nifti(
            project / f"own/imagesTr/{name}_0000.nii.gz", random.normal(size=(8, 8, 8)).astype(np.float32)
        )
        write_nifti(project / f"own/labelsTr/{name}.nii.gz", random.integers(0, 2, (8, 8, 8), np.uint8))
    description = {"channel_names": {"0": "MRI"}, "labels": {"background": 0, "organ": 1}}
    (project / "own/dataset.json").write_text(json.dumps(description))
    experiment = Experiment.load(overrides={"experiment": "own_data", "data_root": "own"})
    dataset = experiment.dataset("own")
    stages.preprocess(experiment, dataset)
    cases = PreparedDataset(dataset.prepared).cases
    assert {case.name: case.patient for case in cases.values()} == {name: name[:10] for name in names}
    assert reports._facts_of(experiment, dataset).patients.startswith("3 patients behind 6 cases (a word for")
    split = {"train": names[::2], "test": names[1::2]}
    (project / "torn.json").write_text(json.dumps(split))
    torn = {"experiment": "own_data", "data_root": "own", "datasets": {"own": {"split_file": "torn.json"}}}
    experiment = Experiment.load(overrides=torn)
    with pytest.raises(
        InputError, match=r"split file: patient patient001 is in train \(patient001_frame01\) and in"
    ):
        stages.preprocess(experiment, experiment.dataset("own"))


def test_a_dataset_that_is_not_prepared_is_named_and_stops_no_report(experiment, tmp_path):
    run = experiment.runs[0]
    run.scores.parent.mkdir(parents=True)
    run.scores.write_text("case,class,metric,value\na,liver,DSC,0.625\n")
    text = reports.report(experiment, tmp_path / "out").read_text(encoding="utf-8")
    assert "dataset.json: not there; run seglossbench preprocess first" in text
    assert "0.625" in text
    assert "the diagonal of the volume" in text


SCORES = "dataset,network,loss,seed,case,class,metric,value\nthin & small,unet,ce,{seed},a,liver,DSC,0.625\n"


def write_scores(experiment):
    for run in experiment.runs:
        run.scores.parent.mkdir(parents=True, exist_ok=True)
        run.scores.write_text(SCORES.format(seed=run.id))


def test_each_experiment_has_a_page_and_all_are_listed(experiment, project):
    other = Experiment.load(overrides={"experiment": "tiny"})
    finish(experiment.runs[0], [])
    for one in (experiment, other):
        write_scores(one)
        page = reports.report(one)
        assert page == Path("reports") / one.name / "index.html"
    (project / "reports" / "tiny").rename(project / "reports" / "kept & sent")
    (project / "reports" / "torn").mkdir()
    (project / "reports" / "torn" / "report.json").write_text("{")
    (project / "scores.csv").write_text(SCORES.format(seed=0))
    report_scores([Path("scores.csv")])
    listed = (project / "reports" / "index.html").read_text(encoding="utf-8")
    assert 'href="longer/index.html">longer' in listed
    assert 'href="kept%20%26%20sent/index.html">tiny' in listed
    assert 'href="scores/index.html">scores.csv' in listed
    assert listed.index("scores/index.html") < listed.index("longer/index.html")
    assert "<td>1 of 4 finished</td>" in listed
    assert "<td>0 of 4 finished</td>" in listed
    assert "<td>brats_phantom, amos_phantom</td>" in listed
    assert "<td>thin &amp; small</td>" in listed
    assert "torn" not in listed


def test_a_report_elsewhere_is_in_no_list(experiment, project, tmp_path):
    write_scores(experiment)
    reports.report(experiment, tmp_path / "sent" / "page")
    assert not (tmp_path / "sent" / "index.html").exists()
    (project / "scores.csv").write_text(SCORES.format(seed=0))
    report_scores([Path("scores.csv")], Path("mine"))
    assert not (project / "index.html").exists()


def test_a_report_of_scores_never_takes_the_place_of_an_experiments(project):
    (project / "experiments" / "scores.yaml").write_text((project / "experiments" / "tiny.yaml").read_text())
    experiment = Experiment.load(overrides={"experiment": "scores"})
    write_scores(experiment)
    page = reports.report(experiment)
    before = page.read_text(encoding="utf-8")
    (project / "scores.csv").write_text(SCORES.format(seed=0))
    with pytest.raises(
        InputError, match=r"reports/scores: has the report of experiment scores; give another"
    ):
        report_scores([Path("scores.csv")])
    assert page.read_text(encoding="utf-8") == before
