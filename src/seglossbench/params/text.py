"""What a text in the params is: the same in a file, after ``--set`` and after Snakemake's ``--config``.

YAML would make 7 of a folder called 007, a date of 2024-01-01, true of ``on`` and text of 1e-3; Snakemake would make
7 of 007 as well, and text of every number within a list. So a scalar is a number, or true or false, only where that
can be written back as the same text. All else stays text until the typed params say what it has to be: 1e-3 is a number
where a learning rate is asked for, and 007 a name where a folder is.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from math import isfinite
from typing import Any

import yaml

from seglossbench.errors import InputError

NULL = ("", "~", "null")
BOOL = {"true": True, "false": False}


def scalar(text: str) -> str | int | float | bool | None:
    """A plain scalar: nothing, true or false, a number if it is written as Python writes it, else the text itself."""
    if text in NULL:
        return None
    if text in BOOL:
        return BOOL[text]
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text and isfinite(value):
            return value
    return text


class _Loader(yaml.SafeLoader):
    """YAML whose scalars are those of ``scalar``, whose keys are text, and which has every key once."""

    yaml_implicit_resolvers = {"<": yaml.SafeLoader.yaml_implicit_resolvers["<"]}  # noqa: RUF012  # merges: <<

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping; raises ConstructorError for a key that stands in it twice."""
        own = [
            key.value
            for key, _ in node.value
            if isinstance(key, yaml.ScalarNode) and key.tag.endswith(":str")
        ]
        self.flatten_mapping(node)
        made = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "expected a name as key", key.start_mark)
            if own.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands here twice", node.start_mark
                )
            made[key.value] = self.construct_object(value, deep=deep)
        return made


def _construct_scalar(loader: _Loader, node: yaml.ScalarNode) -> Any:
    return scalar(node.value) if node.style is None else node.value


_Loader.add_constructor("tag:yaml.org,2002:str", _construct_scalar)


def parse_yaml(text: str) -> Any:
    """What a YAML text holds; raises yaml.YAMLError where it is none."""
    return deepcopy(_parsed(text))


@lru_cache(maxsize=32)
def _parsed(text: str) -> Any:
    """The same, parsed once: an experiment that includes others reads params.yaml for each of them."""
    return yaml.load(text, Loader=_Loader)


def parse_value(text: str, key: str) -> Any:
    """The VALUE of KEY=VALUE: YAML where it begins as a list, a mapping or in quotes, else one scalar as it stands.

    Raises InputError that names ``key``.
    """
    if not text.lstrip().startswith(("[", "{", '"', "'")):
        return scalar(text)
    try:
        return parse_yaml(text)
    except yaml.YAMLError as error:
        raise InputError(f"{key}={text}: not valid YAML: {' '.join(str(error).split())}") from None


def from_snakemake(config: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """The overrides that Snakemake read as ``config``, by what stands in the ``words`` of its command line, if it does.

    Raises InputError for a value that is no YAML.
    """
    found: dict[str, Any] = {key: _deep(value) for key, value in config.items()}
    for word in words:
        key, equals, text = word.removeprefix("--config=").partition("=")
        if equals and key in config:
            found = merge(found, {key: parse_value(text, key)})
    return found


def _deep(value: Any) -> Any:
    """Every text within a value as the scalar that it is."""
    if isinstance(value, Mapping):
        return {str(key): _deep(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_deep(inner) for inner in value]
    return scalar(value) if isinstance(value, str) else value


def unfold(changes: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """``{"train": {"epochs": 3}}`` of ``{"train.epochs": 3}``; a name of ``known`` that has dots in it stays whole."""
    unfolded: dict[str, Any] = {}
    for key, value in changes.items():
        unfolded = merge(unfolded, _unfold_one(key, value, known))
    return unfolded


def _unfold_one(key: str, value: Any, known: Any) -> dict[str, Any]:
    names = known if isinstance(known, Mapping) else {}
    if key in names or "." not in key:
        return {key: value}
    whole = [name for name in names if key.startswith(f"{name}.")]
    head = max(whole, key=len, default=key.partition(".")[0])
    return {head: _unfold_one(key[len(head) + 1 :], value, names.get(head))}


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes`` laid over it: mappings key by key, anything else replaced."""
    merged = dict(base)
    for key, value in changes.items():
        former = merged.get(key)
        merged[key] = (
            merge(former, value) if isinstance(former, Mapping) and isinstance(value, Mapping) else value
        )
    return merged
