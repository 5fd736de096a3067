"""That a value means the same in a file, after --set and after --config."""

from pathlib import Path

import pytest
import yaml
from snakemake.cli import parse_config

from seglossbench import params
from seglossbench.cli.application import Settings
from seglossbench.errors import InputError
from seglossbench.params.text import from_snakemake, parse_yaml, scalar, unfold


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-0.5", -0.5),
        ("1.0", 1.0),
        ("true", True),
        ("null", None),
        ("", None),
        # What cannot be written back as the same text stays text.
        *((text, text) for text in ("007", "1e-3", "0.10", "1_000", "+1", "0x10", "12:30", "2024-01-01")),
        *((text, text) for text in ("on", "No", "True", "nan", ".inf", "NA", "=1+1", "~/data", "<5mm")),
    ],
)
def test_a_scalar_is_a_number_only_where_nothing_is_lost(text, value):
    found = scalar(text)
    assert found == value
    assert type(found) is type(value)
    assert parse_yaml(f"{{key: {text}}}") == {"key": value}
    if isinstance(value, str):
        assert parse_yaml(f"{{key: '{text}'}}") == {"key": text}


def test_keys_are_text_and_quoted_values_too():
    assert parse_yaml("1: '1'\ntrue: \"true\"\nno: 2") == {"1": "1", "true": "true", "no": 2}


def test_anchors_and_merges_are_those_of_yaml():
    assert parse_yaml("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}") == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
    }


@pytest.mark.parametrize("text", ["a: 1\na: 2", "a: {b: 1, b: 1}", "? [a]\n: 1"])
def test_a_key_that_is_no_name_or_stands_twice_is_an_error(text):
    with pytest.raises(yaml.YAMLError, match=r"twice|expected a name"):
        parse_yaml(text)


VALUES = [
    ("data_root", "2024", "2024"),
    ("data_root", "007", "007"),
    ("data_root", "1e-3", "1e-3"),
    ("data_root", "~/data", str(Path("~/data").expanduser())),
    ("data_root", "/data/study #2: all", "/data/study #2: all"),
    ("data_root", "null", None),
    ("grid", "{seeds: [0, 1]}", (0, 1)),
    ("maps", "{contour_kernel: 2}", 2),
    ("train", "{optimiser: {learning_rate: 1e-2}}", 0.01),
    ("train", "{compile: true, slice_axis: 2, augmentation: {flip_axes: [0, 2]}}", (True, 2, (0, 2))),
    ("train", "{clip_gradient_norm: null}", None),
]
FOUND = {
    "data_root": lambda loaded: loaded.data_root,
    "grid": lambda loaded: loaded.grid.seeds,
    "maps": lambda loaded: loaded.maps.contour_kernel,
    "{optimiser": lambda loaded: loaded.train.optimiser.learning_rate,
    "{compile": lambda loaded: (
        loaded.train.compile,
        loaded.train.slice_axis,
        loaded.train.augmentation.flip_axes,
    ),
    "{clip_gradient_norm": lambda loaded: loaded.train.clip_gradient_norm,
}


@pytest.mark.parametrize(("key", "text", "value"), VALUES)
def test_file_set_and_config_mean_the_same(project, key, text, value):
    def found(loaded):
        return FOUND[text.split(":")[0] if key == "train" else key](loaded)

    quoted = f'"{text}"' if "#" in text else text  # in a file YAML has the say about # and :
    (project / "experiments" / "file.yaml").write_text(f"{key}: {quoted}\n")
    assert found(params.load(project / "params.yaml", {"experiment": "file"})) == value
    settings = Settings(project / "params.yaml", ["experiment=tiny", f"{key}={text}"])
    assert found(params.load(settings.params, settings.overrides)) == value
    words = ["snakemake", "--cores", "1", "--config", "experiment=tiny", f"{key}={text}"]
    overrides = from_snakemake(parse_config(words[4:]), words)
    assert found(params.load(project / "params.yaml", overrides)) == value


def test_what_snakemake_read_from_elsewhere_is_typed_as_well():
    """As from a profile, of whose text nothing is on the command line."""
    config = parse_config(["maps={contour_kernel: 2}", "grid={seeds: [0, 1]}", "data_root=x"])
    assert from_snakemake(config, ["snakemake"]) == {
        "maps": {"contour_kernel": 2},
        "grid": {"seeds": [0, 1]},
        "data_root": "x",
    }
    assert from_snakemake({"train": {"epochs": 5, "batch_size": 1}}, ["--config=train={epochs: 3}"]) == {
        "train": {"epochs": 3, "batch_size": 1}
    }


def test_a_key_within_keys_is_reached_by_dots(project):
    settings = Settings(
        project / "params.yaml",
        ["train.epochs=3", "grid.losses=[ce]", "datasets.own.folder=007", "train={batch_size: 5}"],
    )
    loaded = params.load(settings.params, settings.overrides)
    assert (loaded.train.epochs, loaded.train.batch_size, loaded.train.steps_per_epoch) == (3, 5, 24)
    assert loaded.grid.losses == ("ce",)
    assert loaded.datasets["own"].folder == "007"
    with pytest.raises(
        InputError, match=r"--set or --config: train\.epoch: unknown key; did you mean 'epochs'"
    ):
        params.load(project / "params.yaml", {"train.epoch": 3})


def test_a_name_with_dots_in_it_stays_whole():
    known = {"datasets": {"v1.2": {"split": "auto"}}}
    assert unfold({"datasets.v1.2.split": "file"}, known) == {"datasets": {"v1.2": {"split": "file"}}}
    assert unfold({"datasets.v2.split": "file"}, known) == {"datasets": {"v2": {"split": "file"}}}


def test_a_value_that_is_no_yaml_is_named(project):
    with pytest.raises(InputError, match=r"--set grid=\[1: not valid YAML"):
        Settings(project / "params.yaml", ["grid=[1"])


def test_a_home_folder_is_found_in_every_path(project, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    loaded = params.load(
        project / "params.yaml",
        {
            "data_root": "~/data",
            "report.folder": "~/reports",
            "track.uri": "sqlite:///~/mlflow.db",
            "datasets.own.folder": "~",
            "datasets.own.split_file": "~/split.json",
            "datasets.kits19.origin": "~/kits.zip",
            "datasets.acdc17.origin": "https://mirror/~acdc.zip",
        },
    )
    assert loaded.data_root == "/home/me/data"
    assert loaded.report.folder == "/home/me/reports"
    assert loaded.track.uri == "sqlite:////home/me/mlflow.db"
    assert loaded.datasets["own"].folder == "/home/me"
    assert loaded.datasets["own"].split_file == "/home/me/split.json"
    assert loaded.datasets["kits19"].origin == "/home/me/kits.zip"
    assert loaded.datasets["acdc17"].origin == "https://mirror/~acdc.zip"
    with pytest.raises(InputError, match=r"data_root: there is no home folder for ~nobody-of-that-name"):
        params.load(project / "params.yaml", {"data_root": "~nobody-of-that-name/x"})


def test_a_file_that_begins_with_a_byte_order_mark_is_read(project):
    file = project / "experiments" / "tiny.yaml"
    file.write_text("\ufeff" + file.read_text(), encoding="utf-8")
    assert params.load(project / "params.yaml", {"experiment": "tiny"}).train.epochs == 2
