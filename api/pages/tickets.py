"""Tickets in plain words for their users: progress, promised times, and promises broken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from api.http.language import Language
from api.pages.render import Times, say
from domain.tickets import SELF_CLOSING, EventKind, TicketState, standing_events

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
}


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A clock as a promise to the user; `standing` is running, late, kept, kept_late or broken."""

    standing: str
    words: Markup


@dataclass(frozen=True, kw_only=True)
class TicketRound:
    """The statements and answers of one round of a ticket."""

    said: Sequence[str]
    delay: str | None
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
    state: Markup
    opened: Markup
    closed_at: Markup | None
    appointment: Markup | None
    promises: Sequence[Promise]
    happened: Sequence[tuple[Markup, Markup]]
    present: TicketRound
    earlier: Sequence[TicketRound]


def shown(ticket: dict[str, Any], about: str, language: Language, times: Times, now: datetime) -> ShownTicket:
    """Describe a ticket, as `seen` redacts it, to its user."""
    *earlier, present = _rounds(ticket, language)
    appointment = ticket["appointment_at"]
    return ShownTicket(
        number=ticket["number"],
        kind=ticket["class"],
        about=about,
        closed=ticket["state"] == TicketState.CLOSED,
        addable=ticket["state"] != TicketState.CLOSED
        and ticket["home"] is not None
        and ticket["source"] not in SELF_CLOSING,
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


def _rounds(ticket: dict[str, Any], language: Language) -> list[TicketRound]:
    """Split a ticket into its rounds; each keeps the answers that still stand in it."""
    found = []
    for number in range(1, ticket["round"] + 1):
        events = [event for event in ticket["events"] if event["round"] == number]
        last = standing_events(events)

        def data(kind: EventKind, *keys: str, last: Mapping[EventKind, Any] = last) -> str | None:
            told = last[kind]["data"] if kind in last else {}
            return next((told[key] for key in keys if told.get(key)), None)

        added = [event["data"].get("text", "") for event in events if event["kind"] == EventKind.USER_SAID]
        found.append(
            TicketRound(
                said=[*([ticket["description"]] if number == 1 and ticket["description"] else []), *added],
                delay=data(EventKind.DELAYED, "explanation", language),
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
