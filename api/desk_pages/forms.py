"""Forms of the desk's pages, made of the models of the API's bodies, so a form can say no less and no more."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from api.desk.moves import SuitableTime
from api.desk_pages.local_times import told_instant
from api.http.language import Language, said
from api.http.messages import in_both
from api.http.problem import Problem
from domain.words.text import Text

FieldKind: TypeAlias = Literal["line", "words", "time", "number", "count", "choice", "yes_no", "check", "times"]
Told: TypeAlias = Mapping[str, str]
Faults: TypeAlias = Mapping[str, Text]
Body = TypeVar("Body", bound=BaseModel)
LONGEST_LINE = 200
SEVERAL = ","  # between the values of a field that has several
WHOLE = ""  # the field of a fault that concerns the form as a whole


class FormField(NamedTuple):
    """A field of a body, as the API describes it."""

    name: str
    kind: FieldKind
    required: bool
    options: tuple[str, ...] = ()
    most: int | None = None  # characters


class ShownField(NamedTuple):
    """A field as it is shown, with what was told and what is wrong with it."""

    name: str
    kind: FieldKind
    label: str
    required: bool
    options: Sequence[tuple[str, str]]
    most: int | None
    told: str
    fault: str | None
    suggested: str | None = None  # what one press fills in
    hint: str | None = None


@dataclass(frozen=True, kw_only=True)
class FormWords:
    """The words of a form: labels, names of options, and hints where there are some."""

    label: Callable[[str], str]
    option: Callable[[str, str], str]  # by field and value
    hints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FormState:
    """The state of a form: what is in its fields, what is wrong with them, and the lists to choose from."""

    told: Told = field(default_factory=dict)
    faults: Faults = field(default_factory=dict)
    choices: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)


NOTHING = FormState()


@cache
def fields_of(model: type[BaseModel]) -> Sequence[FormField]:
    """Return the fields of a body that are filled in: not `kind`, which tells bodies apart, and of lists only times."""
    return tuple(_described(model.model_json_schema()))


def _described(described: Mapping[str, Any]) -> Iterator[FormField]:
    required = described.get("required", ())
    for name, schema in described["properties"].items():
        if name == "kind":
            continue
        one = next((part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"), schema)
        if one.get("type") == "array":
            if one["items"].get("$ref", "").endswith(f"/{SuitableTime.__name__}"):
                yield FormField(name, "times", name in required)
            continue
        if "$ref" in one:
            one = described["$defs"][one["$ref"].rpartition("/")[2]]
        options = tuple(one.get("enum", ()))
        yield FormField(name, _kind(one, name in required), name in required, options, one.get("maxLength"))


def _kind(schema: Mapping[str, Any], required: bool) -> FieldKind:
    if schema.get("type") == "boolean":
        return "yes_no" if required else "check"
    if "enum" in schema:
        return "choice"
    if schema.get("type") == "integer":
        return "count"
    if schema.get("type") == "number":
        return "number"
    if schema.get("format") == "date-time":
        return "time"
    return "words" if schema.get("maxLength", 0) > LONGEST_LINE else "line"


def read_body(model: type[Body], told: Told, zone: ZoneInfo) -> Body | Faults:
    """Read a form as the API reads a body; returns the faults by field where there are some."""
    try:
        return model.model_validate(values_of(fields_of(model), told, zone))
    except ValidationError as error:
        return faults_in(error)


def values_of(fields: Sequence[FormField], told: Told, zone: ZoneInfo) -> dict[str, Any]:
    """Return the values of a body from what a form told; empty fields are not given."""
    texts = {one: told.get(one.name, "").strip() for one in fields}
    return {one.name: _value(one, text, zone) for one, text in texts.items() if text}


def faults_in(error: ValidationError) -> dict[str, Text]:
    """Return the faults of a body by field."""
    return {str(fault["loc"][-1]) if fault["loc"] else WHOLE: in_both(fault) for fault in error.errors()}


def _value(one: FormField, text: str, zone: ZoneInfo) -> object:
    if one.kind in ("yes_no", "check"):
        return {"yes": True, "no": False}.get(text, text)
    if one.kind == "time":
        return told_instant(text, zone)
    if one.kind == "times":
        return [dict(zip(("day", "part"), told.split(" ", 1), strict=False)) for told in text.split(SEVERAL)]
    return text.replace("\r\n", "\n")


def shown_fields(
    fields: Sequence[FormField], words: FormWords, state: FormState, language: Language
) -> list[ShownField]:
    """Return fields as they are shown; one that has a list of its own is chosen from it."""
    return [_shown(one, words, state, language) for one in fields]


def _shown(one: FormField, words: FormWords, state: FormState, language: Language) -> ShownField:
    offered = state.choices.get(one.name)
    options = offered if offered is not None else [(value, words.option(one.name, value)) for value in _values(one)]
    fault = state.faults.get(one.name)
    return ShownField(
        name=one.name,
        kind="choice" if offered is not None and one.kind != "times" else one.kind,
        label=words.label(one.name),
        required=one.required,
        options=options,
        most=one.most,
        told=state.told.get(one.name, ""),
        fault=said(fault, language) if fault else None,
        hint=words.hints.get(one.name),
    )


def _values(one: FormField) -> Sequence[str]:
    return ("yes", "no") if one.kind == "yes_no" else one.options


def whole_fault(faults: Faults, names: Collection[str], language: Language) -> str | None:
    """Return the fault that belongs to none of the fields shown; None: there is none."""
    return next((said(fault, language) for name, fault in faults.items() if name not in names), None)


def faults_of(problem: Problem, missing: str = WHOLE) -> dict[str, Text]:
    """Return the faults that a problem names, or that of the form as a whole.

    Args:
        missing: the field that names what there is not, if the problem is a 404.
    """
    whole = missing if problem.status == 404 else WHOLE
    told = [(one.parameter, one.detail) for one in problem.faults or ()] or [(whole, problem.detail)]
    return {name: text if isinstance(text, Text) else Text(text, text) for name, text in told}


def once(what: str, told: Told) -> str:
    """Return the idempotency key of a form: equal only if the same is sent again from the same page."""
    return hashlib.sha256(json.dumps([what, sorted(told.items())]).encode()).hexdigest()
