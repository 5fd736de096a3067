"""Which code a result is made by, and a fingerprint of each module of it, read from syntax trees.

Nothing is imported to find out. A module's fingerprint is blind to comments, docstrings, formatting, ``__all__``, what
only type checkers read, and the version of Python that reads it.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from seglossbench.errors import JobError
from seglossbench.files import write_json

PACKAGE = __name__.partition(".")[0]
_WITHOUT_DIGITS = {"ctx", "kind", "type_comment", "type_ignores"}


@dataclass(frozen=True)
class Code:
    """What a file of Python code says: its fingerprint, and the modules that it may import, by their full names."""

    fingerprint: str
    imports: frozenset[str]


def closure(roots: Iterable[str], without: Collection[str] = ()) -> dict[str, str]:
    """Every module that the roots execute, themselves included, with its fingerprint, sorted by name.

    A root is the name of a module or the path of a Python file of one's own. Followed are imports, also those within
    functions, into this package and into the packages and folders of the roots. Modules that are, or lie below, one of
    ``without`` are neither followed nor listed, unless they are roots. What is loaded by a name, such as a loss term,
    is a root of its own. Raises ModuleNotFoundError for a root that is not there.
    """
    homes = {PACKAGE: _home(PACKAGE)}
    waiting = []
    for root in roots:
        name, home = (Path(root).stem, Path(root).absolute().parent) if _is_file(root) else (root, None)
        homes.setdefault(name.partition(".")[0], home or _home(name.partition(".")[0]))
        waiting.append(name)
    beside = {home for name, home in homes.items() if (home / f"{name}.py").is_file()}
    found: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        if name in found or (name not in roots and _is_below(name, without)):
            continue
        home = homes.get(name.partition(".")[0])
        file = _file(name, (home,) if home else beside)
        if file is None:
            if name in roots:
                raise ModuleNotFoundError(f"no module named {name!r}", name=name)
            continue
        code = read(file, name)
        found[name] = code.fingerprint
        waiting += code.imports
        waiting += _packages(name)  # whose __init__ Python executes on the way
    return dict(sorted(found.items()))


def read(file: Path, name: str) -> Code:
    """The code of a file that is the module of that full name."""
    stat = file.stat()
    return _read(file, name, stat.st_mtime_ns, stat.st_size)


@cache
def _read(file: Path, name: str, changed: int, size: int) -> Code:
    """As ``read``. What a file says is kept beside its bytecode, because parsing all of them takes a second."""
    source = file.read_bytes()
    place = file.parent / "__pycache__" / f"{file.stem}.{PACKAGE}.json"
    of = hashlib.sha256(b"\0".join((_reader(), name.encode(), source))).hexdigest()
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(place.read_bytes())
        if kept["of"] == of:
            return Code(str(kept["fingerprint"]), frozenset(map(str, kept["imports"])))
    code = _parsed(source.decode("utf-8-sig"), file, name)
    if not sys.dont_write_bytecode:
        with suppress(OSError, JobError):  # a folder that is not ours, or a full disk
            write_json(place, {"of": of, "fingerprint": code.fingerprint, "imports": sorted(code.imports)})
    return code


@cache
def _reader() -> bytes:
    """This module itself, by another version of which nothing that was kept counts."""
    return Path(__file__).read_bytes()


def _parsed(source: str, file: Path, name: str) -> Code:
    tree = ast.parse(source, filename=str(file))
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    _strip(tree)
    return Code(
        fingerprint=hashlib.sha256("\n".join(_words(tree)).encode()).hexdigest()[:12],
        imports=frozenset(_imports(tree, package)),
    )


def _strip(tree: ast.AST) -> None:
    """Remove from a tree what carries no digits: docstrings, ``__all__``, and what only type checkers read."""
    for node in ast.walk(tree):
        for name in ("body", "orelse"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                block[:] = [statement for statement in block if not _is_silent(statement)]


def _is_silent(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"), orelse=[]):
            return True
    return False


def _words(node: object) -> Iterator[str]:
    """A tree as words, without positions, empty fields and what versions of Python write differently."""
    match node:
        case ast.JoinedStr(values=values):  # into which some versions put empty strings
            yield from ("JoinedStr", *_words([part for part in values if not _is_empty(part)]))
        case ast.AST():
            yield type(node).__name__
            for name, value in ast.iter_fields(node):
                if name not in _WITHOUT_DIGITS and value is not None and value != []:
                    yield f".{name}"
                    yield from _words(value)
            yield ";"
        case list():
            for item in node:
                yield from _words(item)
            yield "]"
        case _:
            yield repr(node)


def _is_empty(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and part.value == ""


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = package.rsplit(".", level - 1)[0] if level else ""
                origin = ".".join(part for part in (base, module) if part)
                yield origin
                yield from (f"{origin}.{alias.name}" for alias in names)


def _packages(name: str) -> Iterator[str]:
    while name := name.rpartition(".")[0]:
        yield name


def _is_below(name: str, places: Collection[str]) -> bool:
    return name in places or any(package in places for package in _packages(name))


def _is_file(root: str) -> bool:
    return root.endswith(".py")


def _home(top: str) -> Path:
    """The folder in which a top-level module or package lies, found without importing it."""
    spec = find_spec(top)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module named {top!r}", name=top)
    origin = Path(spec.origin)
    return origin.parent.parent if origin.name == "__init__.py" else origin.parent


def _file(name: str, homes: Iterable[Path]) -> Path | None:
    """The file of a module, in the first of the folders that has it."""
    for home in homes:
        place = home.joinpath(*name.split("."))
        for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if file.is_file():
                return file
    return None
