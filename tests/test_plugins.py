"""Files of one's own, named by ``plugins`` in the params: known without an import, used by name, part of identities."""

import subprocess
import sys

import pytest

from seglossbench import plugins, registry
from seglossbench.errors import InputError
from seglossbench.experiment import Experiment, identity, plans
from seglossbench.vocabulary.metrics import metric_named

LOSS = '''
"""A loss of one's own."""
from seglossbench.losses import register


@register("gap")
def gap(prediction, truth, *, power: float = 2.0):
    """The true class's missing probability, to a power."""
    return (prediction.p_wrong**power).mean()
'''
EVERYTHING = '''
import seglossbench.networks
from torch import nn
from seglossbench.data import layouts
from seglossbench.data.cases import CaseIndex
from seglossbench.data.splits import register as split
from seglossbench.evaluation import register as metric


@seglossbench.networks.register("Pointwise")
class Pointwise(nn.Module):
    """One convolution of a voxel."""

    def __init__(self, spatial_dims, in_channels, out_channels, *, bias: bool = True):
        super().__init__()
        kind = nn.Conv3d if spatial_dims == 3 else nn.Conv2d
        self.only = kind(in_channels, out_channels, 1, bias=bias)

    def forward(self, x):
        return self.only(x)


@layouts.register("nothing", looks="any folder")
def index(folder, settings):
    """A layout of no cases."""
    return CaseIndex(layout="nothing", cases=(), channels=(), label_values={"background": 0, "thing": 1})


@split("first_is_test")
def first_is_test(cases, params):
    """The first case is for test."""
    return {"test": [cases[0].name]}, "the first case is for test"


@metric("extra_ml", better="lower", unit="ml", digits=1)
def extra_ml(compared):
    """The volume that is predicted beside the truth."""
    a, b, c = compared.spacing_mm
    return float((compared.prediction & ~compared.truth).sum() * a * b * c / 1000)
'''


@pytest.fixture(autouse=True)
def forgotten(monkeypatch, tmp_path):
    """Whatever a test uses is unknown after it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    plugins.forget(plugins.files_in_use())
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
    identity._closure.cache_clear()


@pytest.fixture
def file(tmp_path):
    def write(text, name="own_gap.py"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_what_a_file_registers_is_known_before_it_is_imported(file):
    plugins.use([file("raise_when_imported = 1 / 0\n" + LOSS)])
    assert registry.TERMS.signature("gap").parameters["power"].default == "2.0"
    assert "own_gap" not in sys.modules
    with pytest.raises(InputError, match=r"own_gap\.py: cannot be imported: ZeroDivisionError"):
        registry.TERMS.load("gap")


def test_a_file_may_register_things_of_every_kind(file):
    plugins.use([file(EVERYTHING, "own_things.py")])
    import torch

    from seglossbench import networks
    from seglossbench.data.layouts import index_cases
    from seglossbench.evaluation import score_case

    network = networks.build(
        "mine",
        {"architecture": "Pointwise", "bias": False},
        patch_size=[4, 4, 4],
        in_channels=1,
        out_channels=2,
        seed=0,
    )
    assert network(torch.zeros(1, 1, 4, 4, 4)).shape == (1, 2, 4, 4, 4)
    assert registry.LAYOUTS.load("nothing").index(None, None).layout == "nothing"
    assert registry.SPLITS.load("first_is_test").__name__ == "first_is_test"
    metric = metric_named("extra_ml")
    assert (metric.title, metric.text(1.26)) == ("extra_ml ↓ [ml]", "1.3")
    assert metric.words == "The volume that is predicted beside the truth."
    truth = torch.zeros(8, 8, 8, dtype=torch.uint8).numpy()
    prediction = truth.copy()
    prediction[2:4, 2:4, 2:7] = 1
    (record, *_) = score_case(
        truth, prediction, (10.0, 5.0, 1.0), classes={"thing": [1]}, metrics=["extra_ml"]
    )
    assert record == {"class": "thing", "metric": "extra_ml", "value": 1.0}
    assert "nothing" not in registry.LAYOUTS.own  # and so no layout: auto tries it
    assert index_cases is not None


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (None, "gone.py", r"plugins: .*gone\.py: no such file"),
        ("x = 1", "own_gap.py", r"plugins: .*own_gap\.py: registers nothing; put @register"),
        ("def (", "own_gap.py", r"own_gap\.py, line 1: no Python: invalid syntax"),
        (LOSS, "json.py", r"plugins: .*json\.py: there is a module json already"),
        (
            LOSS,
            "my-gap.py",
            r"plugins: .*my-gap\.py: expected a Python file, whose name can be that of a module",
        ),
        (
            LOSS.replace('"gap"', '"ce"'),
            "own_gap.py",
            r"own_gap\.py: loss term 'ce' is already that of seglossbench",
        ),
        (LOSS.replace('"gap"', "NAME"), "own_gap.py", r"own_gap\.py, line 6: expected the name as a text"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_a_line(file, tmp_path, text, name, message):
    place = tmp_path / name if text is None else file(text, name)
    with pytest.raises(InputError, match=message):
        plugins.use([place])
    assert "gap" not in registry.TERMS


def test_two_files_may_not_take_one_name(file):
    plugins.use([file(LOSS)])
    with pytest.raises(InputError, match=r"other\.py: loss term 'gap' is already that of .*own_gap\.py"):
        plugins.use([file(LOSS, "other.py")])


def test_a_file_may_not_take_a_name_of_ours(file):
    with pytest.raises(InputError, match=r"own_ce\.py: loss term 'ce' is already that of seglossbench"):
        plugins.use([file(LOSS.replace('"gap"', '"ce"'), "own_ce.py")])


@pytest.fixture
def with_gap(project):
    """The tiny experiment, one of whose losses stands in a file of the user's; gives that file."""
    (project / "own_gap.py").write_text(LOSS)
    tiny = project / "experiments" / "tiny.yaml"
    tiny.write_text(tiny.read_text().replace("rrw_ce]", "gap]") + "plugins: [own_gap.py]\n")
    return project / "own_gap.py"


