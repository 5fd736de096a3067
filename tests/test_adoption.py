"""Changes of code: told, adopted where a replay shows that no digit changes, refused where one does."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from seglossbench import adopted, code, stages
from seglossbench.adopted import Adoption, Change
from seglossbench.errors import InputError, JobError
from seglossbench.experiment import Experiment, identity, plans
from seglossbench.records import read_history, state
from seglossbench.training.batches import PatchBatches

BATCHES = "seglossbench.training.batches"


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A copy of the package's code, which is read in place of it; what runs is the package."""
    shutil.copytree(Path(code.__file__).parent, tmp_path / "copy" / code.PACKAGE)
    monkeypatch.setattr(code, "_home", lambda top: tmp_path / "copy")
    monkeypatch.setattr(identity, "_closure", identity._closure.__wrapped__)
    return tmp_path / "copy" / code.PACKAGE


def load(**overrides):
    grid = {"datasets": ["brats_phantom"], "losses": ["ce_dice"]}
    return Experiment.load(
        overrides={"experiment": "tiny", "grid": grid, "track": {"live": False}, **overrides}
    )


@pytest.fixture
def trained(project, source):
    """The run of a tiny experiment, trained."""
    experiment = load()
    _prepare(experiment)
    (run,) = experiment.runs
    stages.train(run)
    return run


def _prepare(experiment):
    for dataset in experiment.datasets:
        if not dataset.maps.exists():
            stages.download(dataset)
            stages.preprocess(experiment, dataset)
            stages.cache_maps(experiment, dataset)


def edit(source, file="training/batches.py"):
    with (source / file).open("a") as module:
        module.write("\nEDITED = 1\n")


def test_an_adopted_change_leaves_the_run_its_name_and_nothing_is_trained_again(trained, source):
    edit(source)
    renamed = load()
    assert renamed.runs[0].id != trained.id
    (why,) = stages.differences(renamed)
    assert str(why) == f"{renamed.runs[0].id}: unlike {trained.folder.name}: {BATCHES} was edited"
    (adoption,) = stages.adopt(renamed, "a constant was added", epochs=1)
    assert adoption.shown_by == (trained.id,)
    (run,) = load().runs
    assert run.id == trained.id
    assert state(run.folder).is_finished
    assert stages.differences(load()) == []
    with pytest.raises(InputError, match="nothing to adopt"):
        stages.adopt(load(), "again", epochs=1)


def test_a_change_of_digits_is_refused_by_the_replay(trained, source, monkeypatch):
    edit(source)
    draw = PatchBatches.batch

    def brighter(self, epoch, step):
        batch = draw(self, epoch, step)
        return replace(batch, image=batch.image + 1.0)

    monkeypatch.setattr(PatchBatches, "batch", brighter)
    with pytest.raises(JobError, match=r"gives other digits.*train loss of epoch 0 is .*nothing was adopted"):
        stages.adopt(load(), "nothing changed, I swear", epochs=1)
    assert not adopted.FILE.exists()
    assert load().runs[0].id != trained.id


def test_what_was_trained_on_another_device_proves_nothing_here(trained, source):
    record = trained.folder / "provenance.json"
    record.write_text(record.read_text().replace('"device": "cpu', '"device": "a GPU, cpu'))
    edit(source)
    with pytest.raises(JobError, match="was trained on a GPU"):
        stages.adopt(load(), "moved", epochs=1)
    (adoption,) = stages.adopt(load(), "moved", epochs=1, replays=False)
    assert adoption.shown_by == ()
    assert load().runs[0].id == trained.id


def test_a_change_of_preparation_prepares_again_until_it_is_adopted(trained, source):
    edit(source, "data/preparation/normalisation.py")
    experiment = load()
    assert experiment.datasets[0].prepared != trained.dataset.prepared
    with pytest.raises(InputError, match="run seglossbench preprocess first"):
        stages.adopt(experiment, "moved", epochs=1)
    _prepare(experiment)
    stages.adopt(experiment, "moved", epochs=1)
    assert load().datasets[0].prepared == trained.dataset.prepared
    assert load().runs[0].id == trained.id


