"""Forms of the moves on a ticket. Their fields are those of the API's bodies, so a form can say no less and no more."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from api.desk.moves import MODELS, AnyMove
from api.http.language import Language, said
from api.http.messages import in_both
from api.pages.render import say
from api.words.desk import MOVE_TEXTS
from domain.tickets import DelayReason, EventKind
from domain.words.desk import DELAY_TEXTS
from domain.words.text import Text

FieldKind: TypeAlias = Literal["line", "words", "time", "choice", "yes_no"]
Told: TypeAlias = Mapping[str, str]
MOVE_KEYS: Mapping[EventKind, str] = {
    EventKind.ASSIGNED: "a",
    EventKind.ACCEPTED: "c",
    EventKind.CONTACTED: "t",
    EventKind.TRIED: "y",
    EventKind.APPOINTMENT: "p",
    EventKind.ARRIVED: "v",
    EventKind.DELAYED: "l",
    EventKind.RESPONSIBILITY: "b",
    EventKind.CONFIRMED: "s",
    EventKind.DONE: "d",
    EventKind.REWORK: "w",
    EventKind.REPLIED: "r",
    EventKind.CALLED_BACK: "f",
    EventKind.REMARK: "m",
    EventKind.USER_SAID: "u",
    EventKind.CLOSED: "x",
    EventKind.MERGED: "g",
    EventKind.VOID: "z",
    EventKind.REOPENED: "o",
}
LONGEST_LINE = 200
MOVE: TypeAdapter[AnyMove] = TypeAdapter(AnyMove)


class MoveField(NamedTuple):
    """A field of a move, as the API describes it."""

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


@dataclass(frozen=True, kw_only=True)
class MoveForm:
    """A move as a form."""

    kind: EventKind
    key: str
    name: str
    fields: Sequence[ShownField]
    is_open: bool
    fault: str | None = None  # of the move as a whole


@dataclass(frozen=True, kw_only=True)
class SentMove:
    """A form that was sent: what it told, and the move that it makes; None: it has faults (field → text)."""

    kind: EventKind
    version: int
    key: str
    told: Told
    move: AnyMove | None = None
    faults: Mapping[str, Text] = field(default_factory=dict)

    @property
    def once(self) -> str:
        """The idempotency key: equal only if the same is sent again from the same page."""
        return hashlib.sha256(json.dumps([self.key, sorted(self.told.items())]).encode()).hexdigest()


class FormTerms(NamedTuple):
    """The terms of a ticket's forms: values of fields that are chosen from a list, and the name that is suggested."""

    options: Mapping[str, Sequence[str]]
    me: str | None
    without: frozenset[str] = frozenset()  # fields that this ticket does not take


def fields_of(kind: EventKind) -> list[MoveField]:
    """Return the fields of a move, the note for the staff last."""
    described = MODELS[kind].model_json_schema()
    fields = list(_described(described))
    return sorted(fields, key=lambda one: one.name == "remark" and len(fields) > 1)


def _described(described: Mapping[str, Any]) -> Iterator[MoveField]:
    required = described.get("required", ())
    for name, schema in described["properties"].items():
        if name == "kind":
            continue
        one = next((part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"), schema)
        if "$ref" in one:
            one = described["$defs"][one["$ref"].rpartition("/")[2]]
        options = tuple(one.get("enum", ()))
        yield MoveField(name, _kind(one), name in required, options, one.get("maxLength"))


def _kind(schema: Mapping[str, Any]) -> FieldKind:
    if schema.get("type") == "boolean":
        return "yes_no"
    if "enum" in schema:
        return "choice"
    if schema.get("format") == "date-time":
        return "time"
    return "words" if schema.get("maxLength", 0) > LONGEST_LINE else "line"


def read_move(kind: EventKind, told: Told, zone: ZoneInfo) -> AnyMove | Mapping[str, Text]:
    """Read a form as the API reads a body; returns the faults by field where there are some."""
    values: dict[str, Any] = {"kind": kind.value}
    for one in fields_of(kind):
        if text := told.get(one.name, "").strip():
            values[one.name] = _value(one, text, zone)
    try:
        return MOVE.validate_python(values)
    except ValidationError as error:
        return {str(fault["loc"][-1]): in_both(fault) for fault in error.errors()}


def _value(one: MoveField, text: str, zone: ZoneInfo) -> object:
    if one.kind == "yes_no":
        return {"yes": True, "no": False}.get(text, text)
    if one.kind == "time":
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return text
        return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat()  # browsers send local time
    return text.replace("\r\n", "\n")


def move_form(kind: EventKind, terms: FormTerms, language: Language, sent: SentMove | None = None) -> MoveForm:
    """Make the form of a move; with what was told if it is the one that was sent."""
    mine = sent if sent is not None and sent.kind is kind else None
    fields = [one for one in fields_of(kind) if one.name not in terms.without]
    whole = [fault for name, fault in (mine.faults if mine else {}).items() if name not in {f.name for f in fields}]
    return MoveForm(
        kind=kind,
        key=MOVE_KEYS[kind],
        name=said(MOVE_TEXTS[kind], language),
        fields=[_shown(one, terms, language, mine) for one in fields],
        is_open=mine is not None,
        fault=said(whole[0], language) if whole else None,
    )


def _shown(one: MoveField, terms: FormTerms, language: Language, sent: SentMove | None) -> ShownField:
    offered = terms.options.get(one.name)
    options = [(name, name) for name in offered] if offered is not None else _options(one, language)
    fault = sent.faults.get(one.name) if sent else None
    return ShownField(
        name=one.name,
        kind="choice" if offered is not None else one.kind,
        label=say(language, f"desk_field_{one.name}"),
        required=one.required,
        options=options,
        most=one.most,
        told=sent.told.get(one.name, "") if sent else "",
        fault=said(fault, language) if fault else None,
        suggested=terms.me if one.name == "responsible" else None,
    )


def _options(one: MoveField, language: Language) -> list[tuple[str, str]]:
    if one.kind == "yes_no":
        return [("yes", say(language, "desk_yes")), ("no", say(language, "desk_no"))]
    if one.name == "reason" and one.options:
        return [(reason, said(DELAY_TEXTS[DelayReason(reason)], language)) for reason in one.options]
    return [(option, say(language, f"desk_option_{option}")) for option in one.options]


def told_in(sent: SentMove, language: Language) -> list[tuple[str, str]]:
    """List what a form told, with the labels of its fields."""
    names = [one.name for one in fields_of(sent.kind)]
    return [(say(language, f"desk_field_{name}"), sent.told[name]) for name in names if sent.told.get(name)]