def ids():
    identity._closure.cache_clear()
    return {run.loss: run.id for run in Experiment.load(overrides={"experiment": "tiny"}).runs}


def test_a_file_is_in_the_identity_of_just_the_runs_that_use_it(with_gap):
    before = ids()
    with_gap.write_text(LOSS.replace("p_wrong**power", "p_wrong ** (power)") + "# so\n")
    assert ids() == before
    with_gap.write_text(LOSS.replace("p_wrong**power", "p_wrong**power * 2"))
    after = ids()
    assert after["ce_dice"] == before["ce_dice"]
    assert after["gap"] != before["gap"]


def test_what_lies_beside_a_file_counts_where_it_is_imported(with_gap):
    helper = with_gap.with_name("gap_helper.py")
    helper.write_text("FACTOR = 2\n")
    with_gap.write_text(LOSS.replace("from seglossbench", "import gap_helper\nfrom seglossbench", 1))
    before = ids()
    helper.write_text("FACTOR = 3\n")
    assert ids()["gap"] != before["gap"]
    assert ids()["ce_dice"] == before["ce_dice"]


def test_a_metric_of_ones_own_names_scores_and_no_run(project):
    (project / "own_things.py").write_text(EVERYTHING)
    changes = {
        "experiment": "tiny",
        "plugins": ["own_things.py"],
        "evaluate": {"metrics": ["DSC", "extra_ml"]},
    }

    def run():
        identity._closure.cache_clear()
        first = Experiment.load(overrides=changes).runs[0]
        return first, first.scores

    before, before_scores = run()
    (project / "own_things.py").write_text(EVERYTHING.replace("/ 1000", "/ 1000.0001"))
    after, after_scores = run()
    assert before.settings.plugins == ("own_things.py",)
    assert before.id == after.id
    assert before_scores != after_scores


READ = """
import sys
from pathlib import Path
from seglossbench import losses
from seglossbench.experiment import plans
print(losses.build(plans.read(Path(sys.argv[1])).settings.terms))
"""


def test_plans_carry_the_files_that_their_run_needs(with_gap, tmp_path):
    runs = {run.loss: run for run in Experiment.load(overrides={"experiment": "tiny"}).runs}
    assert runs["ce_dice"].settings.plugins == ()
    assert runs["gap"].settings.plugins == ("own_gap.py",)
    plan = plans.write(runs["gap"])
    answer = subprocess.run(
        [sys.executable, "-c", READ, str(plan)], capture_output=True, text=True, check=True
    )
    assert "gap" in answer.stdout
    with_gap.unlink()
    with pytest.raises(InputError, match=r"plugins: own_gap\.py: no such file"):
        plans.read(plan)


def test_paths_are_relative_to_the_params(with_gap, project, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    experiment = Experiment.load(project / "params.yaml", {"experiment": "tiny"})
    assert experiment.params.plugins == (str(project / "own_gap.py"),)