def test_settings_that_differ_are_told_and_cannot_be_adopted(trained):
    experiment = load(train={"batch_size": 3})
    (why,) = stages.differences(experiment)
    assert "train.batch_size: 2 -> 3" in str(why)
    with pytest.raises(InputError, match="nothing to adopt"):
        stages.adopt(experiment, "it is the same, is it not", epochs=1)


def test_code_may_move_to_another_module():
    moved = Adoption(
        date="2026-01-01",
        because="a module was divided",
        modules={"a": Change(before="1", after="2"), "new": Change(before=None, after="3")},
    )
    assert moved.undone({"a": "2", "new": "3", "other": "9"}) == {"a": "1", "other": "9"}
    joined = moved.model_copy(
        update={"modules": {"a": Change(before="1", after="2"), "old": Change(before="0", after=None)}}
    )
    assert joined.undone({"a": "2"}) == {"a": "1", "old": "0"}
    assert joined.undone({"a": "5"}) == {"a": "5"}, "of other code nothing is known"


def test_a_damaged_file_of_adoptions_is_named(project):
    adopted.FILE.write_text("- {because: 1}\n")
    with pytest.raises(InputError, match=r"adopted\.yaml: damaged"):
        load()


def test_a_job_trains_what_was_planned_whatever_params_say_by_then(project, source):
    planned = load().runs[0]
    place = plans.write(planned)
    (project / "params.yaml").write_text("experiment: nonsense\n")
    read = plans.read(place)
    assert (read.id, read.settings, read.dataset) == (planned.id, planned.settings, planned.dataset)
    assert (read.predictions, read.scores) == (planned.predictions, planned.scores)


def test_a_job_whose_code_was_edited_while_it_waited_names_the_module(project, source):
    place = plans.write(load().runs[0])
    edit(source, "training/progress.py")  # which only watches
    plans.read(place)
    edit(source)
    with pytest.raises(
        JobError, match=rf"{BATCHES} was edited after this run was planned.*start snakemake again"
    ):
        plans.read(place)


def test_a_run_can_be_trained_again_from_its_folder_alone(trained, project):
    shutil.rmtree(project / "experiments")
    again = stages.train_from(trained.folder, project / "again")
    histories = [
        [row for row in read_history(folder / "history.csv") if row.split != "cost"]
        for folder in (trained.folder, again)
    ]
    assert histories[0] == histories[1]
    assert (again / "checkpoint.pt").read_bytes() == (trained.folder / "checkpoint.pt").read_bytes()
    with pytest.raises(InputError, match="again: holds a finished run already"):
        stages.train_from(trained.folder, again)
    shutil.rmtree("data/prepared")
    with pytest.raises(InputError, match="run seglossbench preprocess first"):
        stages.train_from(trained.folder, project / "third")


def test_orphans_are_what_no_experiment_names(trained, project):
    for file in (project / "experiments").glob("*.yaml"):
        if file.stem != "tiny":
            file.unlink()
    (project / "params.yaml").write_text((project / "params.yaml").read_text().replace("phantoms", "tiny", 1))
    text = (project / "experiments" / "tiny.yaml").read_text()
    assert stages.unnamed(Path("params.yaml")).orphans == ()
    (project / "experiments" / "tiny.yaml").write_text(text.replace("epochs: 2", "epochs: 3"))
    found = stages.unnamed(Path("params.yaml"))
    assert {orphan.kind for orphan in found.orphans} == {"run", "prediction"}
    assert all(orphan.size > 0 for orphan in found.orphans)
    stages.remove(found.orphans)
    assert not trained.folder.exists()
    assert trained.dataset.prepared.exists()
    assert stages.unnamed(Path("params.yaml")).orphans == ()


def test_what_an_experiment_that_cannot_be_asked_might_name_is_no_orphan(trained, project):
    for file in (project / "experiments").glob("*.yaml"):
        file.unlink()
    (project / "experiments" / "lost.yaml").write_text(
        "grid: {datasets: [brats_phantom, gone]}\ndatasets: {gone: {folder: nowhere}}\n"
    )
    found = stages.unnamed(Path("params.yaml"))
    assert found.orphans == ()
    assert found.not_asked[0].startswith("lost: datasets.gone.folder: ")
