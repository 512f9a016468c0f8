"""The content of a job's page: where it is, what is wrong, the next step, all moves of a crew, and what happened."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from markupsafe import Markup

from alerts.desk.offers import offers
from api.answers import models
from api.crew.jobs import CREW
from api.crew.way import way_links
from api.desk.desk_routes import find
from api.desk_pages.forms import Faults, Told, faults_of, once
from api.desk_pages.move_forms import FormTerms, MoveForm, SentMove, move_form, told_in
from api.desk_pages.queue import place_of_ticket
from api.desk_pages.ticket import DeskReader, cause_options, said_facts
from api.desk_pages.timeline import next_left, shown_clocks, shown_events
from api.http.language import Language, said
from api.http.problem import Problem
from api.http.session import Session
from api.pages.render import Times, say
from api.pages.tickets import about_ticket, waiting_terms
from api.words.desk import MOVE_TEXTS
from domain.files import FileKind
from domain.move_times import MADE_AT
from domain.tickets import CREW_MOVES, EventKind, TicketState
from store.base.access import Right
from store.base.rows import Row
from store.registry import home_rows
from store.tickets import job_rows

# One press, without a form: what they may say beside is in the form of its own.
AT_ONCE = (EventKind.ACCEPTED, EventKind.CONTACTED, EventKind.ARRIVED)
ORDER = (
    EventKind.TRIED, EventKind.APPOINTMENT, EventKind.DELAYED, EventKind.CAUSE_FOUND, EventKind.PART_USED,
    EventKind.RESPONSIBILITY, EventKind.CONFIRMED, EventKind.INSPECTED, EventKind.HEAT_ON, EventKind.HEAT_OFF,
    EventKind.DONE, EventKind.USER_SAID, EventKind.REMARK,
)  # fmt: skip
# The press that most likely comes next, by the state.
NEXT = {
    TicketState.OPEN: EventKind.ACCEPTED,
    TicketState.ACCEPTED: EventKind.ARRIVED,
    TicketState.WORKING: EventKind.DONE,
}
LEFT_OUT = frozenset({MADE_AT, "responsible", "times"})  # the page fills them in; wished times are for the desk
FILE_KINDS = (FileKind.PHOTO, FileKind.SCAN)


@dataclass(frozen=True, kw_only=True)
class RefusedForm:
    """A form that is not taken: what it told, what is wrong with its fields or as a whole, and the events not seen.

    `sent`: the move that it would make; None: it is of a photo or a measurement.
    """

    told: Told
    faults: Faults = field(default_factory=dict)
    sent: SentMove | None = None
    problem: Problem | None = None

    @property
    def once(self) -> str:
        """The idempotency key of a form without one of its own."""
        return once("crew", self.told)

    def because(self, problem: Problem) -> "RefusedForm":
        """Return it with the reason."""
        faults = faults_of(problem)
        sent = replace(self.sent, faults=faults) if self.sent else None
        return replace(self, problem=problem, faults=faults, sent=sent)

    def why(self, ticket: Row, language: Language) -> str:
        """Say why, in one line; `ticket` is the ticket as it is now."""
        if self.sent and self.problem and self.problem.status == 409:
            move = said(MOVE_TEXTS[self.sent.kind], language)
            return say(language, "crew_changed", state=state_of(ticket, language), move=move)
        mark = say(language, "list_mark")
        found = mark.join(said(fault, language) for fault in self.faults.values())
        return found or (self.problem.details(language).detail if self.problem else "")

    @property
    def events(self) -> Sequence[Row]:
        """The events that its sender had not seen, if that is why."""
        return self.problem.members.get("events", ()) if self.problem else ()


def state_of(ticket: Row, language: Language) -> Markup:
    """Say the state of a ticket, or how it ended."""
    return say(language, f"desk_state_{ticket['ending'] or ticket['state']}")


def job_content(asking: Session, number: str, reader: DeskReader, refused: RefusedForm | None = None) -> dict[str, Any]:
    """Gather a job for the template.

    Raises:
        Problem: 404.
    """
    ticket, language = find(asking, number), reader.language
    times = Times(language, asking.policy.zone, asking.now)
    clocks = shown_clocks(ticket, language, times, asking.now)
    place = {**ticket, **job_rows.coordinates(asking.conn, ticket["ticket_id"])}
    name, files = place_of_ticket(ticket), files_of(number)
    sent = refused.sent if refused else None
    return {
        "ticket": ticket,
        "about": about_ticket(ticket, language),
        "state": state_of(ticket, language),
        "place": {**place, "name": name},
        "ways": way_links(place, name),
        "said_by_user": _said(ticket, language, times),
        "clocks": clocks,
        "left": next_left(clocks),
        "appointment": times.at(ticket["appointment_at"]) if ticket["appointment_at"] else None,
        "home": _home(asking, place),
        "next_step": NEXT.get(ticket["state"]),
        **_moves(asking, ticket, reader, sent),
        "events": shown_events(ticket["events"], language, times, files),
        "version": max((event["seq"] for event in ticket["events"]), default=0),
        "files": files,
        "file_kinds": FILE_KINDS,
        "may_reveal": Right.REVEAL in asking.asker.rights,
        "refused": refused.why(ticket, language) if refused else None,
        "told": told_in(sent, language) if sent else [],
        "since": shown_events(refused.events, language, times, files) if refused else [],
    }


def files_of(number: str) -> str:
    """Return the address of a job's files."""
    return f"{CREW}/tickets/{number}/files"


def _said(ticket: Row, language: Language, times: Times) -> list[str | Markup]:
    """Return what the user has said: the words, the last word on the trouble, and when a visit suits."""
    later = [event["data"].get("text", "") for event in ticket["events"] if event["kind"] == EventKind.USER_SAID]
    last = said_facts(ticket, language, times)
    told = [say(language, "desk_pair", name=say(language, f"desk_{key}"), value=last[key]) for key in last if last[key]]
    return [*(text for text in (ticket["description"], *later) if text), *told]


def _home(asking: Session, place: Row) -> models.Home | None:
    """Read how the home is now; None: it is none, or one that the crew's station does not heat."""
    found = home_rows.find(asking.conn, asking.scope, place["home"]) if place["home"] else None
    return models.Home.model_validate({**found, "flag": None}) if found else None


def _moves(asking: Session, ticket: Row, reader: DeskReader, sent: SentMove | None) -> dict[str, Any]:
    """Return the moves that the ticket takes now: those of one press, and forms."""
    if Right.WRITE not in asking.asker.rights:
        return {"at_once": [], "moves": []}
    takes = set(offers(asking.conn, asking.policy, ticket, asking.now).open) & CREW_MOVES
    terms = FormTerms(
        {"cause": cause_options(asking, reader.language)},
        reader.me,
        LEFT_OUT if waiting_terms(ticket) else LEFT_OUT | {"declined"},
    )
    forms: list[MoveForm] = [move_form(kind, terms, reader.language, sent) for kind in ORDER if kind in takes]
    return {
        "at_once": [(kind, said(MOVE_TEXTS[kind], reader.language)) for kind in AT_ONCE if kind in takes],
        "moves": forms,
    }
