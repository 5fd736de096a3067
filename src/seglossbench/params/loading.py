"""From params.yaml and experiments/*.yaml to typed params, with every mistake in one line."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from seglossbench import plugins
from seglossbench.errors import InputError, nearest
from seglossbench.files import read_text
from seglossbench.params.losses import spec_named, typed_loss
from seglossbench.params.networks import typed_network
from seglossbench.params.section import at_home
from seglossbench.params.text import merge, parse_yaml, unfold
from seglossbench.params.whole import Params
from seglossbench.registry import ARCHITECTURES, LOSSES, TERMS


def load(path: Path, overrides: Mapping[str, Any] | None = None) -> Params:
    """The params of ``path`` with its experiment and then ``overrides`` laid over them.

    The experiment is the file ``experiments/NAME.yaml`` beside ``path``; mappings are merged key by key, anything else
    is replaced. A key of ``overrides`` may lie within another, as ``train.epochs``. Raises InputError that names
    the file and the key at fault.
    """
    base = read(path)
    overrides = unfold(overrides or {}, base)
    experiment = str(overrides.get("experiment", base.get("experiment")))
    return _laid(path, experiment, (_read_experiment(path, experiment), overrides))


def load_included(path: Path, overrides: Mapping[str, Any] | None = None) -> tuple[Params, ...]:
    """The params of each experiment that the one of ``load`` includes, with that one and ``overrides`` laid over it.

    One that includes others itself stands for these, each under it.
    """
    overrides = unfold(overrides or {}, read(path))
    whole = load(path, overrides)
    over = _read_experiment(path, whole.experiment)
    return tuple(
        _laid(path, name, (*layers, over | {"include": []}, overrides))
        for name, *layers in _included(path, (whole.experiment,), whole.include)
    )


def _included(path: Path, above: tuple[str, ...], names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Each experiment with runs of its own below those ``above``: its name, then its layer and those over it."""
    for name in names:
        own = _read_experiment(path, name)
        if name in above:
            raise InputError(
                f"{_file(path, above[-1])}: include: {name} includes itself, by {' and '.join(above)}"
            )
        inner = own.get("include")
        if not inner:
            yield name, own
            continue
        for found, *layers in _included(path, (*above, name), inner):
            yield found, *layers, own | {"include": []}


def experiment_layers(path: Path, overrides: Mapping[str, Any] | None = None) -> dict[Path, dict[str, Any]]:
    """What the experiment of ``load``, and each that it includes, lays over ``path``, by file."""
    whole = load(path, overrides)
    names, layers = [whole.experiment], {}
    while names:
        name = names.pop(0)
        layers[_file(path, name)] = own = _read_experiment(path, name)
        names += own.get("include", ())
    return layers


def _file(path: Path, experiment: str) -> Path:
    return path.parent / "experiments" / f"{experiment}.yaml"


def _read_experiment(path: Path, experiment: str) -> dict[str, Any]:
    file = _file(path, experiment)
    if not file.is_file():
        known = sorted(found.stem for found in file.parent.glob("*.yaml"))
        raise InputError(f"{path}: experiment: no file {file}; {nearest(experiment, known)}")
    changes = read(file)
    # Each file is validated by itself where it can be, so that the message names the file that holds the mistake.
    _check_keys(changes, Params, str(file))
    return changes


def _laid(path: Path, experiment: str, layers: Sequence[Mapping[str, Any]]) -> Params:
    """The params of ``path`` under the layers, the experiment's own first, what the command line says last."""
    merged = read(path)
    file = _file(path, experiment)
    _check_keys(merged, Params, str(path))
    _check_keys(layers[-1], Params, "--set or --config")
    for layer in layers:
        merged = merge(merged, layer)
    merged = merged | {"experiment": experiment, "plugins": _use_plugins(merged.get("plugins", ()), path)}
    try:
        params = Params.model_validate(_named_alone(merged))
    except ValidationError as error:
        raise InputError(_one_line(error, path, file)) from None
    try:
        networks = {name: _typed_network(name, entry) for name, entry in params.networks.items()}
        losses = {name: typed_loss(entry, f"losses.{name}") for name, entry in params.losses.items()}
    except InputError as error:
        raise InputError(f"{path} with {file}: {error}") from None
    # One that includes others has no runs of its own, and may name what these define: each of them is checked with it.
    for kind in () if params.include else ("datasets", "networks", "losses"):
        names = tuple(getattr(params, kind))
        for name in getattr(params.grid, kind):
            if name not in names:
                others = {"losses": [*LOSSES, *TERMS], "networks": list(ARCHITECTURES)}.get(kind, [])
                raise InputError(
                    f"{file}: grid.{kind}: unknown name {name!r}; {nearest(name, [*names, *others])}"
                )
    return params.model_copy(update={"networks": networks, "losses": losses})


