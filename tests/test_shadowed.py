"""What is changed of params.yaml while the experiment sets the same key."""

import pytest

from seglossbench.errors import InputError
from seglossbench.params import check_dvc_changes
from seglossbench.params.loading import read
from seglossbench.params.shadowed import check_changes


@pytest.fixture
def change(project):
    """A function that checks one change of params.yaml under an experiment."""
    (project / "experiments" / "one.yaml").write_text(
        "train: {epochs: 2}\ngrid: {seeds: [0, 1]}\n"
        "losses: {rrw_ce: {ce: {weight: {from: 1.0, to: 0.5, per_epoch: -0.1}}}}"
    )
    (project / "experiments" / "both.yaml").write_text("include: [one]\ngrid: {losses: [ce]}")
    path = project / "params.yaml"
    former = read(path)

    def check(old, new, experiment="one"):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        check_changes(path, former, {"experiment": experiment})

    return check


@pytest.mark.parametrize("experiment", ["one", "both"])
@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("  epochs: 100", "  epochs: 3", "train.epochs"),
        ("seeds: [0, 1]", "seeds: [0]", "grid.seeds"),
        (
            "rrw_ce: {ce: 1.0, rrw: 1.0}",
            "rrw_ce: {ce: {weight: {from: 2.0, to: 1.0, per_epoch: -0.1}}, rrw: 1.0}",
            "losses.rrw_ce.ce.weight.from",
        ),
    ],
)
def test_a_change_that_an_experiment_hides_names_the_file_where_to_make_it(change, old, new, key, experiment):
    value = "2.0" if key.startswith("losses") else new.rpartition(": ")[2]
    with pytest.raises(InputError) as told:
        change(old, new, experiment)
    assert f"{key} was changed, which has no effect because" in str(told.value)
    assert f"experiments/one.yaml:{key}={value}'" in str(told.value)


def test_other_changes_pass(change):
    change("  batch_size: 2", "  batch_size: 4")
    change("  rrw: {rrw: 1.0}", "  rrw: {rrw: 2.0}")
    change("experiment: phantoms", "experiment: papers")


def test_outside_of_dvc_nothing_is_checked(change, project, monkeypatch):
    monkeypatch.delenv("DVC_EXP_BASELINE_REV", raising=False)
    check_dvc_changes(project / "params.yaml", {"experiment": "nowhere"})
