"""What every section of the params is made of."""

import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from seglossbench.errors import nearest
from seglossbench.registry import Registry


def at_home(text: str) -> str:
    """A path whose ``~`` is the home folder, as in a shell; raises ValueError where there is no such home."""
    if not text.startswith("~"):
        return text
    try:
        return str(Path(text).expanduser())
    except RuntimeError:
        raise ValueError(f"there is no home folder for {text}") from None


Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
BelowOne = Annotated[float, Field(ge=0, lt=1)]
Sizes = Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=2, max_length=3)]
Size = Annotated[tuple[Positive, ...], Field(min_length=2, max_length=3)]
PathText = Annotated[str, AfterValidator(at_home)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]
"""Of experiments and sources, which are names of files and of the catalogue."""


def _name(value: Any) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError(f"expected a name, found {value!r}")
    if not value or value != value.strip():
        raise ValueError(f"{value!r} is no name: a name neither is empty nor begins or ends with a space")
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in value):
        raise ValueError(f"{value!r} is no name: a name has no control characters")
    return value


AnyName = Annotated[str, BeforeValidator(_name)]
"""Of datasets, networks, losses and classes: any text."""


def named_in(registry: Registry, *others: str) -> AfterValidator:
    """That a text names something of a registry, or is one of the others."""

    def check(name: str) -> str:
        if name not in others and name not in registry:
            raise ValueError(f"unknown {registry.kind} {name!r}; {nearest(name, [*others, *registry])}")
        return name

    return AfterValidator(check)


class Section(BaseModel):
    """A section of the params: no unknown keys, no later change; a name may be a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    def what_is_on(
        self, include: Collection[str] | None = None, exclude: Collection[str] = ()
    ) -> dict[str, Any]:
        """The section as JSON values, without the options that are off, as they are by default.

        So a new option that is off by default changes no digest of what was there before.
        """
        chosen = [name for name in type(self).model_fields if include is None or name in include]
        dumped = self.model_dump(mode="json", include=set(chosen) - set(exclude))
        for name in list(dumped):
            value = getattr(self, name)
            if isinstance(value, Section):
                dumped[name] = value.what_is_on()
            elif value == type(self).model_fields[name].default and (value is None or value is False):
                del dumped[name]
        return dumped
