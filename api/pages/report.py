"""Reports sent by the form of a page: parsed, validated and recorded exactly once."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import Request
from starlette.exceptions import HTTPException

from api.desk import cases
from api.desk.desk_routes import HomeTicket, open_in_home
from api.http.session import UNNAMED, Session
from domain.cases import Subject
from domain.tickets import TicketClass, TicketState
from store.base import form_sent
from store.base.rows import Row
from store.tickets import ticket_pages

KINDS = ("cold", "leak", "complaint")
LONGEST_WORDS = 2_000
LONGEST_CONTACT = 200
LONGEST_NUMBER = 40
MOST_FIELDS = 20
KEY = re.compile(r"[A-Za-z0-9_-]{20,64}")
# Subjects of complaints; wrongdoing is filed as a report instead.
SUBJECTS = tuple(subject for subject in Subject if subject is not Subject.WRONGDOING)
# Complaints on these subjects are about the station, which then never learns the complainant's identity.
ABOUT_STATION = frozenset({Subject.TEMPERATURE, Subject.REPAIR, Subject.CONDUCT})
NEW = "new"  # value of `about`: none of the open tickets


@dataclass(frozen=True, kw_only=True)
class ReportForm:
    """A submitted form. `faults`: field → key of api.pages.words; a form with faults is not recorded."""

    kind: str = ""
    home: str = ""
    key: str = ""
    token: str = ""
    words: str = ""
    contact: str = ""
    subject: str = ""
    anonymous: bool = False
    about: str = ""  # the number of the open ticket it belongs to, or NEW; empty: not chosen
    faults: Mapping[str, str] = field(default_factory=dict)

    @property
    def once(self) -> str:
        """The idempotency key: equal only if the same content is sent again from the same page."""
        told = (self.kind, self.home, self.words, self.contact, self.subject, str(self.anonymous), self.about, self.key)
        return hashlib.sha256("\0".join(told).encode()).hexdigest()


NO_REPORT = ReportForm()


async def read(request: Request) -> ReportForm:
    """Parse and validate a form; file uploads are refused.

    Raises:
        HTTPException: it is not a form of these pages.
    """
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
        said = {name: value.strip() for name, value in form.items() if isinstance(value, str)}
    if said.get("kind") not in KINDS or not KEY.fullmatch(said.get("key", "")):
        raise HTTPException(400)
    return ReportForm(
        kind=said["kind"],
        home=said.get("home", ""),
        key=said["key"],
        token=said.get("token", ""),
        words=said.get("words", "").replace("\r\n", "\n"),
        contact=said.get("contact", ""),
        subject=said.get("subject", ""),
        anonymous="anonymous" in said,
        about=said.get("about", "")[:LONGEST_NUMBER],
        faults=_faults(said),
    )


def _faults(said: Mapping[str, str]) -> dict[str, str]:
    faults = {}
    words = said.get("words", "").replace("\r\n", "\n")
    if not words:
        faults["words"] = "fault_empty"
    elif len(words) > LONGEST_WORDS:
        faults["words"] = "fault_long"
    if len(said.get("contact", "")) > LONGEST_CONTACT:
        faults["contact"] = "fault_long_contact"
    if "\x00" in words + said.get("contact", ""):
        faults["words"] = "fault_signs"
    if said["kind"] == "complaint" and said.get("subject") not in SUBJECTS:
        faults["subject"] = "fault_subject"
    if "anonymous" in said and said.get("contact"):
        faults["contact"] = "fault_not_anonymous"
    return faults


def take(changing: Session, place: Row, report: ReportForm) -> str:
    """Record a report, once however often it is sent; return the number of the ticket.

    Raises:
        Problem: as the API answers.
    """
    form_sent.lock(changing.conn, report.once)
    if known := form_sent.number(changing.conn, report.once):
        changing.notes["again"] = True
        if report.anonymous:
            changing.notes[UNNAMED] = True
        return known
    number = _complain(changing, place, report) if report.kind == "complaint" else _repair(changing, place, report)
    form_sent.keep(changing.conn, report.once, number, changing.now)
    return number


def _complain(changing: Session, place: Row, report: ReportForm) -> str:
    subject = Subject(report.subject)
    taken = cases.CaseReport.model_validate(
        {
            "class": "complaint",
            "subject": subject,
            "text": report.words,
            "about_station": place["station"] if subject in ABOUT_STATION else None,
            "anonymous": report.anonymous,
            "home": None if report.anonymous else place["code"],
            "phone": report.contact or None,
        }
    )
    return cases.complain(changing, taken).number


def _repair(changing: Session, place: Row, report: ReportForm) -> str:
    """Open a ticket or add to an open one; a report of cold always goes to the home's open ticket for cold."""
    changing.notes["home"] = place["code"]
    cold = open_cold(changing, place) if report.kind == TicketClass.COLD else None
    add_to = cold["number"] if cold is not None else None if report.about == NEW else report.about or None
    wanted = HomeTicket.model_validate(
        {
            "class": report.kind,
            "description": report.words,
            "contact": report.contact or None,
            "add_to": add_to,
            "new": add_to is None and report.about == NEW,
        }
    )
    return open_in_home(place["code"], changing, wanted).number


def open_cold(asking: Session, place: Row) -> Row | None:
    """Return the open ticket for cold of a home; there is at most one, the latest."""
    wanted = ticket_pages.TicketFilter(now=asking.now, home_id=place["home_id"], kind=TicketClass.COLD)
    found = ticket_pages.tickets(asking.conn, asking.scope, wanted, limit=1)
    return found[0] if found and found[0]["state"] != TicketState.CLOSED else None
