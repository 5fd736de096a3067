"""Python code by the name of its module or the path of its file: its syntax tree, and itself, imported."""

import ast
import sys
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from seglossbench.errors import InputError


def is_file(module: str) -> bool:
    """Whether code is named by the path of its file."""
    return module.endswith(".py")


def imported(module: str) -> ModuleType:
    """The module of that name or file; raises InputError where it is one of the user's and cannot be imported.

    A file is imported under its own name, once, and what lies beside it may be imported by it.
    """
    if not is_file(module):
        return import_module(module)
    file = Path(module).absolute()
    known = sys.modules.get(file.stem)
    if known is not None and getattr(known, "__file__", None) == str(file):
        return known
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    sys.modules[file.stem] = made
    try:
        spec.loader.exec_module(made)
    except Exception as error:
        del sys.modules[file.stem]
        if isinstance(error, InputError):
            raise
        raise InputError(f"{module}: cannot be imported: {type(error).__name__}: {error}") from error
    return made


def tree_of(module: str) -> ast.Module:
    """The syntax tree of a module, found where import would find it, but not imported; empty if not found.

    Raises InputError for a file that is no Python.
    """
    if not is_file(module):
        return _tree_of_module(module)
    file = Path(module)
    try:
        stat = file.stat()
        return _parsed(file, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise InputError(f"{module}: {error.strerror}") from None


@cache
def _tree_of_module(module: str) -> ast.Module:
    first, *others = module.split(".")
    spec = find_spec(first)
    name = first
    for other in others:
        name = f"{name}.{other}"
        within = spec.submodule_search_locations if spec else None
        spec = PathFinder.find_spec(name, within) if within else None
    if spec is None or spec.origin is None or not is_file(spec.origin):
        return ast.Module([], [])
    return tree_of(spec.origin)


@cache
def _parsed(file: Path, changed: int, size: int) -> ast.Module:
    try:
        return ast.parse(file.read_text(encoding="utf-8-sig"))
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise InputError(f"{file}{line}: no Python: {error.args[0]}") from None
