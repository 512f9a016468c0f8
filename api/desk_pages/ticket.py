"""The content of a ticket's page: facts, clocks, what closing needs, the moves it takes now, and its timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from alerts.desk.offers import MoveOffers, offers
from api.answers.models import Home
from api.desk.desk_routes import find, may_move
from api.desk_pages.case_list import marks
from api.desk_pages.move_forms import FormTerms, MoveForm, SentMove, move_form, told_in
from api.desk_pages.peers_of_ticket import peer_facts
from api.desk_pages.queue import QUEUE, place_of_ticket
from api.desk_pages.timeline import ShownEvent, next_left, shown_clocks, shown_events
from api.homes import home_routes
from api.homes.cold_cause import likely_cause
from api.http.language import Language, said
from api.http.session import LEADERS, Session
from api.pages import content
from api.pages.render import Times, say
from api.pages.statement import times_offered
from api.pages.tickets import about_ticket, all_times, waiting_terms
from api.words.answers import ANSWERS, CALL_US
from api.words.desk import MOVE_TEXTS, PROOFS, SOURCES
from domain.applications import ApplicationKind, Document
from domain.cases import CASE_CLASSES
from domain.causes import known_causes
from domain.move_bars import MoveBar
from domain.statements import DAYS_AHEAD, standing_times, standing_word
from domain.tickets import SELF_CLOSING, TicketClass, TicketState
from domain.words.applications import DOCUMENT_TEXTS, KIND_TEXTS
from domain.words.desk import CHANNEL_TEXTS, SUBJECT_TEXTS
from domain.words.text import Text
from store.base.access import Right
from store.base.plans import keep_plans
from store.base.rows import Row
from store.figures.live_feed import Snapshot
from store.tickets import application_rows, case_rows, queue_rows

Fact = tuple[str, str | Markup]
KEPT_APART = frozenset({"contact", "times"})  # of a case: who has complained


@dataclass(frozen=True, kw_only=True)
class Barred:
    """A move that the ticket's state allows, and why the ticket does not take it."""

    name: str
    why: Markup


@dataclass(frozen=True, kw_only=True)
class PreparedAnswer:
    """A prepared answer in both languages."""

    name: str
    zh: str
    en: str


@dataclass(frozen=True)
class DeskReader:
    """The person who looks at a page, how texts are written for them, and what of the live feed the page has seen."""

    me: str
    language: Language
    hotline: str | None
    at: Snapshot


def ticket_content(
    asking: Session, number: str, reader: DeskReader, sent: SentMove | None = None, *, conflict: bool = False
) -> dict[str, Any]:
    """Gather the page of a ticket for the template.

    Args:
        sent: a form that was not taken; its fields keep what was told.
        conflict: it was not taken because the ticket has changed.
    Raises:
        Problem: 404.
    """
    ticket, language = find(asking, number), reader.language
    offered = offers(asking.conn, asking.policy, ticket, asking.now)
    times = Times(language, asking.policy.zone, asking.now)
    clocks = shown_clocks(ticket, language, times, asking.now)
    case, files = _case(asking, ticket, language), files_of(number)
    keep_plans(asking.conn)  # each of the statements from here on is about this ticket or its home
    return {
        "ticket": ticket,
        "about": about_ticket(ticket, language),
        "state": say(language, f"desk_state_{ticket['ending'] or ticket['state']}"),
        "place": {**ticket, "name": place_of_ticket(ticket)},
        "facts": [*_facts(ticket, language, times), *peer_facts(asking, ticket["number"], language, times)],
        "case": case,
        "application": application_of(asking, ticket, language),
        "may_follow": case is not None and Right.WRITE in asking.asker.rights,
        "clocks": clocks,
        "left": next_left(clocks),
        "closes_itself": ticket["source"] in SELF_CLOSING,
        "needs": [say(language, f"desk_need_{need}") for need in ticket["needs"]],
        "moves": _moves(asking, ticket, offered, reader, sent),
        "barred": [*_for_leaders(asking, offered, language), *_barred(ticket, offered, language, times)],
        "answers": _answers(ticket, reader),
        "events": shown_events(ticket["events"], language, times, files, linked=True),
        "version": max((event["seq"] for event in ticket["events"]), default=0),
        "home": _home(asking, ticket),
        "likely": likely_said(asking, ticket["home"], language) if _is_cold(ticket) else None,
        "may_write": Right.WRITE in asking.asker.rights,
        "files": files if ticket["class"] not in CASE_CLASSES else None,
        "may_reveal": _may_reveal(asking, ticket),
        "sent": sent,
        "sent_name": said(MOVE_TEXTS[sent.kind], language) if sent else None,
        "told": told_in(sent, language) if sent else [],
        "conflict": _conflict(ticket, sent, language, times) if conflict and sent else None,
        "is_still_open": sent is not None and sent.kind in offered.open,
    }


