"""The clocks and the events of a ticket in words, for the staff."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from markupsafe import Markup

from api.desk_pages.time_left import TimeLeft, Urgency, time_left
from api.http.language import Language, said
from api.pages.render import Times, say
from api.pages.tickets import all_times
from api.words.desk import DATA_TEXTS, EVENT_TEXTS, PROOFS
from domain.files import MediaType
from domain.instants import instant
from domain.move_times import MADE_AT
from domain.statements import times_in
from domain.tickets import EventKind
from domain.words.desk import CARE_END_TEXTS, CLOCK_TEXTS, DELAY_TEXTS
from domain.words.reasons import CLEAR_TEXTS
from domain.words.text import Text
from store.base.numbers import ticket_number
from store.base.rows import Row

ACTORS = ("hearth", "user")
INSTANTS = ("appointment_at", "again_at", "due_at", MADE_AT)
# Reasons that stand in an event as codes; of other kinds it is what somebody wrote, or has its text beside it.
_REASONS: Mapping[EventKind, Mapping[Any, Text]] = {
    EventKind.DELAYED: DELAY_TEXTS,
    EventKind.RECOVERED: CLEAR_TEXTS,
    EventKind.FLAG_ENDED: CLEAR_TEXTS,
    EventKind.HEALED: CARE_END_TEXTS,
    EventKind.JOB_ENDED: CARE_END_TEXTS,
}
# Numbers that have a page at the desk.
_PAGES = {"incident": "/desk/incidents", **dict.fromkeys(("into", "ticket", "follows"), "/desk/tickets")}
SEEN_APART = timedelta(minutes=1)  # a move recorded at once needs no second time


@dataclass(frozen=True, kw_only=True)
class ShownClock:
    """A clock of the present round. `left` and `due` (RFC 3339) while it runs."""

    name: str
    left: TimeLeft | None
    due: str | None
    words: Markup
    is_met: bool


class ShownFile(NamedTuple):
    """A file of an event: its address, and that of its small picture, if it has one."""

    address: str
    thumbnail: str | None
    name: Markup


@dataclass(frozen=True, kw_only=True)
class ShownEvent:
    """An event with what it says, as pairs of label and value."""

    seq: int
    at: Markup
    what: str
    who: str
    says: Sequence[tuple[str, str | Markup]]
    has_contact: bool
    round: int
    by_person: bool
    file: ShownFile | None = None


def shown_clocks(ticket: Row, language: Language, times: Times, now: datetime) -> list[ShownClock]:
    """List the clocks of the present round, those that run first."""
    mine = [clock for clock in ticket["clocks"] if clock["round"] == ticket["round"]]
    shown = [_clock(clock, language, times, now) for clock in mine]
    return sorted(shown, key=lambda clock: (clock.left is None, clock.due or ""))


def _clock(clock: Row, language: Language, times: Times, now: datetime) -> ShownClock:
    runs = clock["due_at"] is not None and clock["met_at"] is None and clock["void_at"] is None
    return ShownClock(
        name=said(CLOCK_TEXTS[clock["name"]], language),
        left=time_left(language, clock["due_at"], now) if runs else None,
        due=clock["due_at"].isoformat() if runs else None,
        words=_standing(clock, language, times, now),
        is_met=clock["met_at"] is not None and clock["breached_at"] is None,
    )


def _standing(clock: Row, language: Language, times: Times, now: datetime) -> Markup:
    started, due, met = clock["started_at"], clock["due_at"], clock["met_at"]
    if met is not None and clock["breached_at"] is not None:
        return say(language, "desk_clock_met_late", at=times.at(met), due=times.at(due))
    if met is not None:
        return say(language, "desk_clock_met", at=times.at(met))
    if clock["void_at"] is not None:
        return say(language, "desk_clock_void")
    if started is None:
        return say(language, "desk_clock_waits")
    if due is None:
        return say(language, "desk_clock_undated")
    if started > now:
        return say(language, "desk_clock_begins", at=times.at(started), due=times.at(due))
    return say(language, "desk_by", at=times.at(due))


def next_left(clocks: Sequence[ShownClock]) -> TimeLeft | None:
    """Return the time left on the clock that runs out first."""
    return next((clock.left for clock in clocks if clock.left and clock.left.urgency is not Urgency.NONE), None)


def shown_events(
    events: Sequence[Mapping[str, Any]], language: Language, times: Times, files: str, *, linked: bool = False
) -> list[ShownEvent]:
    """List events, newest first.

    Args:
        files: the address of the ticket's files.
        linked: whether incidents and other tickets are links, for those who may open their pages.
    """
    return [_event(event, language, times, files, linked) for event in reversed(events)]


def _event(event: Mapping[str, Any], language: Language, times: Times, files: str, linked: bool) -> ShownEvent:
    actor = event["actor"]
    return ShownEvent(
        seq=event["seq"],
        at=times.at(event["at"]),
        what=said(EVENT_TEXTS[EventKind(event["kind"])], language),
        who=say(language, f"desk_actor_{actor}") if actor in ACTORS else name_of(actor),
        says=list(_says(EventKind(event["kind"]), _worth_saying(event), language, times, linked)),
        has_contact=event.get("contact") is not None,
        round=event.get("round", 1),
        by_person=actor not in ACTORS,
        file=_file(event["data"], language, files) if event["kind"] == EventKind.ATTACHED else None,
    )


def _file(data: Mapping[str, Any], language: Language, files: str) -> ShownFile:
    address = f"{files}/{data['file']}"
    is_image = data["media_type"] != MediaType.PDF
    return ShownFile(address, f"{address}/thumbnail" if is_image else None, say(language, f"desk_file_{data['kind']}"))


def _worth_saying(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the data of an event without the time of a move that was recorded at once."""
    data: Mapping[str, Any] = event["data"]
    if MADE_AT in data and event["at"] - instant(data[MADE_AT]) < SEEN_APART:
        return {key: value for key, value in data.items() if key != MADE_AT}
    return data


