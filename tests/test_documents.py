"""That what the documents show is so: Python runs, YAML loads as params, commands have the options that are given."""

import os
import re
import shlex
import tomllib
from importlib import import_module

import click
import pytest
from snakemake.cli import parse_args as parse_snakemake
from snakemake.cli import parse_config

from seglossbench import params
from seglossbench.analysis.claims import read_claims
from seglossbench.cli.application import cli as program
from seglossbench.plugins import DECORATORS
from seglossbench.registry import TERMS
from tests.conftest import PROJECT

DOCUMENTS = [
    file
    for folder in (".", "docs", "benchmarks")
    for file in sorted((PROJECT / folder).glob("*.md"))
    if file.name != "CHANGELOG.md"  # which tells what was
]
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.M | re.S)
COMMANDS = r"(?:seglossbench|snakemake|make)"
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
MAKEFILE = (PROJECT / "Makefile").read_text()


def blocks(language):
    """The blocks of a language in all documents, each named by its document and line."""
    found = []
    for document in DOCUMENTS:
        text = document.read_text()
        for block in BLOCK.finditer(text):
            line = text[: block.start()].count("\n") + 1
            if block[2] == language:
                found.append(pytest.param(block[3], id=f"{document.relative_to(PROJECT)}:{line}"))
    return found


def commands():
    """Every line of a shell block, and every command within a sentence, in an experiment's comment or in --help."""
    found = []
    for block in blocks("sh"):
        lines = block.values[0].replace("\\\n", " ").splitlines()
        found += [pytest.param(line, id=f"{block.id} {line[:60]}") for line in lines if line.strip()]
    for document in DOCUMENTS:
        prose = BLOCK.sub("", document.read_text())
        found += [
            pytest.param(command, id=f"{document.name} {command}")
            for command in re.findall(rf"`({COMMANDS} [^`]+)`", prose)
        ]
    for file in [
        PROJECT / "params.yaml",
        *PROJECT.glob("experiments/*.yaml"),
        *PROJECT.glob("workflow/profiles/*/*"),
    ]:
        found += [
            pytest.param(command, id=f"{file.name} {command}")
            for command in re.findall(rf"^# +({COMMANDS} .*)", file.read_text(), re.M)
        ]
    for name, command in program.commands.items():
        found += [
            pytest.param(example, id=f"{name} --help: {example}")
            for example in re.findall(r"^ +((?:watch )?seglossbench .*)", command.help or "", re.M)
        ]
    return found


def test_every_block_says_what_it_is():
    languages = {block[2] for document in DOCUMENTS for block in BLOCK.finditer(document.read_text())}
    assert languages == {"", "python", "sh", "yaml"}
    assert len(blocks("sh")) > 10
    assert len(commands()) > 60


@pytest.mark.parametrize("text", blocks("yaml"))
def test_yaml_loads_as_params_or_as_claims(project, text):
    shown = project / "experiments" / "shown.yaml"
    shown.write_text(text)
    if all("claim" in entry for entry in params.read(shown).values() if isinstance(entry, dict)):
        assert read_claims(shown)
    else:
        params.load(project / "params.yaml", {"experiment": "shown"})


@pytest.fixture
def terms():
    """TERMS, put back as it was after the test."""
    before = dict(TERMS.things)
    yield TERMS
    TERMS.things = before


@pytest.mark.parametrize("text", blocks("python"))
def test_python_runs(text, terms):
    exec(compile(text, "shown", "exec"), {"__name__": "shown"})


def test_the_term_of_the_readme_is_the_example_of_eight_lines():
    (source,) = (block.values[0] for block in blocks("python") if 'register("brier")' in block.values[0])
    example = (PROJECT / "examples" / "my_loss.py").read_text()
    assert example.endswith(source)
    assert len(source.splitlines()) <= 8


def test_whoever_adds_something_is_told_all_the_decorators_there_are():
    told = (PROJECT / "docs" / "architecture.md").read_text()
    for place, kind in DECORATORS.items():
        assert f"`@{place}(" in told
        assert f"`{kind.group}`" in told
        module, _, name = place.rpartition(".")
        assert callable(getattr(import_module(module), name))