def use_plugins(path: Path, overrides: Mapping[str, Any] | None = None) -> None:
    """Let the files be known that the params of ``load`` name, where there are params at all."""
    if path.exists():
        base = read(path)
        over = unfold(overrides or {}, base)
        experiment = _read_experiment(path, str(over.get("experiment", base.get("experiment"))))
        _use_plugins(merge(merge(base, experiment), over).get("plugins", ()), path)


def _use_plugins(given: Any, path: Path) -> list[str]:
    """The files of one's own, whose names are known from now on; as they stand in ``path``, relative to its folder."""
    if not isinstance(given, list | tuple) or not all(isinstance(file, str) for file in given):
        raise InputError(
            f"{path}: plugins: expected a list of Python files, such as [my_loss.py], found {given!r}"
        )
    try:
        files = [str(path.parent / at_home(file)) for file in given]
    except ValueError as error:
        raise InputError(f"{path}: plugins: {error}") from None
    plugins.use(files)
    return files


def _named_alone(values: dict[str, Any]) -> dict[str, Any]:
    """The params with the losses and networks that only the grid names: terms, compounds, architectures."""
    filled = dict(values)
    grid = values.get("grid")
    for kind, named in (("losses", _loss_named), ("networks", _network_named)):
        names, entries = grid.get(kind) if isinstance(grid, Mapping) else None, values.get(kind)
        if isinstance(names, list | tuple) and isinstance(entries, Mapping):
            found = {name: named(name) for name in names if isinstance(name, str) and name not in entries}
            filled[kind] = {**entries, **{name: entry for name, entry in found.items() if entry is not None}}
    return filled


def _loss_named(name: str) -> Mapping[str, Any] | None:
    return spec_named(name) if name in LOSSES or name in TERMS else None


def _network_named(name: str) -> Mapping[str, Any] | None:
    return {} if name in ARCHITECTURES else None


def _typed_network(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """A network of the params, which beside its options may have what it changes of the section train."""
    train = {key: value for key, value in entry.items() if key == "train"}
    options = {key: value for key, value in entry.items() if key != "train"}
    return typed_network(name, options) | train


def read(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; raises InputError that names the file."""
    try:
        value = parse_yaml(read_text(path))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; run the command in the project's folder") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a mapping of keys to values, found {type(value).__name__}")
    return value


def _check_keys(value: Mapping[str, Any], model: type[BaseModel], where: str, prefix: str = "") -> None:
    """Raise InputError for the first key that ``model`` does not know."""
    for key, inner in value.items():
        field = model.model_fields.get(key)
        if field is None:
            raise InputError(
                f"{where}: {prefix}{key}: unknown key; {nearest(str(key), tuple(model.model_fields))}"
            )
        section, is_table = _section_of(field.annotation)
        if section and isinstance(inner, Mapping):
            entries = inner.items() if is_table else [("", inner)]
            for name, entry in entries:
                if isinstance(entry, Mapping):
                    _check_keys(entry, section, where, f"{prefix}{key}.{name}{'.' if name else ''}")


def _section_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The Section inside a field's type, and whether the field is a table of names to such sections."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    arguments = getattr(annotation, "__args__", ())
    for argument in arguments:
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            return argument, getattr(annotation, "__origin__", None) is dict
    return None, False


def _one_line(error: ValidationError, path: Path, file: Path) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    found = "" if first["type"] in ("missing", "value_error") else f", found {first['input']!r}"
    return f"{path} with {file}: {key}: {in_a_sentence(first['msg'])}{found}"


def in_a_sentence(message: str) -> str:
    """What pydantic says, as part of a sentence; names in it keep their capitals."""
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