def name_of(actor: str) -> str:
    """Return the name of an actor: `staff 7 (Li Na)` is Li Na."""
    _, bracket, name = actor.partition(" (")
    return name.removesuffix(")") if bracket else actor


def _says(
    kind: EventKind, data: Mapping[str, Any], language: Language, times: Times, linked: bool
) -> Iterator[tuple[str, str | Markup]]:
    # A reason or a cause that a machine or a list gives has its text beside it, in both languages.
    named = "cause" if "cause" in data else "reason"
    if text := data.get(language):
        yield said(DATA_TEXTS[named], language), str(text)
    for key, label in DATA_TEXTS.items():
        value = data.get(key)
        if value is None or value == "" or (key == named and language in data):
            continue
        if key in _PAGES:
            yield said(label, language), _number(key, value, linked)
        elif key == "reason" and (reason := _REASONS.get(kind, {}).get(str(value))):
            yield said(label, language), said(reason, language)
        else:
            yield said(label, language), _value(key, value, language, times)


def _number(key: str, value: object, linked: bool) -> str | Markup:
    number = ticket_number(value) if isinstance(value, int) else str(value)
    return Markup('<a href="{}/{}">{}</a>').format(_PAGES[key], number, number) if linked else number


def _value(key: str, value: object, language: Language, times: Times) -> str | Markup:
    if isinstance(value, bool):
        return say(language, "desk_yes" if value else "desk_no")
    if key in INSTANTS:
        return times.at(instant(str(value)))
    if key == "clock" and value in CLOCK_TEXTS:
        return said(CLOCK_TEXTS[str(value)], language)
    if key == "proof" and value in PROOFS:
        return said(PROOFS[str(value)], language)
    if key == "channel" and value in ("phone", "visit", "letter", "message", "app"):
        return say(language, f"desk_option_{value}")
    if key in ("says", "reaction", "stage"):
        return say(language, f"desk_option_{value}")
    if key == "times":
        return all_times(times_in({key: value}), language, times)
    if key == "responsibility" and value in ("company", "user"):
        return say(language, f"desk_option_{value}")
    return str(value)
