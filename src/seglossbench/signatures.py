"""What parameters a function takes, read from its source, so that what imports torch need not be imported for it.

The parameters that params may set are the function's keyword-only ones.
"""

import ast
import builtins
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import ConfigDict, Field, PydanticUserError, TypeAdapter, ValidationError

from seglossbench.errors import InputError, nearest
from seglossbench.modules import tree_of

# What annotations of parameters are made of.
NAMES: dict[str, Any] = {
    "Annotated": Annotated,
    "Any": Any,
    "Field": Field,
    "Literal": Literal,
    "Mapping": Mapping,
    "Sequence": Sequence,
}


@dataclass(frozen=True)
class Parameter:
    """A parameter's type, ``Any`` where that cannot be told, and the source of its default; empty if it has none."""

    type: Any
    default: str


@dataclass(frozen=True)
class Signature:
    """A function's keyword-only parameters by name, the first line of its docstring, and what decorators are told.

    ``declared`` has the decorators' keywords; a value that is no literal is None.
    """

    parameters: Mapping[str, Parameter]
    summary: str = ""
    declared: Mapping[str, Any] = field(default_factory=dict)


def signature_at(place: str) -> Signature:
    """The signature of what stands at ``module:attribute``, whose module is read and not imported.

    Of a class it is that of its ``__init__``; data have no parameters. Raises InputError where there is no such thing.
    """
    module, _, attribute = place.rpartition(":")
    tree = tree_of(module)
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) if name == attribute:
                return _signature(node, node, tree)
            case ast.ClassDef(name=name, body=body) if name == attribute:
                made = [
                    part for part in body if isinstance(part, ast.FunctionDef) and part.name == "__init__"
                ]
                return _signature(node, made[0] if made else None, tree)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == attribute:
                return Signature({}, ast.unparse(value))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name == attribute:
                return Signature({}, ast.unparse(value))
    raise InputError(f"{place}: no such function; expected module:function")


def _signature(
    thing: ast.FunctionDef | ast.ClassDef, called: ast.FunctionDef | None, tree: ast.Module
) -> Signature:
    names = _NamesOf(tree)
    arguments = zip(called.args.kwonlyargs, called.args.kw_defaults, strict=True) if called else ()
    parameters = {
        argument.arg: Parameter(names.type_of(argument.annotation), ast.unparse(default) if default else "")
        for argument, default in arguments
    }
    return Signature(parameters, _first_line(ast.get_docstring(thing)), _declared(thing))


def _declared(function: ast.FunctionDef | ast.ClassDef) -> dict[str, Any]:
    declared = {}
    for decorator in function.decorator_list:
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
            try:
                declared[str(keyword.arg)] = ast.literal_eval(keyword.value)
            except ValueError:
                declared[str(keyword.arg)] = None
    return declared


def signature_of(function: Callable[..., Any], declared: Mapping[str, Any] | None = None) -> Signature:
    """The signature of a function that is there, with what its decorator was told."""
    parameters = {
        parameter.name: Parameter(
            Any if parameter.annotation is parameter.empty else parameter.annotation,
            "" if parameter.default is parameter.empty else repr(parameter.default),
        )
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    return Signature(parameters, _first_line(inspect.getdoc(function)), declared or {})


def typed(value: Any, kind: Any, key: str) -> Any:
    """``value`` as what a type asks for, so that the text 1e-3 is a number; raises InputError that names ``key``."""
    if get_origin(kind) is Literal and value not in get_args(kind):
        raise InputError(
            f"{key}: unknown choice {value!r}; {nearest(str(value), [*map(str, get_args(kind))])}"
        )
    if kind is bool and not isinstance(value, bool | str):
        raise InputError(f"{key}: expected true or false, found {value!r}")
    if kind in (int, float) and isinstance(value, bool):
        raise InputError(f"{key}: expected a number, found {value!r}")
    try:
        adapter = TypeAdapter(kind, config=ConfigDict(allow_inf_nan=False))
    except PydanticUserError:  # a type of the user's, which says itself what is wrong with a value
        return value
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"][:1].lower() + first["msg"][1:]
        place = ".".join([key, *(str(part) for part in first["loc"] if isinstance(part, int))])
        raise InputError(f"{place}: {message}, found {first['input']!r}") from None


class _NamesOf(dict[str, Any]):
    """The names that a module's annotations may use: some of Python's, and what the module itself defines of these."""

    def __init__(self, tree: ast.Module) -> None:
        super().__init__(NAMES)
        self._defined = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def __missing__(self, name: str) -> Any:
        if name in self._defined:
            return self._evaluate(self._defined[name])
        if name in ("bool", "dict", "float", "int", "list", "str", "tuple"):
            return getattr(builtins, name)
        raise NameError(name)

    def type_of(self, annotation: ast.expr | None) -> Any:
        """The type that an annotation stands for, or Any."""
        if annotation is None:
            return Any
        try:
            return self._evaluate(annotation)
        except (NameError, AttributeError, TypeError):
            return Any

    def _evaluate(self, node: ast.expr) -> Any:
        return eval(compile(ast.Expression(node), "<annotation>", "eval"), {"__builtins__": {}}, self)


def _first_line(docstring: str | None) -> str:
    return docstring.splitlines()[0] if docstring else ""
