"""Tickets in plain words for their users: progress, promised times, and promises broken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from markupsafe import Markup

from api.http.language import Language, said
from api.pages.render import Times, say
from domain.applications import STEPS, ApplicationKind, steps_on_record
from domain.instants import instant
from domain.ratings import rating_bar
from domain.statements import SPEAKABLE, Says, VisitTime, standing_times, times_in
from domain.ticket_history import parts_used, standing_events
from domain.tickets import SELF_CLOSING, EventKind, TicketClass, TicketState
from domain.words.applications import KIND_TEXTS
from domain.words.desk import CLASS_TEXTS

# Of these the last one says whether somebody is still trying to reach the user.
REACHED = (EventKind.TRIED, EventKind.CONTACTED, EventKind.ARRIVED, EventKind.DONE, EventKind.USER_SAID)
TOLD = {
    EventKind.CONTACTED: "event_contacted",
    EventKind.TRIED: "event_tried",
    EventKind.ARRIVED: "event_arrived",
    EventKind.DONE: "event_done",
    EventKind.REWORK: "event_rework",
    EventKind.RELAPSED: "event_again",
    EventKind.REOPENED: "event_again",
    EventKind.RECOVERED: "event_recovered",
    EventKind.PROVEN: "event_proven",
    EventKind.CALLED_BACK: "event_called_back",
    EventKind.MEASURED: "event_measured",
    EventKind.ATTACHED: "event_attached",
    EventKind.MERGED_HERE: "event_merged_here",
    EventKind.CONFIRMED: "event_confirmed",
    EventKind.RATED: "event_rated",
    **{step: f"event_{step.value}" for step in STEPS - {EventKind.DONE}},
}


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A clock as a promise to the user; `standing` is running, late, kept, kept_late or broken."""

    standing: str
    words: Markup


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """An attempt to reach the user that did not succeed, and when the next one is due; None: not known."""

    at: Markup
    again: Markup | None


class PayTerms(NamedTuple):
    """The terms of a repair that the user pays for; `offer` is the event that told them."""

    offer: int
    for_what: str | None
    amount: str | None


class OfferedContract(NamedTuple):
    """A contract that waits for the user's signature; `offer` is the event that offered it."""

    offer: int
    contract: str
    terms: str


class Rated(NamedTuple):
    """The rating of the work by its user."""

    stars: int
    text: str | None


@dataclass(frozen=True, kw_only=True)
class TicketRound:
    """The statements and answers of one round of a ticket. `said`: pairs of a heading and the user's words."""

    said: Sequence[tuple[Markup, str | Markup]]
    delay: str | None
    cause: str | None
    parts: Sequence[str]
    result: str | None
    answer: str | None
    ended: str | None  # the reason it was merged or voided


@dataclass(frozen=True, kw_only=True)
class ShownTicket:
    """A ticket as shown. `kind` is its class, `about` that class in words; `present` is the current round."""

    number: str
    kind: str
    about: str
    closed: bool
    addable: bool  # whether the user may add to it
    speakable: bool  # whether the user may say that the trouble is over, or persists
    coming: str | None  # the person who comes
    attempt: Attempt | None
    wished: Sequence[VisitTime]  # the times that the user told last
    terms: PayTerms | None  # of a repair that the user pays for, and has not agreed to
    contract: OfferedContract | None  # that waits to be signed
    rating: Rated | None
    ratable: bool
    state: Markup
    opened: Markup
    closed_at: Markup | None
    appointment: Markup | None
    promises: Sequence[Promise]
    happened: Sequence[tuple[Markup, Markup]]
    present: TicketRound
    earlier: Sequence[TicketRound]


def about_ticket(ticket: Mapping[str, Any], language: Language) -> str:
    """Say what a ticket is about: its class, and what is applied for."""
    name = said(CLASS_TEXTS[ticket["class"]], language)
    kind = next((event["data"].get("application") for event in ticket["events"] if event["kind"] == "opened"), None)
    text = KIND_TEXTS[ApplicationKind(kind)] if kind else None
    return name if text is None else str(say(language, "about_application", name=name, kind=said(text, language)))


