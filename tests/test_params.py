import subprocess
import sys

import pytest

from seglossbench import params
from seglossbench.errors import InputError


@pytest.fixture
def change(project):
    """A function that writes an experiment and loads it."""

    def load(text, **overrides):
        (project / "experiments" / "changed.yaml").write_text(text)
        return params.load(project / "params.yaml", {"experiment": "changed", **overrides})

    return load


def test_experiment_lists_only_what_it_changes(change):
    unchanged, changed = change("{}"), change("train: {epochs: 7}")
    assert changed.train.epochs == 7
    assert unchanged.train.epochs != 7
    assert changed.train.model_copy(update={"epochs": unchanged.train.epochs}) == unchanged.train
    assert changed.losses == unchanged.losses


def test_lists_are_replaced_and_mappings_merged(change):
    changed = change("grid: {losses: [ce]}\nlosses: {rrw_ce: {rrw: 2.0}}")
    assert changed.grid.losses == ("ce",)
    assert changed.losses["rrw_ce"] == {"ce": 1.0, "rrw": 2.0}


def test_command_line_beats_experiment(change):
    assert change("data_root: theirs", data_root="mine").data_root == "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("train: {epoch: 7}", ["changed.yaml", "train.epoch", "'epochs'"]),
        ("trian: {epochs: 7}", ["changed.yaml", "trian", "'train'"]),
        ("datasets: {own: {foldr: x}}", ["changed.yaml", "datasets.own.foldr", "'folder'"]),
        ("train: {epochs: many}", ["train.epochs", "'many'"]),
        ("train: {epochs: 0}", ["train.epochs", "greater than 0"]),
        ("grid: {losses: [cwdc]}", ["grid.losses", "'cwdc'", "'cwcd'"]),
        ("train: [1", ["changed.yaml", "not valid YAML"]),
        ("datasets: {own: {split: k_fold, fold: 7}}", ["datasets.own: no fold 7 of 5; folds count from 0"]),
        ("datasets: {own: {split: file}}", ["datasets.own: split: file needs a split_file"]),
        (
            "datasets: {own: {split: official, split_file: x.json}}",
            ["datasets.own: a split_file", "official"],
        ),
        (
            "datasets: {own: {classes: {core: 1, oedema: 2}, regions: {whole: [1, oedma]}}}",
            ["datasets.own: regions.whole: no class 'oedma'; did you mean 'oedema'"],
        ),
        ("losses: {rrw_ce: {Ce: 1}}", ["losses.rrw_ce: unknown loss term 'Ce'", "'ce'"]),
        ("losses: {mine: {focal: {gama: 2}}}", ["losses.mine.focal.gama: unknown parameter", "'gamma'"]),
        ("losses: {mine: {focal: {gamma: two}}}", ["losses.mine.focal.gamma", "'two'"]),
        ("losses: {mine: {cw_ce: {form: print}}}", ["losses.mine.cw_ce.form", "'print'", "'printed'"]),
        ("losses: {mine: {region_wise: {map: rectifid}}}", ["losses.mine.region_wise.map", "'rectified'"]),
        ("losses: {mine: {ce: much}}", ["losses.mine.ce: expected a number, found 'much'"]),
        ("losses: {mine: {ce: {weight: {from: 1}}}}", ["losses.mine.ce.weight", "from, to, per_epoch"]),
        ("losses: {mine: {}}", ["losses.mine: expected names of terms"]),
        ("networks: {unet: {architecture: Unet}}", ["networks.unet.architecture", "'Unet'", "'UNet'"]),
        ("networks: {mine: {}}", ["networks.mine.architecture: unknown architecture 'mine'"]),
        ("networks: {unet: {chanels: [4, 8]}}", ["networks.unet.chanels: unknown parameter", "'channels'"]),
        ("networks: {unet: {channels: [4, wide]}}", ["networks.unet.channels.1", "'wide'"]),
        ("networks: {mine: {architecture: UNETR, patch_size: [8]}}", ["networks.mine.patch_size", "train"]),
        ("- 1", ["changed.yaml", "expected a mapping"]),
    ],
)
def test_mistakes_are_named_in_one_line(change, text, words):
    with pytest.raises(InputError) as error:
        change(text)
    assert all(word in str(error.value) for word in words), str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_experiment_lists_the_known_ones(project):
    with pytest.raises(InputError, match=r"phantom.*did you mean 'phantoms'.*own_data"):
        params.load(project / "params.yaml", {"experiment": "phantom"})


def test_unknown_override_is_an_error(change):
    with pytest.raises(InputError, match="--config: dataroot: unknown key; did you mean 'data_root'"):
        change("{}", dataroot="x")


def test_every_experiment_of_the_project_is_valid(project):
    for file in (project / "experiments").glob("*.yaml"):
        assert params.load(project / "params.yaml", {"experiment": file.stem}).experiment == file.stem


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"evaluate": {"metrics": ["DCS"]}},
            r"evaluate\.metrics\.0: unknown metric 'DCS'; did you mean 'DSC'",
        ),
        ({"evaluate": {"metrics": ["NSD@mm"]}}, r"unknown metric 'NSD@mm'; did you mean 'NSD@1mm'"),
        ({"train": {"validation_metrics": ["HD96"]}}, r"train\.validation_metrics\.0: .*did you mean 'HD95'"),
    ],
)
def test_a_metric_that_is_not_there_is_found_before_anything_runs(change, wrong, message):
    with pytest.raises(InputError, match=message):
        change("{}", **wrong)


def test_a_tolerance_of_any_size_is_a_metric(change):
    assert change("evaluate: {metrics: [NSD@1.5mm]}").evaluate.metrics == ("NSD@1.5mm",)


def test_losses_and_networks_are_typed_by_their_terms_and_architectures(change):
    loaded = change(
        "losses: {mine: {tversky: {alpha: 1e-1, smooth: 1}, ce: 1,\n"
        "  dice: {weight: {from: 1, to: 0, per_epoch: -1e-2}}}}\n"
        "networks: {mine: {architecture: SwinUNETR, use_checkpoint: yes, feature_size: 12, train: {epochs: 3}}}"
    )
    assert loaded.losses["mine"] == {
        "tversky": {"alpha": 0.1, "smooth": 1.0},
        "ce": 1.0,
        "dice": {"weight": {"from": 1.0, "to": 0.0, "per_epoch": -0.01}},
    }
    assert isinstance(loaded.losses["mine"]["ce"], float)
    assert loaded.networks["mine"] == {
        "architecture": "SwinUNETR",
        "use_checkpoint": True,
        "feature_size": 12,
        "train": {"epochs": 3},
    }
    as_config = {"losses": {"mine": {"ce": "1e-3"}}, "networks": {"unet": {"channels": ["4", "8"]}}}
    assert change("{}", **as_config).losses["mine"] == {"ce": 0.001}
    assert change("{}", **as_config).networks["unet"]["channels"] == [4, 8]


def test_params_are_read_without_torch(project):
    code = (
        "import sys; from pathlib import Path; from seglossbench.experiment import Experiment; "
        "Experiment.load(); assert 'torch' not in sys.modules and 'monai' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
