"""Claims as data: what each says, what is compared, and by which test. Those of the papers are in ``claims.yaml``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from seglossbench import params as parameters
from seglossbench.errors import InputError, nearest
from seglossbench.params.section import Section

OF_THE_PAPERS = Path(__file__).with_name("claims.yaml")

Quantity = Literal[
    "sd", "late_swing", "gradient_cv", "epochs_to_95", "hours_to_95", "s_per_epoch", "failed", "restarted"
]
Names = Annotated[tuple[str, ...], Field(min_length=1)]


class Claim(Section):
    """One claim; the words of its fields are explained in ``claims.yaml``."""

    question: str
    claim: str
    source: str = ""
    test: Literal["difference", "non_inferiority", "slope", "stability"]
    loss: str | None = None
    against: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    metrics: Names = ("DSC",)
    margin: Annotated[float, Field(gt=0)] | None = None
    datasets: Names = ("*",)
    networks: Names = ("*",)
    networks_at_least: Annotated[int, Field(ge=1)] = 1
    dial: Mapping[str, float] | None = None
    expect: Literal["falling", "rising"] = "rising"
    quantities: Annotated[tuple[Quantity, ...], Field(min_length=1)] = ("sd", "late_swing", "failed")

    @model_validator(mode="after")
    def _complete(self) -> Claim:
        if bool(self.pairs) == bool(self.loss and self.against):
            raise ValueError("give either loss and against, or pairs")
        if (self.test == "non_inferiority") != (self.margin is not None):
            raise ValueError("margin goes with test: non_inferiority, and that needs one")
        if self.dial is not None and self.test != "slope":
            raise ValueError("dial goes with test: slope")
        return self

    @property
    def wanted(self) -> tuple[tuple[str, str], ...]:
        """The pairs of names, or patterns of names, that the claim is about."""
        return self.pairs or tuple((str(self.loss), other) for other in self.against)

    def pairs_among(self, losses: Iterable[str]) -> list[tuple[str, str]]:
        """The pairs of losses that are there."""
        found = list(losses)
        return list(
            dict.fromkeys(
                (a, b)
                for one, other in self.wanted
                for a in found
                for b in found
                if a != b and fnmatchcase(a, one) and fnmatchcase(b, other)
            )
        )

    def concerns(self, losses: Iterable[str]) -> bool:
        """Whether any of the losses that it names is there."""
        patterns = {name for pair in self.wanted for name in pair if name != "*"}
        return any(fnmatchcase(loss, pattern) for loss in losses for pattern in patterns)

    def datasets_among(self, datasets: Iterable[str]) -> tuple[list[str], bool]:
        """The datasets that it is about or else all, and whether it is about them."""
        found = list(datasets)
        own = [name for name in found if any(fnmatchcase(name, pattern) for pattern in self.datasets)]
        if self.dial is not None:
            return [name for name in own if name in self.dial], True
        return own or found, bool(own)


def read_claims(path: Path) -> dict[str, Claim]:
    """The claims of a YAML file by their ids; raises InputError that names the file, the claim and the key."""
    claims = {}
    for id, given in parameters.read(path).items():
        if not isinstance(given, Mapping):
            raise InputError(
                f"{path}: {id}: a claim is a mapping of keys such as question, claim, test, loss"
            )
        try:
            claims[str(id)] = Claim.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            hint = f"; {nearest(key, list(Claim.model_fields))}" if first["type"] == "extra_forbidden" else ""
            where = f"{id}.{key}" if key else str(id)
            raise InputError(f"{path}: {where}: {parameters.in_a_sentence(first['msg'])}{hint}") from None
    return claims
