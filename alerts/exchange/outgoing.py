"""From the outbox to messages of peers: each event of a case is one message, and a case keeps their order."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from alerts.exchange.peers_file import Peer
from domain.exchange.bodies import facts_of
from domain.notices import SendFault
from domain.policy import Policy
from domain.tickets import EventKind, TicketClass
from domain.words.desk import CLASS_TEXTS
from store.base.halves import Aside, in_halves
from store.base.locks import LockKey, try_lock
from store.exchange import peer_rows
from store.exchange.peer_rows import PeerEntryRow
from store.notices import outbox

MOST_ENTRIES = 500  # in one transaction
GIVE_UP = timedelta(days=3)  # where the policy has no rules of notices


def set_peers(conn: Connection, policy: Policy, peers: Mapping[str, Peer], now: datetime) -> None:
    """Tell the database of the peers, by the mappings in force on the local day."""
    rows, today = [], now.astimezone(policy.zone).date()
    for peer in peers.values():
        version = peer.mapping.at(today)
        rows.append(
            {
                "addressee": peer.addressee,
                "name": peer.name,
                "classes": list(peer.classes),
                "tells": sorted(version.out.events) if version and version.out else [],
                "responds": list(version.clocks.responds) if version else [],
                "solves": list(version.clocks.solves) if version else [],
            }
        )
    with conn.transaction():
        peer_rows.set_peers(conn, rows, now)


def write(conn: Connection, policy: Policy, now: datetime) -> bool:
    """Make messages of what peers are to hear; True: there may be more. The connection is in autocommit mode.

    One that cannot be written is a failed message without words: what follows of its case waits for the desk.
    """
    if not outbox.waits(conn, peers=True):
        return False
    rules = policy.rules_at(now).notices
    with conn.transaction():
        if not try_lock(conn, LockKey.PEERS):
            return False
        entries = peer_rows.entries(conn, MOST_ENTRIES)
        if entries:
            _write_each(conn, entries, now, now + (timedelta(seconds=rules.give_up_s) if rules else GIVE_UP))
    return len(entries) == MOST_ENTRIES


def _write_each(conn: Connection, entries: Sequence[PeerEntryRow], now: datetime, give_up_at: datetime) -> None:
    def insert(some: Sequence[PeerEntryRow]) -> None:
        peer_rows.insert_messages(conn, [_message(one, _facts(one)) for one in some], now, give_up_at)

    def fail(one: PeerEntryRow, what: str) -> None:
        peer_rows.insert_messages(conn, [_message(one, _bare(one))], now, give_up_at)
        told = {"reason": SendFault.REFUSED.value, "detail": f"the message cannot be written: {what}"}
        peer_rows.fail(conn, one.outbox_id, told, now)

    in_halves(conn, entries, insert, Aside[PeerEntryRow]("peers", fail, lambda one: one.outbox_id))


def _message(entry: PeerEntryRow, facts: Mapping[str, Any]) -> dict[str, Any]:
    one = {"outbox_id": entry.outbox_id, "peer_id": entry.peer_id, "peer_case_id": entry.peer_case_id}
    return {**one, "subject": entry.kind, "body": json.dumps(facts, ensure_ascii=False)}


def _facts(entry: PeerEntryRow) -> dict[str, Any]:
    """Return what may be told of an event: nothing of people, and nothing that the user does not see."""
    title = f"{CLASS_TEXTS[TicketClass(entry.ticket_class)].zh} {entry.place}".strip()
    return {
        **_bare(entry),
        **facts_of(EventKind(entry.kind), entry.data),
        "home": entry.home,
        "place": entry.place,
        "station": entry.station,
        "due_at": entry.due_at.isoformat() if entry.due_at else None,
        "title": title,
    }


def _bare(entry: PeerEntryRow) -> dict[str, Any]:
    """Return what may be told of an event without a word of anybody."""
    return {
        "event": entry.kind,
        "text": "",
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "number": entry.number,
        "class": entry.ticket_class,
        "state": entry.state,
        "priority": entry.priority,
        "home": None,
        "place": "",
        "station": None,
        "due_at": None,
        "title": entry.number,
    }