def files_of(number: str) -> str:
    """Return the address of a ticket's files at the desk."""
    return f"{QUEUE}/tickets/{number}/files"


def _conflict(ticket: Row, sent: SentMove, language: Language, times: Times) -> list[ShownEvent]:
    """Return what happened since the page was read from which a move was sent."""
    since = [event for event in ticket["events"] if event["seq"] > sent.version]
    return shown_events(since, language, times, files_of(ticket["number"]), linked=True)


def _facts(ticket: Row, language: Language, times: Times) -> list[Fact]:
    """List the facts of a ticket that are known, with their labels."""
    responsibility = ticket["responsibility"]
    told: dict[str, str | Markup | None] = {
        "station": ticket["station"] or say(language, "desk_no_station"),
        "responsible": ticket["responsible"] or say(language, "desk_nobody"),
        "priority": say(language, f"desk_priority_{ticket['priority']}"),
        "since": times.at(ticket["opened_at"]),
        "source": said(SOURCES[ticket["source"]], language),
        "appointment": times.at(ticket["appointment_at"]) if ticket["appointment_at"] else None,
        "done_at": times.at(ticket["done_at"]) if ticket["done_at"] else None,
        "proof": said(PROOFS[ticket["proof"]], language) if ticket["proof"] else None,
        "closed_at": times.at(ticket["closed_at"]) if ticket["closed_at"] else None,
        "responsibility": say(language, f"desk_option_{responsibility}") if responsibility else None,
        "paid": say(language, "desk_yes") if ticket["paid"] else None,
        "confirmation": ticket["confirmation"],
        "round": str(ticket["round"]) if ticket["round"] > 1 else None,
        **said_facts(ticket, language, times),
    }
    return [(say(language, f"desk_{name}"), value) for name, value in told.items() if value]


def said_facts(ticket: Row, language: Language, times: Times) -> dict[str, str | Markup | None]:
    """Return the user's last word on the trouble, and when a visit suits."""
    word = standing_word(ticket["events"], ticket["round"])
    wished = standing_times(ticket["events"], ticket["round"])
    told = say(language, f"desk_option_{word['data']['says']}") if word else None
    return {
        "user_word": say(language, "desk_told_at", what=told, at=times.at(word["at"])) if word else None,
        "user_times": all_times(wished, language, times) if wished else None,
    }


def _case(asking: Session, ticket: Row, language: Language) -> dict[str, Any] | None:
    """Read what a complaint or a report is about; who made it stands elsewhere."""
    if ticket["class"] not in CASE_CLASSES:
        return None
    found = case_rows.case(asking.conn, asking.scope, ticket["number"])
    if found is None:
        return None
    channel, subject = CHANNEL_TEXTS[found["channel"]], SUBJECT_TEXTS[found["subject"]]
    names = {"subject_name": said(subject, language), "channel_name": said(channel, language)}
    return {**found, **names, "marks": marks(found, language)}


def application_of(asking: Session, ticket: Row, language: Language) -> dict[str, Any] | None:
    """Read what was applied for, and the stopped and cold homes beside one that is to be stopped."""
    if ticket["class"] != TicketClass.APPLICATION:
        return None
    found = application_rows.of_tickets(asking.conn, [ticket["ticket_id"]])[ticket["ticket_id"]]
    is_stop = found.kind is ApplicationKind.STOP and found.home_id is not None
    beside = application_rows.neighbours(asking.conn, found.home_id or 0, asking.now) if is_stop else None
    return {
        "about": said(KIND_TEXTS[found.kind], language),
        "papers": [said(DOCUMENT_TEXTS[Document(one)], language) for one in found.documents],
        "area": found.area_m2,
        "neighbours": beside,
    }


def _moves(
    asking: Session, ticket: Row, offered: MoveOffers, reader: DeskReader, sent: SentMove | None
) -> Sequence[MoveForm]:
    if Right.WRITE not in asking.asker.rights:
        return []
    is_case = ticket["class"] in CASE_CLASSES
    terms = FormTerms(
        {
            "station": same(queue_rows.stations(asking.conn)),
            "into": same(offered.into),
            "cause": cause_options(asking, reader.language),
            "times": _times_offered(asking, reader.language),
        },
        reader.me,
        frozenset({*(KEPT_APART if is_case else ()), *(() if waiting_terms(ticket) else ("declined",))}),
        _hints(ticket, reader.language),
    )
    return [move_form(kind, terms, reader.language, sent) for kind in offered.open if may_move(asking, kind)]


