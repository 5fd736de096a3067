"""Files of one's own in the registries: what their decorators name is read, and nothing of them imported until used."""

import ast
import sys
from collections.abc import Collection, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from seglossbench import registry
from seglossbench.errors import InputError
from seglossbench.modules import tree_of
from seglossbench.registry import Registry

DECORATORS = {
    "seglossbench.losses.register": registry.TERMS,
    "seglossbench.networks.register": registry.ARCHITECTURES,
    "seglossbench.data.layouts.register": registry.LAYOUTS,
    "seglossbench.data.splits.register": registry.SPLITS,
    "seglossbench.evaluation.register": registry.METRICS,
    "seglossbench.data.published.register": registry.FORMATS,
    "seglossbench.reporting.parts.register": registry.PARTS,
}
"""Where each kind's decorator is imported from, and the registry that it fills."""

_used: dict[Path, str] = {}  # the files that are in use, as they were named


def files_in_use() -> tuple[str, ...]:
    """The files whose names are in the registries, as absolute paths."""
    return tuple(str(file) for file in _used)


def use(files: Iterable[str | Path]) -> None:
    """Let what files register be known by its names; a file that is used already is read again.

    Raises InputError that names a file that is not there, is no Python, registers nothing, or takes a name that
    another has.
    """
    for given in files:
        file = Path(given).absolute()
        _check(file, str(given))
        found = names_in(file)
        if not found:
            raise InputError(
                f"plugins: {given}: registers nothing; put @register(NAME), imported from seglossbench.losses or the "
                "package of another kind, above what it adds"
            )
        forget([file])
        try:
            for kind, name, attribute in found:
                kind.add_place(name, f"{file}:{attribute}", str(given))
        except InputError as error:
            for kind in {kind for kind, _, _ in found}:
                kind.forget(str(given))
            raise InputError(f"plugins: {error}") from None
        _used[file] = str(given)


def forget(files: Collection[str | Path]) -> None:
    """Let the names of files be unknown again."""
    for file in map(Path, files):
        if (origin := _used.pop(file.absolute(), None)) is not None:
            for kind in set(DECORATORS.values()):
                kind.forget(origin)


def among(files: Iterable[str], roots: Collection[str]) -> tuple[str, ...]:
    """Those of the files that are among the roots of what a run executes."""
    return tuple(file for file in files if str(Path(file).absolute()) in roots)


def names_in(file: Path) -> list[tuple[Registry, str, str]]:
    """What a file registers: the registry, the name, and what of the file gets it."""
    tree = tree_of(str(file))
    imported = dict(_imported(tree))
    found = []
    for node in tree.body:
        for decorator in getattr(node, "decorator_list", ()):
            if not isinstance(decorator, ast.Call):
                continue
            kind = DECORATORS.get(_full_name(decorator.func, imported))
            if kind is None:
                continue
            name = decorator.args[0] if decorator.args else None
            if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
                raise InputError(
                    f"plugins: {file.name}, line {decorator.lineno}: expected the name as a text, such as "
                    '@register("brier")'
                )
            found.append((kind, name.value, node.name))  # type: ignore[attr-defined]
    return found


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names that a module's imports give it, and what each stands for in full."""
    for node in tree.body:
        match node:
            case ast.Import(names=names):
                for alias in names:
                    top = alias.name.partition(".")[0]
                    yield (alias.asname, alias.name) if alias.asname else (top, top)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from ((alias.asname or alias.name, f"{module}.{alias.name}") for alias in names)


def _full_name(node: ast.expr, imported: dict[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return imported.get(name, name)
        case ast.Attribute(value=value, attr=attribute):
            return f"{_full_name(value, imported)}.{attribute}"
    return ""


def _check(file: Path, given: str) -> None:
    if file.suffix != ".py" or not file.stem.isidentifier():
        raise InputError(f"plugins: {given}: expected a Python file, whose name can be that of a module")
    if not file.is_file():
        raise InputError(f"plugins: {given}: no such file; paths are relative to the params' folder")
    for other in _used:
        if other.stem == file.stem and other != file and other.is_file():
            raise InputError(f"plugins: {given}: {other} has the same name; give one of them another")
    loaded = sys.modules.get(file.stem)
    place = getattr(loaded, "__file__", None)
    if loaded is None:
        spec = find_spec(file.stem)
        place = spec and (spec.origin or file.stem)
    if place is not None and Path(place).absolute() != file:
        raise InputError(
            f"plugins: {given}: there is a module {file.stem} already; give the file another name"
        )
