"""Reading TOML tables into dataclasses, strict: a fault names the file and the key, and says what is wanted.

The fields of a dataclass are the keys of its table, and their types are the rules: bounds stand in annotations, and a
key may be left out only where its field has a default.
"""

from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from types import NoneType
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from domain.bounds import OneOf, SomeOf, Within
from domain.errors import Fault, RefusedText
from domain.instants import bounded_day
from domain.milli import is_whole
from domain.printable import shortened
from domain.words.faults import (
    AT_KEY,
    KEY_MISSING,
    NAMES_NONE_OF,
    NOT_A_TABLE,
    NOT_BETWEEN,
    NOT_ONE_OF,
    NOT_WHOLE,
    NOT_WHOLE_SECONDS,
    TOO_FINE,
    UNKNOWN_KEY,
    WRONG_TYPE,
)
from domain.words.text import Text, listed


class TomlFault(Fault):
    """A fault in a table, at a key of it; no key: the table as a whole."""

    def __init__(self, key: str, told: Text) -> None:
        super().__init__(told)
        self.key = key


class TomlForm(NamedTuple):
    """Differences between a file and the dataclasses that it is read into."""

    keys: Mapping[type, Mapping[str, str]]  # of each class: field → key; "": the file does not have it
    parsers: Mapping[type, Callable[[str], Any]]  # of types that are written as texts; they raise Fault
    checks: Mapping[type, Callable[[Any], Any]]  # complete an object, or raise TomlFault


class TomlReader:
    """Reads the tables of a file."""

    def __init__(self, source: str, form: TomlForm) -> None:
        self._source, self._form = source, form

    def fail(self, where: str, fault: Text) -> RefusedText:
        """Make the error of a fault."""
        told = AT_KEY.fill(key=where, fault=fault) if where else fault
        return RefusedText(self._source, told)

    def table(self, kind: Any, value: object, where: str = "") -> Any:
        """Read a table into a dataclass.

        Raises:
            RefusedText: names the source and the key.
        """
        if not isinstance(value, dict):
            raise self.fail(where, _quoted(NOT_A_TABLE, value))
        renamed = self._form.keys.get(kind, {})
        keys = {field.name: key for field in fields(kind) if (key := renamed.get(field.name, field.name))}
        self._known(value, keys.values(), where)
        kinds, found = get_type_hints(kind, include_extras=True), {}
        for field in fields(kind):
            key = keys.get(field.name, "")
            if key in value:
                found[field.name] = self._value(kinds[field.name], value[key], _path(where, key))
            elif key and field.default is MISSING and field.default_factory is MISSING:
                raise self.fail(_path(where, key), KEY_MISSING)
        try:
            return self._form.checks.get(kind, lambda made: made)(kind(**found))
        except TomlFault as fault:
            raise self.fail(_path(where, fault.key), fault.told) from None

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
            raise self.fail(_path(where, shortened(unknown[0])), UNKNOWN_KEY)

    def _bounded(self, kind: Any, bounds: Within | OneOf | SomeOf, value: Any, where: str) -> Any:
        if isinstance(bounds, Within):
            return self._number(kind, bounds, value, where)
        found = self._value(kind, value, where)
        if isinstance(bounds, SomeOf) and not (found and set(found) <= set(bounds.words)):
            raise self.fail(where, NAMES_NONE_OF.fill(words=listed(bounds.words)))
        if isinstance(bounds, OneOf) and found not in bounds.words:
            raise self.fail(where, _quoted(NOT_ONE_OF, found, words=listed(bounds.words)))
        return found

    def _number(self, kind: type, bounds: Within, value: Any, where: str) -> float:
        if type(value) not in (int, float):
            raise self.fail(where, _quoted(WRONG_TYPE, value))
        if not bounds.low <= value <= bounds.high:
            raise self.fail(where, NOT_BETWEEN.fill(given=value, low=f"{bounds.low:g}", high=f"{bounds.high:g}"))
        if kind is int and value != int(value):
            not_whole = NOT_WHOLE_SECONDS if bounds.unit == "s" else NOT_WHOLE
            raise self.fail(where, not_whole.fill(given=value))
        if bounds.thousandths and not is_whole(value):
            raise self.fail(where, TOO_FINE.fill(given=value))
        return int(value) if kind is int else float(value)

    def _parsed(self, parse: Callable[[str], Any], value: Any, where: str) -> Any:
        try:
            return parse(self._plain(str, value, where))
        except Fault as fault:
            raise self.fail(where, fault.told) from None

    def _day(self, value: Any, where: str) -> date:
        try:
            return bounded_day(self._plain(date, value, where))
        except Fault as fault:
            raise self.fail(where, fault.told) from None

    def _plain(self, kind: type, value: Any, where: str) -> Any:
        if type(value) is not kind:  # a bool is no int, an instant no day
            raise self.fail(where, _quoted(WRONG_TYPE, value))
        return value


def _quoted(fault: Text, value: object, **fields: object) -> Text:
    """Fill in a value, shortened if it is long."""
    if isinstance(value, str):
        return fault.fill(given=shortened(value), **fields)
    said = repr(value)
    return fault.fill(given=value if shortened(said) == said else shortened(said), **fields)


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where and key else where or key