def _times_offered(asking: Session, language: Language) -> list[tuple[str, str]]:
    """Return all times that a caller may wish for a visit, as choices."""
    times = Times(language, asking.policy.zone, asking.now)
    days = times_offered(asking, language, times, DAYS_AHEAD + 1)
    return [(value, say(language, "my_time", day=day, part=part)) for day, parts in days for value, part in parts]


def _hints(ticket: Row, language: Language) -> dict[str, str]:
    """Return what is to be known beside fields: the terms that a user signs are those told last."""
    hints: dict[str, str] = {"times": say(language, "desk_times_hint")}
    if terms := waiting_terms(ticket):
        told = [("my_terms_for", "what", terms.for_what), ("my_terms_amount", "amount", terms.amount)]
        known = [say(language, text, **{name: value}) for text, name, value in told if value]
        hints["confirmation"] = say(language, "desk_terms_hint", terms=say(language, "my_list_mark").join(known) or "–")
    return hints


def same(values: Sequence[str]) -> list[tuple[str, str]]:
    """Return values as choices that are shown as they are."""
    return [(value, value) for value in values]


def cause_options(asking: Session, language: Language) -> list[tuple[str, str]]:
    """Return the causes that may be found, as choices."""
    return [(code, said(text, language)) for code, text in known_causes(asking.policy.causes).items()]


def _for_leaders(asking: Session, offered: MoveOffers, language: Language) -> list[Barred]:
    """List the moves that the ticket takes now, but not from this person."""
    why = say(language, "desk_bar_leaders")
    return [
        Barred(name=said(MOVE_TEXTS[kind], language), why=why) for kind in offered.open if not may_move(asking, kind)
    ]


def _barred(ticket: Row, offered: MoveOffers, language: Language, times: Times) -> list[Barred]:
    """List the moves to come, with what stands against them; what the kind of ticket never takes is left out."""
    begins = offered.call_back_from
    needs = say(language, "list_mark").join(say(language, f"desk_need_{need}") for need in ticket["needs"])
    fields = {"needs": needs, "at": times.at(begins) if begins else ""}
    return [
        Barred(name=said(MOVE_TEXTS[kind], language), why=say(language, f"desk_bar_{bar}", **fields))
        for kind, bar in offered.bars.items()
        if bar not in (None, MoveBar.ON_RECORD, MoveBar.NO_OTHER, MoveBar.STANDS)
    ]


def prepared(name: str, number: str, hotline: str | None) -> Text:
    """Fill in a prepared answer, in both languages: users read it, whatever the language of the desk."""
    text = ANSWERS[name].text
    zh = text.zh.format(number=number, call=f" {hotline}" if hotline else CALL_US.zh)
    return Text(zh, text.en.format(number=number, call=hotline or CALL_US.en))


def _answers(ticket: Row, reader: DeskReader) -> dict[str, PreparedAnswer]:
    """List the prepared answers that suit the class of a ticket."""
    return {
        name: PreparedAnswer(
            name=said(answer.name, reader.language), **prepared(name, ticket["number"], reader.hotline)._asdict()
        )
        for name, answer in ANSWERS.items()
        if ticket["class"] in answer.of
    }


def _home(asking: Session, ticket: Row) -> dict[str, Any] | None:
    """Read how the home of a ticket is now, with the curve of its day as its customer sees it."""
    if ticket["home_id"] is None:
        return None
    home: Home = home_routes.home(ticket["home"], asking)
    return {"now": home, **content.day_content(asking, ticket["home_id"])}


def _is_cold(ticket: Row) -> bool:
    return ticket["class"] == TicketClass.COLD and ticket["state"] != TicketState.CLOSED and ticket["home"] is not None


def likely_said(asking: Session, home: str, language: Language) -> str | None:
    """Return the likely cause of a home's cold with its evidence, in words; None: there is nothing to say."""
    found = likely_cause(asking, home, asking.now)
    return None if found is None else said(Text(found.zh, found.en), language)


def _may_reveal(asking: Session, ticket: Row) -> bool:
    """Return whether the person may ask for the number, or for the identity behind a case."""
    is_case = ticket["class"] in CASE_CLASSES
    return Right.REVEAL in asking.asker.rights and (not is_case or asking.asker.role in LEADERS)


def board_links(boards: str | None, place: Row, language: Language) -> list[tuple[str, str]]:
    """Return the boards in Grafana that show the same, as pairs of text and address."""
    if boards is None:
        return []
    links: list[tuple[str, str]] = [(say(language, "desk_board_desk"), f"{boards}/d/hearth-desk")]
    if place["home"]:
        at = {f"var-{kind}": place[kind] for kind in ("substation", "building", "home")}
        links.append((say(language, "desk_board_home"), f"{boards}/d/hearth-home?{urlencode(at)}"))
    return links
