"""The proof that a home marked done is warm, and how urgent it is while it is not."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import structlog
from psycopg import Connection

from alerts.engine.machine import idle
from alerts.judging.flagging import ReopenedFlag, changes_of, open_again
from alerts.judging.history import History, Past
from alerts.tickets.docket import Docket
from alerts.tickets.work import ACTOR, record
from domain.closing import Evidence, proof
from domain.instants import to_us
from domain.milli import milli
from domain.policy import Policy
from domain.priority import PRIORITY_URGENT, DeskRule
from domain.states import FlagSource, HomeState
from domain.tickets import EventKind, NewEvent, TicketState
from store.base.halves import Aside, in_halves
from store.judging import flag_rows
from store.notices import outbox
from store.tickets import recovery_rows, ticket_rows

MOST_TICKETS = 500  # in one transaction
MOST_WALKED = 200  # homes whose readings are looked at in one look
log = structlog.get_logger()


def look(conn: Connection, history: History, now: datetime) -> bool:
    """Prove what can be proven, tell of what has waited for long, and raise priorities; True if there is more to do.

    The connection is in autocommit mode.
    """
    rule = history.policy.rules_at(now).desk
    if rule is None:
        return False
    _open_closed(conn, history.policy, now)
    waiting = recovery_rows.verifying(conn)
    for i in range(0, len(waiting), MOST_TICKETS):
        in_halves(
            conn,
            waiting[i : i + MOST_TICKETS],
            lambda some: prove(conn, history.policy, some, now, history),
            Aside[int]("recovery"),
        )
    return _raise_priorities(conn, history.policy, rule, now)


def _open_closed(conn: Connection, policy: Policy, now: datetime) -> None:
    """Give flags whose ticket was closed over them a ticket in work; none is found unless it is from before 0024."""
    if not (found := recovery_rows.closed_over(conn, MOST_TICKETS)):
        return
    with conn.transaction():
        for home in sorted({row.home_id for row in found}):
            ticket_rows.lock_home(conn, home)
        found = recovery_rows.closed_over(conn, MOST_TICKETS)
        for source in FlagSource:
            changes = changes_of(conn, policy, now)
            again = [
                (ReopenedFlag(row.flag_id, row.home_id, row.ticket_id), _machine(row))
                for row in found
                if row.source == source
            ]
            open_again(conn, policy, changes, again, source)
            changes.docket.write()
            flag_rows.give_tickets(conn, changes.moved)
    log.warning("flags were open and their tickets closed: they have tickets in work again", flags=len(found))


def _machine(row: recovery_rows.ClosedOver) -> Any:
    """Convert a flag on record to MACHINE."""
    flag = idle(1)[0]
    flag["severity"], flag["lowest"], flag["limit"] = row.severity, row.lowest, row.limit_celsius
    flag["cold_since"] = to_us(row.cold_since)
    return flag


def prove(
    conn: Connection, policy: Policy, tickets: Sequence[int], now: datetime, history: History | None = None
) -> list[int]:
    """Prove those of the tickets that can be proven now; returns these. The caller owns the transaction.

    A ticket that somebody else is working on at this moment has its turn at the next look.

    Args:
        history: to look into the readings of homes that were warm all the time, though not in one and the same state.
    """
    rule = policy.rules_at(now).desk
    if rule is None:
        return []
    if not (rows := ticket_rows.lock_free(conn, tickets)):
        return []
    standing = recovery_rows.standing(conn, list(rows), now)
    warm = _warm(conn, rule, standing, now, history)
    events, proven = list[NewEvent](), list[int]()
    for one in standing:
        found = proof(
            Evidence(
                flags=one.flags,
                withdrawn=one.withdrawn,
                flagged=one.flagged,
                last_reason=one.last_reason,
                measured_warm=one.measured_warm,
                warm=one.home_id in warm,
            )
        )
        if found is not None:
            events.append(NewEvent(one.ticket_id, EventKind.PROVEN, {"proof": found.value}))
            proven.append(one.ticket_id)
        elif not one.told and now - one.done_at >= timedelta(seconds=rule.still_cold_s):
            events.append(NewEvent(one.ticket_id, EventKind.STILL_COLD, {"done_at": one.done_at.isoformat()}))
    if events:
        outbox.put(conn, record(conn, policy, rows, events, now, ACTOR), now)
        log.info("looked at what was done", proven=len(proven), still_cold=len(events) - len(proven))
    return proven


class SignedMeasurement(NamedTuple):
    """A measurement on site that the user has signed."""

    measurement: str  # number of the record
    celsius: float
    limit: float  # °C


def measured(
    conn: Connection, policy: Policy, home_id: int, signed: SignedMeasurement, now: datetime, actor: str
) -> int | None:
    """Add a signed measurement to the home's open cold ticket; return the ticket.

    At or above the limit it proves a ticket marked done, now or later, until the home is flagged again. The home is
    locked by the caller, who owns the transaction.
    """
    row, _ = ticket_rows.last_cold(conn, [home_id]).get(home_id, (None, None))
    if row is None or row.state == TicketState.CLOSED:
        return None
    docket = Docket(conn, policy, now, actor)
    warm = milli(signed.celsius) >= milli(signed.limit)
    docket.add(row.ticket_id, EventKind.MEASURED, **signed._asdict(), warm=warm)
    docket.write()
    prove(conn, policy, [row.ticket_id], now)
    return row.ticket_id


def _warm(
    conn: Connection,
    rule: DeskRule,
    standing: Sequence[recovery_rows.RecoveryStanding],
    now: datetime,
    history: History | None,
) -> Collection[int]:
    """Return the homes that were warm for the policy's time, by an unchanged state or else by their readings."""
    since = now - timedelta(seconds=rule.warm_for_s)
    candidates = [one for one in standing if one.warm_now and not one.flagged and one.home_id is not None]
    surely = {one.home_id for one in candidates if one.state_since is not None and one.state_since <= since}
    rest = sorted({one.home_id for one in candidates if one.home_id is not None} - surely)
    if history is not None and rest:
        surely |= warm_throughout(conn, history, rest[:MOST_WALKED], since, now)
    return {home for home in surely if home is not None}


