"""What every section of the params is made of."""

import unicodedata
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
BelowOne = Annotated[float, Field(ge=0, lt=1)]
Sizes = Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=2, max_length=3)]
Size = Annotated[tuple[Positive, ...], Field(min_length=2, max_length=3)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]
"""Of experiments and sources, which are names of files and of the catalogue."""


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a name, so {value!r} needs quotes, as YAML takes it for something else")
    if not value or value != value.strip():
        raise ValueError(f"{value!r} is no name: a name neither is empty nor begins or ends with a space")
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in value):
        raise ValueError(f"{value!r} is no name: a name has no control characters")
    return value


AnyName = Annotated[str, BeforeValidator(_name)]
"""Of datasets, networks, losses and classes: any text."""


class Section(BaseModel):
    """A section of the params: no unknown keys, no later change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
