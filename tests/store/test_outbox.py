"""Entries of the outbox live and die with the transaction that put them there."""

from datetime import UTC, datetime

import pytest
from psycopg import Connection

from domain.notices import Audience, NoticeKind, OutboxEntry
from store.notices import outbox
from tests.api import town

pytestmark = pytest.mark.plain_only

NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
SELECT = "SELECT kind, audience, urgent, ticket_id, data, fate, incident_id FROM outbox ORDER BY outbox_id"


def test_entries_are_kept_in_order_with_their_urgency(connection: Connection) -> None:
    home = town.home(connection)
    ticket, _ = town.ticket(connection, home)
    entries = [
        OutboxEntry(NoticeKind.TICKET_OPENED, Audience.DISPATCH, ticket_id=ticket, data={"class": "cold"}),
        OutboxEntry(NoticeKind.TICKET_SEVERE, Audience.CREW, ticket_id=ticket),
        OutboxEntry(NoticeKind.OUTAGE_ANNOUNCED, Audience.USER, home_id=home, urgent=True),
    ]
    outbox.put(connection, entries, NOW)
    assert connection.execute(SELECT).fetchall() == [
        ("ticket_opened", "dispatch", False, ticket, {"class": "cold"}, None, None),
        ("ticket_severe", "crew", True, ticket, {}, None, None),
        ("outage_announced", "user", True, None, {}, None, None),
    ]


def test_nothing_is_put_where_nothing_happened(connection: Connection) -> None:
    outbox.put(connection, [], NOW)
    assert connection.execute(SELECT).fetchall() == []


def test_an_incident_speaks_for_its_tickets_to_the_staff_only(connection: Connection) -> None:
    first, _ = town.ticket(connection, town.home(connection))
    other, _ = town.ticket(connection, town.home(connection, "B1-102"))
    staff = [
        OutboxEntry(NoticeKind.TICKET_OPENED, audience, ticket_id=first)
        for audience in (Audience.DISPATCH, Audience.CREW)
    ]
    rest = [
        OutboxEntry(NoticeKind.TICKET_OPENED, Audience.USER, ticket_id=first),
        OutboxEntry(NoticeKind.CLOCK_BREACHED, Audience.DISPATCH, ticket_id=first),
        OutboxEntry(NoticeKind.TICKET_OPENED, Audience.DISPATCH, ticket_id=other),
    ]
    outbox.put(connection, staff + rest, NOW)
    assert outbox.group(connection, [first], 7, NOW) == 2
    assert outbox.group(connection, [first], 7, NOW) == 0
    assert [row[5:] for row in connection.execute(SELECT).fetchall()] == [("grouped", 7)] * 2 + [(None, None)] * 3