def warm_throughout(
    conn: Connection, history: History, homes: Sequence[int], since: datetime, now: datetime
) -> set[int]:
    """Select the homes (rising) whose readings stay at or above the day limit without a break from an instant on."""
    past = Past.unheard(np.array(homes, np.int32))
    fails = np.zeros(len(homes), bool)
    first_us = np.full(len(homes), np.iinfo(np.int64).max)
    for _ in history.walk(conn, past, history.day_of(since), now, whole=False):
        runs = past.last
        np.minimum.at(first_us, runs["home"], runs["start"])
        bad = ~np.isin(runs["state"], (HomeState.WARM, HomeState.FAIR)) & (runs["end"] > to_us(since))
        bad &= (runs["end"] > runs["start"]) & (runs["start"] < to_us(now))
        fails[runs["home"][bad]] = True
    return set(past.homes[~fails & (first_us <= to_us(since))].tolist())


def _raise_priorities(conn: Connection, policy: Policy, rule: DeskRule, now: datetime) -> bool:
    """Make those urgent that have become so by the depth or the length of their cold; True if there may be more."""
    since = now - timedelta(seconds=rule.urgent_after_s)
    with conn.transaction():
        found = recovery_rows.urgent(conn, milli(rule.urgent_depth_k), since, MOST_TICKETS)
        free = ticket_rows.lock_free(conn, found)
        docket = Docket(conn, policy, now)
        for ticket in free:
            docket.add(ticket, EventKind.PRIORITY, priority=PRIORITY_URGENT)
        docket.write()
    return bool(free) and len(found) == MOST_TICKETS
