import subprocess
import sys

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from seglossbench import cli
from seglossbench.cli.application import cli as program
from seglossbench.data.prepared import PreparedDataset
from seglossbench.experiment import Experiment


@pytest.fixture
def run(project, capsys):
    """A function that runs the command line and gives its status, output and error."""

    def call(*words):
        with pytest.raises(SystemExit) as stop:
            cli.main(words)
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return call


@pytest.mark.parametrize("command", sorted(program.commands))
def test_every_command_has_help_with_an_example(command):
    answer = CliRunner().invoke(program, [command, "--help"])
    assert answer.exit_code == 0
    assert "Example" in answer.output
    assert "seglossbench" in answer.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "no command 'trian'; did you mean 'train'"),
        (["--set", "evaluate.classes=regions", "list"], "dataset amos_phantom has no regions"),
        (["--set", "train.patch_size=[8, 8]", "status"], "maps.scope: volume computes"),
        (["train"], "RUN: none given; seglossbench list shows the ids"),
        (["list", "--al"], "No such option"),
        (["--set", "experiment=phantom", "list"], "did you mean 'phantoms'"),
        (["--set", "nonsense", "list"], "expected KEY=VALUE"),
        (["--params", "nowhere.yaml", "list"], "nowhere.yaml: No such file"),
        (["train", "brats_phantom/unet/ce/seed0-x"], "no run"),
        (["check-data", "ovn", "--on", "."], "no dataset 'ovn' in the params; did you mean 'own'"),
        (["check-data", "own", "--on", "."], "holds no cases that can be read; expected dataset.json"),
        (["score", "truth.nii.gz", "prediction.nii.gz"], "truth.nii.gz: no such file"),
        (["report", "--scores", "nothing.csv"], "nothing.csv: No such file"),
        (["download", "kits9"], "did you mean 'kits19'"),
        (["download", "kits19", "--origin", "nowhere"], "datasets.kits19.origin: no folder nowhere"),
        (["download", "kits19", "--route", "kaggle"], "kits19 has no route 'kaggle'"),
        (["download", "brats_phantom", "--origin", "x"], "datasets.brats_phantom"),
    ],
)
def test_bad_input_is_one_line_and_status_2(run, words, message):
    status, out, error = run(*words)
    assert status == 2
    assert out == ""
    assert error.startswith("seglossbench: ")
    assert error.count("\n") == 1
    assert message in error


def test_a_failed_job_is_one_line_and_status_1(run, monkeypatch):
    def fail(dataset):
        raise RuntimeError("the disk\nis full")

    monkeypatch.setattr("seglossbench.stages.download", fail)
    status, _, error = run("download", "brats_phantom")
    assert status == 1
    assert "RuntimeError: the disk is full" in error
    assert error.count("\n") == 1


def test_debug_shows_the_traceback(project):
    with pytest.raises(Exception, match="no dataset 'x'"):
        cli.main(["--debug", "download", "x"])


def test_list_and_status(run):
    status, out, _ = run("--set", "experiment=tiny", "list")
    assert status == 0
    assert [line.rsplit("-", 1)[0] for line in out.splitlines()] == [
        f"{dataset}/unet/{loss}/seed0"
        for dataset in ("brats_phantom", "amos_phantom")
        for loss in ("ce_dice", "rrw_ce")
    ]
    assert "* rrw_ce" in run("list", "losses")[1]
    assert "own_data" in run("list", "experiments")[1]
    assert "focal(alpha=1.0, gamma=2.0)\n    Mean over voxels" in run("list", "terms")[1]
    assert "VNet(dropout=0.5)\n    V-Net" in run("list", "architectures")[1]
    assert "NOT_LAUNCHED" in run("--set", "experiment=tiny", "status")[1]


def test_scoring_before_training_says_what_to_run(run):
    id = run("--set", "experiment=tiny", "list")[1].splitlines()[0]
    status, _, error = run("--set", "experiment=tiny", "evaluate", id)
    assert status == 2
    assert f"run seglossbench train {id}" in error