@pytest.mark.parametrize("line", commands())
def test_commands_have_the_options_that_are_given(line, monkeypatch):
    monkeypatch.chdir(PROJECT)
    for command in re.split(r" (?:&&|\|\||;) ", line):
        words = shlex.split(command, comments=True)
        while words and (words[0] in ("export", "watch") or re.fullmatch(r"[A-Z_]+=.*", words[0])):
            words.pop(0)
        if words and words[0] != ".":  # else variables, or the environment
            CHECKS[words[0]](words[1:])


def check_seglossbench(words):
    """As the program reads them, up to the call of the command's function."""

    def instead(**options):
        settings = click.get_current_context().obj
        params.load(PROJECT / "params.yaml", settings.overrides)

    with pytest.MonkeyPatch.context() as patch:
        for command in program.commands.values():
            patch.setattr(command, "callback", instead)
        # none need be there
        patch.setattr(click.Path, "convert", lambda self, value, parameter, context: value)
        program.main(list(words), standalone_mode=False)


def check_snakemake(words):
    _, arguments = parse_snakemake(list(words))
    overrides = params.from_snakemake(parse_config(arguments.config), words)
    if overrides != {"KEY": "VALUE"}:
        params.load(PROJECT / "params.yaml", overrides)
    for profile in filter(None, [arguments.profile, arguments.workflow_profile]):
        assert (PROJECT / profile / "config.yaml").is_file()


def check_make(words):
    targets = [word for word in words if "=" not in word]
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", MAKEFILE, re.M), target
    for word in words:
        if "=" in word:
            assert f"$({word.partition('=')[0]}" in MAKEFILE


def check_dvc(words):
    from dvc.cli import parse_args

    parse_args(list(words))


def check_pip(words):
    assert words[0] == "install"
    for extra in re.findall(r"^seglossbench\[(\w+)\]$", words[-1]):
        assert extra in PYPROJECT["project"]["optional-dependencies"]


def check_serve(words):
    folder, *port = words
    assert os.access(PROJECT / "workflow/serve_mlflow.sh", os.X_OK)
    assert folder.startswith("/")
    assert all(map(str.isdigit, port))


CHECKS = {
    "seglossbench": check_seglossbench,
    "snakemake": check_snakemake,
    "make": check_make,
    "dvc": check_dvc,
    "pip": check_pip,
    "workflow/serve_mlflow.sh": check_serve,
}


@pytest.mark.parametrize(
    "line",
    [
        "seglossbench scor a b",
        "seglossbench score a b --hd96 pooled",
        "seglossbench status --tflops many",
        "seglossbench --set train.epoch=3 list",
        "snakemake --corse all",
        "snakemake --cores all --config experiment=phantom",
        "make demmo",
        "make demo DATUM=topomortar",
        "dvc repo",
        "pip install seglossbench[kagle]",
        "snakemaker",
        "dvc pull && seglossbench scor a b",
    ],
)
def test_a_wrong_command_is_seen(line, monkeypatch):
    with pytest.raises((Exception, SystemExit)):
        test_commands_have_the_options_that_are_given(line, monkeypatch)


def test_the_picture_of_the_house_has_every_room_and_no_other():
    picture = next(BLOCK.finditer((PROJECT / "docs" / "architecture.md").read_text()))[3]
    package = PROJECT / "src" / "seglossbench"
    shown = set(re.findall(r"^  (\w+(?:/|\.py)) ", picture, re.M))
    there = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in package.iterdir()
        if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").is_file())
    }
    assert shown == there


def test_the_order_of_the_rooms_is_that_of_the_contract():
    (contract,) = PYPROJECT["tool"]["importlinter"]["contracts"]
    text = " ".join((PROJECT / "docs" / "architecture.md").read_text().split())
    assert " > ".join(f"`{layer}`" for layer in contract["layers"]) in text
