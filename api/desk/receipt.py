"""The receipt of a ticket (回执单, 9(11)): the report, the work and the outcome, in Chinese or English."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from api.http.language import Language, said
from api.words import receipt
from domain.ticket_history import parts_used, standing_events
from domain.tickets import EventKind, Proof
from domain.words.desk import CLASS_TEXTS
from domain.words.text import Text


class ReceiptLine(BaseModel):
    """A line of a receipt."""

    label: str
    value: str


class Receipt(BaseModel):
    """A receipt in one language; times are local."""

    number: str
    language: Language
    title: str
    lines: list[ReceiptLine]


def make_receipt(ticket: dict[str, Any], zone: ZoneInfo, language: Language) -> Receipt:
    """Make the receipt of a ticket from its events; empty lines are left out."""
    facts = TicketFacts(ticket, zone, language)
    lines = [
        ReceiptLine(label=said(receipt.LABELS[label], language), value=value)
        for label, value in (*_report_lines(facts), *_work_lines(facts), *_outcome_lines(facts))
        if value not in (None, "")
    ]
    return Receipt(number=ticket["number"], language=language, title=said(receipt.TITLE, language), lines=lines)


def as_text(made: Receipt) -> str:
    """Format a receipt for printing."""
    return "\n".join([made.title, *(f"{line.label}: {line.value}" for line in made.lines), ""])


class TicketFacts:
    """The facts of a ticket as a receipt prints them: texts in one language, instants in local time."""

    def __init__(self, ticket: dict[str, Any], zone: ZoneInfo, language: Language) -> None:
        self.ticket = ticket
        self._zone = zone
        self.language = language
        self._last = standing_events(ticket["events"])

    def text(self, text: Text | None) -> str | None:
        """Return a text in the language of the receipt."""
        return None if text is None else said(text, self.language)

    def at(self, column: str) -> str | None:
        """Format an instant of the ticket."""
        return self._local(self.ticket[column])

    def when(self, kind: EventKind) -> str | None:
        """Format the time of the last event of a kind that still stands."""
        return self._local(self._last[kind]["at"]) if kind in self._last else None

    def what(self, kind: EventKind, key: str) -> Any:
        """Return data of the last event of a kind that still stands."""
        return self._last[kind]["data"].get(key) if kind in self._last else None

    def _local(self, instant: datetime | None) -> str | None:
        return None if instant is None else f"{instant.astimezone(self._zone):%Y-%m-%d %H:%M}"


def _report_lines(facts: TicketFacts) -> list[tuple[str, str | None]]:
    ticket = facts.ticket
    added = [event["data"].get("text", "") for event in ticket["events"] if event["kind"] == EventKind.USER_SAID]
    return [
        ("number", ticket["number"]),
        ("home", ticket["home"] or ticket["building"] or ticket["substation"]),
        ("category", facts.text(CLASS_TEXTS[ticket["class"]])),
        ("received", facts.at("opened_at")),
        ("report", "; ".join(filter(None, [ticket["description"], *added]))),
        ("contact", ticket["contact"]),
        ("heat_station", ticket["station"]),
        ("person_responsible", ticket["responsible"]),
    ]


def _work_lines(facts: TicketFacts) -> list[tuple[str, str | None]]:
    proof = facts.ticket["proof"]
    return [
        ("planned_action", facts.what(EventKind.ACCEPTED, "opinion")),
        ("appointment", facts.at("appointment_at")),
        ("user_contacted", facts.when(EventKind.CONTACTED)),
        ("on_site", facts.when(EventKind.ARRIVED)),
        ("reason_for_delay", facts.what(EventKind.DELAYED, "explanation")),
        ("cause_found", facts.what(EventKind.CAUSE_FOUND, facts.language)),
        ("parts_used", "; ".join(parts_used(facts.ticket["events"]))),
        ("done", facts.at("done_at")),
        ("result", facts.what(EventKind.DONE, "result")),
        ("proof", facts.text(receipt.PROOFS[Proof(proof)] if proof else None)),
    ]


def _outcome_lines(facts: TicketFacts) -> list[tuple[str, str | None]]:
    ticket, called_back = facts.ticket, facts.when(EventKind.CALLED_BACK)
    responsible = receipt.RESPONSIBLE[ticket["responsibility"]] if ticket["responsibility"] else None
    satisfied = receipt.YES if facts.what(EventKind.CALLED_BACK, "satisfied") else receipt.NO
    return [
        ("liability", facts.text(responsible)),
        ("charged_to_the_user", facts.text(receipt.YES if ticket["paid"] else receipt.NO)),
        ("confirmed_by_the_user", ticket["confirmation"]),
        ("answer", facts.what(EventKind.REPLIED, "text")),
        ("called_back", called_back),
        ("user_satisfied", facts.text(satisfied if called_back else None)),
        ("merged_into", ticket["merged_into"]),
        ("reason_for_merging", facts.what(EventKind.MERGED, "reason")),
        ("reason_for_voiding", facts.what(EventKind.VOID, "reason")),
        ("closed", facts.at("closed_at")),
    ]