def shown(ticket: dict[str, Any], about: str, language: Language, times: Times, now: datetime) -> ShownTicket:
    """Describe a ticket, as `seen` redacts it, to its user."""
    *earlier, present = _rounds(ticket, language, times)
    appointment = ticket["appointment_at"]
    addable = (
        ticket["state"] != TicketState.CLOSED and ticket["home"] is not None and ticket["source"] not in SELF_CLOSING
    )
    return ShownTicket(
        number=ticket["number"],
        kind=ticket["class"],
        about=about,
        closed=ticket["state"] == TicketState.CLOSED,
        addable=addable,
        speakable=addable and ticket["class"] in SPEAKABLE,
        coming=ticket["responsible"],
        attempt=_attempt(ticket, times),
        wished=standing_times(ticket["events"], ticket["round"]),
        terms=waiting_terms(ticket),
        contract=_contract(ticket),
        rating=_rating(ticket),
        ratable=_is_ratable(ticket, now),
        state=say(language, f"ticket_{ticket['ending'] or ticket['state']}", into=ticket["merged_into"]),
        opened=times.at(ticket["opened_at"]),
        closed_at=times.at(ticket["closed_at"]) if ticket["closed_at"] else None,
        appointment=times.at(appointment) if appointment and appointment > now else None,
        promises=_promises(ticket, language, times, now),
        happened=[
            (times.at(event["at"]), say(language, TOLD[event["kind"]]))
            for event in ticket["events"]
            if event["kind"] in TOLD
        ],
        present=present,
        earlier=earlier,
    )


def waiting_terms(ticket: dict[str, Any]) -> PayTerms | None:
    """Return the terms that wait for the user's answer; a user who has refused them may still agree."""
    is_user = ticket["paid"] or ticket["responsibility"] == "user"
    if not is_user or ticket["confirmation"] or ticket["state"] == TicketState.CLOSED:
        return None
    told = [event for event in ticket["events"] if event["kind"] == EventKind.RESPONSIBILITY]
    return PayTerms(told[-1]["seq"], told[-1]["data"].get("for_what"), told[-1]["data"].get("amount")) if told else None


def _contract(ticket: dict[str, Any]) -> OfferedContract | None:
    kinds = (EventKind.CONTRACT_OFFERED, EventKind.CONTRACT_SIGNED)
    last = next((event for event in reversed(ticket["events"]) if event["kind"] in kinds), None)
    # The completion inspection comes before the signature (5(3)).
    is_ready = EventKind.INSPECTED in steps_on_record(ticket["events"]) and ticket["state"] != TicketState.CLOSED
    if last is None or last["kind"] != EventKind.CONTRACT_OFFERED or not is_ready:
        return None
    return OfferedContract(last["seq"], last["data"]["contract"], last["data"]["terms"])


def _rating(ticket: dict[str, Any]) -> Rated | None:
    rated = [event["data"] for event in ticket["events"] if event["kind"] == EventKind.RATED]
    return Rated(rated[-1]["stars"], rated[-1].get("text")) if rated else None


def _is_ratable(ticket: dict[str, Any], now: datetime) -> bool:
    done_at = None if ticket["ending"] or ticket["source"] in SELF_CLOSING else ticket["done_at"]
    rated = [event["at"] for event in ticket["events"] if event["kind"] == EventKind.RATED]
    return rating_bar(TicketClass(ticket["class"]), done_at, rated, now) is None


def _attempt(ticket: dict[str, Any], times: Times) -> Attempt | None:
    """Return the last attempt to reach the user, if nobody has spoken with the user since."""
    tried = next((event for event in reversed(ticket["events"]) if event["kind"] in REACHED), None)
    if tried is None or tried["kind"] != EventKind.TRIED or ticket["state"] == TicketState.CLOSED:
        return None
    again = tried["data"].get("again_at")
    return Attempt(at=times.at(tried["at"]), again=times.at(instant(again)) if again else None)


def day_words(day: date, language: Language, times: Times) -> Markup:
    """Format a day with its day of the week: `Fri 16 Jan`."""
    return say(language, "my_day", day=times.short(day), weekday=say(language, f"rota_weekday_{day.weekday()}"))


