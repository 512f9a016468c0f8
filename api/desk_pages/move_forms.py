"""Forms of the moves on a ticket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from api.desk.moves import MODELS, AnyMove
from api.desk_pages import forms
from api.desk_pages.forms import Faults, FormField, FormState, FormWords, ShownField, Told, whole_fault
from api.http.language import Language, said
from api.pages.render import say
from api.words.desk import MOVE_TEXTS
from domain.move_times import MADE_AT
from domain.statements import DayPart
from domain.tickets import DelayReason, EventKind
from domain.words.desk import DELAY_TEXTS

MOVE_KEYS: Mapping[EventKind, str] = {
    EventKind.ASSIGNED: "a",
    EventKind.ACCEPTED: "c",
    EventKind.CONTACTED: "t",
    EventKind.TRIED: "y",
    EventKind.APPOINTMENT: "p",
    EventKind.ARRIVED: "v",
    EventKind.CAUSE_FOUND: "9",
    EventKind.PART_USED: "0",
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
    # on pages of applications alone, which have no moves of repairs and no follow-ups of cases
    EventKind.PLAN_ANSWERED: "c",
    EventKind.PLAN_REFUSED: "w",
    EventKind.INSPECTED: "b",
    EventKind.FEES_SETTLED: "f",
    EventKind.APPROVED: "g",
    EventKind.CONTRACT_OFFERED: "o",
    EventKind.CONTRACT_SIGNED: "s",
    EventKind.AREA_NOTICE: "9",
    EventKind.HEAT_NOTICE: "0",
    EventKind.HEAT_ON: "e",
    EventKind.HEAT_OFF: "i",
}
MOVE: TypeAdapter[AnyMove] = TypeAdapter(AnyMove)


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
    faults: Faults = field(default_factory=dict)

    @property
    def once(self) -> str:
        """The idempotency key: equal only if the same is sent again from the same page."""
        return forms.once(self.key, self.told)


class FormTerms(NamedTuple):
    """The terms of a ticket's forms: values of fields that are chosen from a list, and the name that is suggested."""

    options: Mapping[str, Sequence[tuple[str, str]]]
    me: str | None
    without: frozenset[str] = frozenset()  # fields that this ticket does not take
    hints: Mapping[str, str] = {}


def fields_of(kind: EventKind) -> list[FormField]:
    """Return the fields of a move; the time at which it was made, and the note for the staff, last."""
    fields = forms.fields_of(MODELS[kind])
    last = (MADE_AT,) if kind is EventKind.REMARK else (MADE_AT, "remark")
    return sorted(fields, key=lambda one: last.index(one.name) + 1 if one.name in last else 0)


def read_move(kind: EventKind, told: Told, zone: ZoneInfo) -> AnyMove | Faults:
    """Read a form as the API reads a body; returns the faults by field where there are some."""
    try:
        return MOVE.validate_python({"kind": kind.value, **forms.values_of(fields_of(kind), told, zone)})
    except ValidationError as error:
        return forms.faults_in(error)


def move_form(kind: EventKind, terms: FormTerms, language: Language, sent: SentMove | None = None) -> MoveForm:
    """Make the form of a move; with what was told if it is the one that was sent."""
    mine = sent if sent is not None and sent.kind is kind else None
    fields = [one for one in fields_of(kind) if one.name not in terms.without]
    state = FormState(told=mine.told if mine else {}, faults=mine.faults if mine else {}, choices=terms.options)
    shown = forms.shown_fields(fields, _words(language, terms.hints), state, language)
    return MoveForm(
        kind=kind,
        key=MOVE_KEYS[kind],
        name=said(MOVE_TEXTS[kind], language),
        fields=[one._replace(suggested=terms.me) if one.name == "responsible" else one for one in shown],
        is_open=mine is not None,
        fault=whole_fault(state.faults, {one.name for one in fields}, language),
    )


def _words(language: Language, hints: Mapping[str, str]) -> FormWords:
    def option(name: str, value: str) -> str:
        if value in ("yes", "no"):
            return say(language, f"desk_{value}")
        if name == "reason":
            return said(DELAY_TEXTS[DelayReason(value)], language)
        return say(language, f"desk_option_{value}")

    return FormWords(label=lambda name: say(language, f"desk_field_{name}"), option=option, hints=hints)


def told_in(sent: SentMove, language: Language) -> list[tuple[str, str]]:
    """List what a form told, with the labels of its fields."""
    return [
        (say(language, f"desk_field_{one.name}"), _told(one, sent.told[one.name], language))
        for one in fields_of(sent.kind)
        if sent.told.get(one.name)
    ]


def _told(one: FormField, text: str, language: Language) -> str:
    if one.kind != "times":
        return text
    parts = {part.value: say(language, f"my_part_{part}") for part in DayPart}
    days = [told.partition(" ") for told in text.split(forms.SEVERAL)]
    return say(language, "my_list_mark").join(f"{day} {parts.get(part, part)}" for day, _, part in days)
