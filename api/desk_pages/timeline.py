"""The clocks and the events of a ticket in words, for the staff."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from api.desk_pages.time_left import TimeLeft, Urgency, time_left
from api.http.language import Language, said
from api.pages.render import Times, say
from api.pages.tickets import all_times
from api.words.desk import DATA_TEXTS, EVENT_TEXTS, PROOFS
from domain.instants import instant
from domain.statements import times_in
from domain.tickets import DelayReason, EventKind
from domain.words.desk import CLOCK_TEXTS, DELAY_TEXTS
from store.base.rows import Row

ACTORS = ("hearth", "user")
INSTANTS = ("appointment_at", "again_at", "due_at")


@dataclass(frozen=True, kw_only=True)
class ShownClock:
    """A clock of the present round. `left` and `due` (RFC 3339) while it runs."""

    name: str
    left: TimeLeft | None
    due: str | None
    words: Markup
    is_met: bool


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


def shown_events(events: Sequence[Mapping[str, Any]], language: Language, times: Times) -> list[ShownEvent]:
    """List events, newest first."""
    return [_event(event, language, times) for event in reversed(events)]


def _event(event: Mapping[str, Any], language: Language, times: Times) -> ShownEvent:
    actor = event["actor"]
    return ShownEvent(
        seq=event["seq"],
        at=times.at(event["at"]),
        what=said(EVENT_TEXTS[EventKind(event["kind"])], language),
        who=say(language, f"desk_actor_{actor}") if actor in ACTORS else name_of(actor),
        says=list(_says(event["data"], language, times)),
        has_contact=event.get("contact") is not None,
        round=event.get("round", 1),
        by_person=actor not in ACTORS,
    )


def name_of(actor: str) -> str:
    """Return the name of an actor: `staff 7 (Li Na)` is Li Na."""
    _, bracket, name = actor.partition(" (")
    return name.removesuffix(")") if bracket else actor


def _says(data: Mapping[str, Any], language: Language, times: Times) -> Iterator[tuple[str, str | Markup]]:
    # A reason that a machine or a list gives has its text beside it, in both languages.
    if text := data.get(language):
        yield said(DATA_TEXTS["reason"], language), str(text)
    for key, label in DATA_TEXTS.items():
        value = data.get(key)
        if value is None or value == "" or (key == "reason" and language in data):
            continue
        yield said(label, language), _value(key, value, language, times)


def _value(key: str, value: object, language: Language, times: Times) -> str | Markup:
    if isinstance(value, bool):
        return say(language, "desk_yes" if value else "desk_no")
    if key in INSTANTS:
        return times.at(instant(str(value)))
    if key == "clock" and value in CLOCK_TEXTS:
        return said(CLOCK_TEXTS[str(value)], language)
    if key == "proof" and value in PROOFS:
        return said(PROOFS[str(value)], language)
    if key == "reason" and value in set(DelayReason):
        return said(DELAY_TEXTS[DelayReason(str(value))], language)
    if key == "channel" and value in ("phone", "visit", "letter", "message", "app"):
        return say(language, f"desk_option_{value}")
    if key in ("says", "reaction"):
        return say(language, f"desk_option_{value}")
    if key == "times":
        return all_times(times_in({key: value}), language, times)
    if key == "responsibility" and value in ("company", "user"):
        return say(language, f"desk_option_{value}")
    return str(value)