def all_times(wished: Sequence[VisitTime], language: Language, times: Times) -> Markup:
    """Format times of a visit: `Fri 16 Jan, morning; Sat 17 Jan, evening`."""
    told = [
        say(
            language,
            "my_time",
            day=day_words(one.day, language, times),
            part=say(language, f"my_part_{one.part}"),
        )
        for one in wished
    ]
    return say(language, "my_list_mark").join(told)


def _statements(
    ticket: dict[str, Any], number: int, language: Language, times: Times
) -> list[tuple[Markup, str | Markup]]:
    """List what the user has said in a round, in the user's words."""
    said: list[tuple[Markup, str | Markup]] = []
    if number == 1 and ticket["description"]:
        said.append((say(language, "you_wrote"), ticket["description"]))
    events = [e for e in ticket["events"] if e["round"] == number and e["kind"] == EventKind.USER_SAID]
    for event in events:
        said += _told(event, ticket["class"], language, times)
    return said


def _told(
    event: Mapping[str, Any], ticket_class: str, language: Language, times: Times
) -> list[tuple[Markup, str | Markup]]:
    data, at = event["data"], times.at(event["at"])
    parts: list[str | Markup] = [data["text"]] if data.get("text") else []
    if data.get("says"):
        words = say(language, f"my_says_{Says(data['says'])}_{ticket_class if ticket_class in SPEAKABLE else 'repair'}")
        reaction = data.get("reaction")
        follows = say(language, f"my_reaction_{reaction}") if reaction else None
        parts.append(say(language, "my_says_and", words=words, follows=follows) if follows else words)
    if data.get("times"):
        parts.append(say(language, "my_visits", times=all_times(times_in(data), language, times)))
    if "agreed" in data:
        parts.append(say(language, "my_declined"))
    if not parts:
        parts = [say(language, "my_contact_given")]
    return [(say(language, "my_added_at", at=at), part) for part in parts]


def _rounds(ticket: dict[str, Any], language: Language, times: Times) -> list[TicketRound]:
    """Split a ticket into its rounds; each keeps the answers that still stand in it."""
    found = []
    for number in range(1, ticket["round"] + 1):
        events = [event for event in ticket["events"] if event["round"] == number]
        last = standing_events(events)

        def data(kind: EventKind, *keys: str, last: Mapping[EventKind, Any] = last) -> str | None:
            told = last[kind]["data"] if kind in last else {}
            return next((told[key] for key in keys if told.get(key)), None)

        found.append(
            TicketRound(
                said=_statements(ticket, number, language, times),
                delay=data(EventKind.DELAYED, "explanation", language),
                cause=data(EventKind.CAUSE_FOUND, language),
                parts=parts_used(events),
                result=data(EventKind.DONE, "result"),
                answer=data(EventKind.REPLIED, "text"),
                ended=data(EventKind.MERGED, "reason") or data(EventKind.VOID, "reason"),
            )
        )
    return found


def _promises(ticket: dict[str, Any], language: Language, times: Times, now: datetime) -> list[Promise]:
    """List the clocks of the current round, and broken ones of earlier rounds: a breach stays visible."""
    return [
        _promise(clock, language, times, now)
        for clock in ticket["clocks"]
        if clock["due_at"] is not None
        and (clock["breached_at"] is not None or (clock["round"] == ticket["round"] and clock["void_at"] is None))
    ]


def _promise(clock: dict[str, Any], language: Language, times: Times, now: datetime) -> Promise:
    due, met = clock["due_at"], clock["met_at"]
    late = clock["breached_at"] is not None or (met or now) > due
    ended = met is not None or clock["void_at"] is not None
    standing = ("kept_late" if met else "broken" if ended else "late") if late else ("kept" if met else "running")
    begins = clock["started_at"]
    fields = {"begin": times.at(begins) if begins else "", "due": times.at(due), "met": times.at(met) if met else ""}
    if standing == "running":
        return Promise(standing=standing, words=say(language, f"will_{clock['name']}", **fields))
    what = say(language, f"clock_{clock['name']}")
    return Promise(standing=standing, words=say(language, f"promise_{standing}", what=what, **fields))
