"""Bounds of the values in a policy file, as annotations of types. domain/toml_table.py reads by them."""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, TypeAlias


class Within(NamedTuple):
    """Bounds of a number, both allowed; `thousandths`: nothing finer."""

    low: float
    high: float
    unit: Literal["", "s"] = ""
    thousandths: bool = False


class OneOf(NamedTuple):
    """Words that are allowed for a text."""

    words: Sequence[str]


class SomeOf(NamedTuple):
    """Words that a list is made of; it names at least one."""

    words: Sequence[str]


Seconds: TypeAlias = Annotated[int, Within(0, 604_800, "s")]
SomeSeconds: TypeAlias = Annotated[int, Within(1, 604_800, "s")]
Share: TypeAlias = Annotated[float, Within(0.01, 1)]
Many: TypeAlias = Annotated[int, Within(2, 1_000_000)]
Kelvin: TypeAlias = Annotated[float, Within(0.1, 100, thousandths=True)]
