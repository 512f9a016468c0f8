"""Looks at personal data from a ticket's page: how to reach its user, or who made a complaint. Each is on record."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from api.desk import cases
from api.desk.desk_routes import find
from api.http.problem import FieldFault, forbidden, invalid
from api.http.session import LEADERS, Session
from api.words import problems
from domain.cases import CASE_CLASSES, Reveal
from domain.words.desk import REVEAL_TEXTS
from store.base.access import Right
from store.registry import contact_rows
from store.tickets import queue_rows

TELEPHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,24}")
REASONS = ("visit", "answer", "call_back", "question")


class LeftContact(NamedTuple):
    """A way to reach somebody: as left on the ticket at an instant, or (None) as the registry has it."""

    contact: str
    left_at: datetime | None
    resident: str | None = None

    @property
    def telephone(self) -> str | None:
        """The number to dial; None: it is no telephone number alone."""
        return re.sub(r"[^0-9+]", "", self.contact) if TELEPHONE.fullmatch(self.contact) else None


@dataclass(frozen=True, kw_only=True)
class Revealed:
    """Revealed personal data. `identity`: who made a complaint; its fields may be unknown."""

    contacts: Sequence[LeftContact] = ()
    identity: cases.Identity | None = None


def reveal(changing: Session, number: str, reason: str) -> Revealed:
    """Reveal how to reach the user of a ticket, or who made a complaint; the session's audit entry has the reason.

    Raises:
        Problem: 403 or 404; 422, the reason is none.
    """
    if Right.REVEAL not in changing.asker.rights:
        raise forbidden(problems.RIGHT_MISSING.fill(right=Right.REVEAL))
    ticket = find(changing, number)
    if ticket["class"] in CASE_CLASSES:
        return Revealed(identity=_identity(changing, number, reason))
    if reason not in REASONS:
        raise invalid(FieldFault("reason", REVEAL_TEXTS[Reveal.NO_REASON]))
    changing.notes["reason"] = reason
    left = [LeftContact(row["contact"], row["at"]) for row in queue_rows.contacts(changing.conn, ticket["ticket_id"])]
    if ticket["home_id"] is None:
        return Revealed(contacts=left)
    known = contact_rows.telephones(changing.conn, ticket["home_id"], changing.now)
    return Revealed(contacts=[*left, *(LeftContact(address, None, resident) for address, resident in known)])


def _identity(changing: Session, number: str, reason: str) -> cases.Identity:
    if changing.asker.role not in LEADERS:
        raise forbidden(problems.ROLE_FORBIDDEN.fill(role=changing.asker.role))
    try:
        asked = cases.RevealRequest(reason=reason)
    except ValidationError:
        raise invalid(FieldFault("reason", REVEAL_TEXTS[Reveal.NO_REASON])) from None
    changing.notes["reason"] = "identity"
    return cases.identity(number, changing, asked)