@pytest.fixture
def mine(project, write_nifti):
    """A folder of three small cases in the layout of BraTS."""
    for number in (1, 2, 3):
        for part in ("flair", "t1", "t1ce", "t2", "seg"):
            voxels = np.random.default_rng([number, len(part), ord(part[-1])]).integers(1, 3, (4, 4, 4))
            write_nifti(project / f"mine/case{number}/x_{part}.nii", voxels.astype(np.int16))
    return project / "mine"


def test_a_bad_case_stops_the_preparation_or_is_left_out_and_named(run, project, mine):
    (mine / "case2/x_t1.nii").write_text("no scan")
    (project / "experiments" / "skip.yaml").write_text(
        "grid: {datasets: [own]}\ndatasets: {own: {on_bad_case: skip}}"
    )
    status, _, error = run("--set", "experiment=own_data", "--set", "data_root=mine", "preprocess", "own")
    assert status == 2
    assert "mine/case2/x_t1.nii: not a readable NIfTI file" in error
    status, out, _ = run("--set", "experiment=skip", "--set", "data_root=mine", "preprocess", "own")
    assert status == 0
    assert out.startswith("left out case2: mine/case2/x_t1.nii: not a readable NIfTI file")
    experiment = Experiment.load(overrides={"experiment": "skip", "data_root": "mine"})
    prepared = PreparedDataset(experiment.dataset("own").prepared)
    assert list(prepared.cases) == ["case1", "case3"]
    assert list(prepared.skipped) == ["case2"]


def test_check_data_says_what_is_wrong_and_exits_1(run, project, mine):
    words = ("check-data", "own", "--on", "mine")
    status, out, _ = run(*words)
    assert status == 0
    assert out.startswith("own: all is well with 3 cases in the layout brats, of flair, t1, t1ce, t2")
    assert "3 patients behind 3 cases (every case is a patient of its own" in out
    for file in ("own.csv", "own.png", "own.pdf"):
        assert (project / "reports" / "data" / file).stat().st_size > 0
    (mine / "case2/x_t1.nii").write_text("no scan")
    status, out, error = run(*words, "--out", "checked")
    assert status == 1
    assert "case2  unreadable  case2/x_t1.nii: not a readable NIfTI file" in out
    assert "own: 1 of 3 cases are bad: 1 unreadable" in error
    assert "unreadable" in (project / "checked" / "own_problems.csv").read_text()


def test_verify_parity_passes_on_the_golden_files_and_fails_on_wrong_ones(run, tmp_path):
    from tests.conftest import PROJECT

    status, out, _ = run("verify-parity", str(PROJECT / "tests" / "golden"))
    assert status == 0
    assert "71 of 71 values agree" in out
    golden = dict(np.load(PROJECT / "tests" / "golden" / "slice_3class.npz"))
    golden["rrw.loss"] *= 1.001
    np.savez(tmp_path / "wrong.npz", **golden)
    status, _, error = run("verify-parity", str(tmp_path))
    assert status == 1
    assert "1 of" in error
    assert "rrw" in error


def test_a_public_dataset_wants_its_licence_accepted_once(run, realdata):
    words = ("download", "brats2020", "--origin", str(realdata / "brats20"))
    status, out, error = run(*words)
    assert status == 2
    assert "Licence: BraTS terms of use (https://" in out
    assert "Cite: Menze et al." in out
    assert "download brats2020 --accept-licence" in error
    assert run(*words, "--accept-licence")[0] == 0
    status, out, error = run(*words)
    assert (status, error) == (0, "")
    assert "2 labelled cases in the layout brats" in out
    assert f"{{datasets: {{brats2020: {{origin: {realdata / 'brats20'}}}}}}}" in out


def test_real_scans_become_a_dataset_by_a_file_address(run, realdata, project):
    address = (realdata / "amos22").as_uri()
    status, out, _ = run("download", "amos22", "--accept-licence", "--origin", address)
    assert status == 0
    assert "2 labelled cases in the layout amos" in out
    (project / "experiments" / "real.yaml").write_text(
        f"grid: {{datasets: [amos22]}}\ndatasets: {{amos22: {{origin: '{address}', accept_licence: true}}}}"
    )
    dataset = Experiment.load(overrides={"experiment": "real"}).datasets[0]
    assert (dataset.raw / "imagesTr" / "amos_0001.nii.gz").exists(), (
        "the experiment finds what was downloaded"
    )


