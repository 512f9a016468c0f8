"""Reading TOML tables into dataclasses, strict: a fault names the file and the key, and says what is wanted.

The fields of a dataclass are the keys of its table, and their types are the rules: bounds stand in annotations, and a
key may be left out only where its field has a default.
"""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from types import NoneType
from typing import Annotated, Any, NamedTuple, TypeAlias, get_args, get_origin, get_type_hints

from domain.errors import UsageError
from domain.instants import NotBounded, bounded_day
from domain.milli import is_whole


class Within(NamedTuple):
    """Bounds of a number, both allowed; `thousandths`: nothing finer."""

    low: float
    high: float
    unit: str = ""
    thousandths: bool = False


class OneOf(NamedTuple):
    """Words that are allowed for a text."""

    words: Sequence[str]


class SomeOf(NamedTuple):
    """Words that a list is made of; it names at least one."""

    words: Sequence[str]


class TomlFault(ValueError):
    """A fault in a table, at a key of it; no key: the table as a whole."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


Seconds: TypeAlias = Annotated[int, Within(0, 604_800, " of seconds")]
SomeSeconds: TypeAlias = Annotated[int, Within(1, 604_800, " of seconds")]
Share: TypeAlias = Annotated[float, Within(0.01, 1)]
Many: TypeAlias = Annotated[int, Within(2, 1_000_000)]
Kelvin: TypeAlias = Annotated[float, Within(0.1, 100, thousandths=True)]


class TomlForm(NamedTuple):
    """Differences between a file and the dataclasses that it is read into."""

    keys: Mapping[type, Mapping[str, str]]  # of each class: field → key; "": the file does not have it
    parsers: Mapping[type, Callable[[str], Any]]  # of types that are written as texts; they raise ValueError
    checks: Mapping[type, Callable[[Any], Any]]  # complete an object, or raise TomlFault


class TomlReader:
    """Reads the tables of a file."""

    def __init__(self, source: str, form: TomlForm) -> None:
        self._source, self._form = source, form

    def fail(self, where: str, problem: str) -> UsageError:
        """Make the error of a fault."""
        return UsageError(f"{self._source}: {where}: {problem}")

    def table(self, kind: Any, value: object, where: str = "") -> Any:
        """Read a table into a dataclass.

        Raises:
            UsageError: names the source and the key.
        """
        if not isinstance(value, dict):
            raise self.fail(where, f"{value!r} is not a table")
        renamed = self._form.keys.get(kind, {})
        keys = {field.name: key for field in fields(kind) if (key := renamed.get(field.name, field.name))}
        self._known(value, keys.values(), where)
        kinds, found = get_type_hints(kind, include_extras=True), {}
        for field in fields(kind):
            key = keys.get(field.name, "")
            if key in value:
                found[field.name] = self._value(kinds[field.name], value[key], _path(where, key))
            elif key and field.default is MISSING and field.default_factory is MISSING:
                raise self.fail(_path(where, key), "is missing")
        try:
            return self._form.checks.get(kind, lambda made: made)(kind(**found))
        except TomlFault as fault:
            raise self.fail(_path(where, fault.key), str(fault)) from None

    def _value(self, kind: Any, value: Any, where: str) -> Any:
        origin, args = get_origin(kind), get_args(kind)
        if NoneType in args:
            return self._value(args[0], value, where)
        if origin is Annotated:
            return self._bounded(args[0], args[1], value, where)
        if is_dataclass(kind) and kind not in self._form.parsers:
            return self.table(kind, value, where)
        if origin is Mapping:
            return self._mapping(args, value, where)
        if origin in (tuple, Set):
            made = tuple if origin is tuple else frozenset
            listed = self._plain(list, value, where)
            return made(self._value(args[0], one, f"{where}[{at}]") for at, one in enumerate(listed))
        if kind in self._form.parsers:
            return self._parsed(self._form.parsers[kind], value, where)
        if kind is date:
            return self._day(value, where)
        return self._plain(kind, value, where)

    def _mapping(self, kinds: tuple[Any, ...], value: Any, where: str) -> dict[str, Any]:
        table, (_, keys) = self._plain(dict, value, where), get_args(kinds[0])
        self._known(table, keys.words, where)
        return {key: self._value(kinds[1], one, _path(where, key)) for key, one in table.items()}

    def _known(self, table: Mapping[str, Any], keys: Collection[str], where: str) -> None:
        if unknown := [key for key in table if key not in keys]:
            raise self.fail(_path(where, unknown[0]), "is not a known key")

    def _bounded(self, kind: Any, bounds: Within | OneOf | SomeOf, value: Any, where: str) -> Any:
        if isinstance(bounds, Within):
            return self._number(kind, bounds, value, where)
        found = self._value(kind, value, where)
        if isinstance(bounds, SomeOf) and not (found and set(found) <= set(bounds.words)):
            raise self.fail(where, f"must name some of {', '.join(bounds.words)}")
        if isinstance(bounds, OneOf) and found not in bounds.words:
            raise self.fail(where, f"{found!r} is not one of {', '.join(bounds.words)}")
        return found

    def _number(self, kind: type, bounds: Within, value: Any, where: str) -> float:
        if type(value) not in (int, float):
            raise self.fail(where, f"{value!r} is not of the right type")
        if not bounds.low <= value <= bounds.high:
            raise self.fail(where, f"{value} is not between {bounds.low:g} and {bounds.high:g}")
        if kind is int and value != int(value):
            raise self.fail(where, f"{value} is not a whole number{bounds.unit}")
        if bounds.thousandths and not is_whole(value):
            raise self.fail(where, f"{value} is finer than a thousandth")
        return int(value) if kind is int else float(value)

    def _parsed(self, parse: Callable[[str], Any], value: Any, where: str) -> Any:
        try:
            return parse(self._plain(str, value, where))
        except ValueError as error:
            raise self.fail(where, str(error)) from None

    def _day(self, value: Any, where: str) -> date:
        try:
            return bounded_day(self._plain(date, value, where))
        except NotBounded as error:
            raise self.fail(where, str(error)) from None

    def _plain(self, kind: type, value: Any, where: str) -> Any:
        if type(value) is not kind:  # a bool is no int, an instant no day
            raise self.fail(where, f"{value!r} is not of the right type")
        return value


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where and key else where or key