def test_a_source_needs_no_params(run, project, tmp_path):
    (project / "params.yaml").unlink()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "scan.nii.gz").touch()
    status, out, _ = run("download", "acdc17", "--accept-licence", "--origin", "mine")
    assert status == 0
    raw = next((project / "data" / "raw").iterdir())
    assert (raw / "scan.nii.gz").exists()
    assert str(raw.relative_to(project)) in out
    assert "did you mean 'acdc17'" in run("download", "acd17")[2]
    assert "CC BY-NC-SA 4.0" in run("list", "sources")[1]


def test_who_is_interrupted_is_told_how_to_go_on(run, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Experiment, "load", interrupt)
    status, _, error = run("list")
    assert status == 130
    assert "interrupted; run the same command again to go on" in error
    assert "Abort" not in error


def test_score_by_paper_a_leaves_out_what_it_does_not_define_and_counts_empty_masks(tmp_path):
    truth, prediction, out = (tmp_path / name for name in ("truth.nii.gz", "prediction.nii.gz", "scores.csv"))
    labels = np.zeros((8, 8, 8), np.uint8)
    nib.save(nib.Nifti1Image(labels, np.eye(4)), prediction)
    labels[2:5, 2:5, 2:5] = 1
    nib.save(nib.Nifti1Image(labels, np.eye(4)), truth)
    words = ["score", str(truth), str(prediction), "--empty", "paper_a_released", "--out", str(out)]
    answer = CliRunner().invoke(program, words)
    assert answer.exit_code == 0, answer.output
    assert "left out, for paper_a_released does not define it: NSD@1mm" in answer.stderr
    assert "empty masks, whose scores follow the policy paper_a_released: 1 prediction_empty" in answer.stderr
    metrics = ("DSC", "HD", "HD95", "ASSD")
    assert set(pd.read_csv(out)["metric"]) == {*(f"{name}_paper_a_released" for name in metrics), "status"}
    assert CliRunner().invoke(program, [*words, "--metrics", "NSD@1mm"]).exit_code != 0


def test_a_job_that_waited_while_params_changed_says_what_to_do(run):
    maps = Experiment.load(overrides={"experiment": "tiny"}).datasets[0].maps
    words = ("--set", "experiment=tiny", "--set", "maps.distance_units=mm", "--for", str(maps))
    status, _, error = run(*words, "maps", "brats_phantom")
    assert status == 2
    assert f"{maps}: the experiment does not make this any more, because params or code have changed" in error
    assert "start snakemake again" in error


def test_a_log_has_all_and_the_console_the_error_and_former_logs_stay(project):
    def call(*words):
        command = [
            sys.executable,
            "-m",
            "seglossbench",
            "--log",
            "logs/x.log",
            "--set",
            "experiment=tiny",
            *words,
        ]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    first = call("list", "losses")
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
    second = call("list", "--al")
    assert second.returncode == 2
    assert second.stdout == ""
    assert second.stderr.startswith("seglossbench: No such option")
    logs = project / "logs"
    assert "* rrw_ce" in (logs / "x.1.log").read_text()
    title, error = (logs / "x.log").read_text().splitlines()
    assert title.endswith("seglossbench --log logs/x.log --set experiment=tiny list --al")
    assert error == second.stderr.strip()
    (logs / "x.log").unlink()  # as Snakemake does before a job starts
    call("list")
    assert {path.name for path in logs.iterdir()} == {"x.log", "x.1.log", "x.2.log", "x.3.log"}


def test_imported_code_is_not_searched_for_garbage_and_young_objects_are_as_ever():
    program = """if True:
        import atexit, gc
        from seglossbench.cli import main
        usual = gc.get_threshold()
        atexit.register(lambda: print(gc.get_freeze_count() > 10000))
        try:
            main(["--version"])
        finally:
            print(gc.get_threshold()[:2] == usual[:2], gc.get_threshold()[2] > usual[2])
    """
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.split("\n", 1)[1] == "True True\nTrue\n"
