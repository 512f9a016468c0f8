"""The steps of call-outs: the people on call, the station's lead, dispatch, each after a time without an answer.

Where nobody is on call, or nobody who is can be reached, the next step is taken at once.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from psycopg import Connection

from domain.notices import Audience, NoticeKind, OutboxEntry
from domain.policy import Policy
from domain.rota import CallOutEnding, CallOutRules, CallOutStep, StationPeople, TakenStep, take_step
from store.base.halves import AGAIN_AFTER, Aside, in_halves
from store.notices import call_out_rows, outbox
from store.notices.call_out_rows import DueCallOut

MOST_CALL_OUTS = 1_000  # in one transaction
NEVER = datetime.max.replace(tzinfo=UTC)
log = structlog.get_logger()


def set_people(conn: Connection, channels: Sequence[str], now: datetime) -> None:
    """Bring the people who can be told up to the staff. The connection is in autocommit mode."""
    with conn.transaction():
        call_out_rows.set_people(conn, channels, now)


def call_out(conn: Connection, policy: Policy, now: datetime) -> bool:
    """Take the steps that are due, each once; True: there may be more to do. The connection is in autocommit mode."""
    rules = policy.rules_at(now)
    # Without rules of calling out, what has begun under others goes to dispatch.
    before = now if rules.call_out and rules.notices else NEVER
    if not call_out_rows.any_due(conn, before):
        return False
    with conn.transaction():
        if rules.notices is None:
            call_out_rows.turn_off(conn)
            return False
        due = call_out_rows.take(conn, before, MOST_CALL_OUTS)
        if due:
            aside = Aside[DueCallOut](
                "call out",
                lambda one, _: call_out_rows.postpone(conn, one.call_out_id, now + AGAIN_AFTER),
                lambda one: one.call_out_id,
            )
            in_halves(conn, due, lambda some: _take(conn, rules.call_out, some, now), aside)
    return len(due) == MOST_CALL_OUTS


def _take(conn: Connection, rules: CallOutRules | None, due: Sequence[DueCallOut], now: datetime) -> None:
    people = call_out_rows.people(conn, sorted({one.station for one in due}), now) if rules else {}
    changed, told, entries = list[dict[str, Any]](), list[dict[str, Any]](), list[OutboxEntry]()
    for one in due:
        if ending := _ending(one):
            changed.append(_changed(one, one.step, None, ending))
        elif one.grouped and rules:
            changed.append(_changed(one, one.step, now + rules.before(CallOutStep.LEAD)))
        else:
            taken = take_step(CallOutStep(one.step), people.get(one.station, StationPeople()), frozenset(one.told))
            changed.append(_after(one, taken, rules, now))
            told += [_told(one, taken, person) for person in sorted(taken.people) or (None,)]
            entries += [_entry(one, taken, person) for person in sorted(taken.people) or (None,)]
    call_out_rows.write(conn, changed, told, now)
    outbox.put(conn, entries, now)
    log.info("called out", tickets=len(due), told=len(told))


def _ending(one: DueCallOut) -> CallOutEnding | None:
    if not one.waits:
        return CallOutEnding.ACCEPTED
    return None if one.stays else CallOutEnding.MOVED


def _after(one: DueCallOut, taken: TakenStep, rules: CallOutRules | None, now: datetime) -> dict[str, Any]:
    if taken.after is None or rules is None:
        return _changed(one, taken.step, None, CallOutEnding.TOLD)
    return _changed(one, taken.after, now + rules.before(taken.after))


def _changed(
    one: DueCallOut, step: str, due_at: datetime | None, ending: CallOutEnding | None = None
) -> dict[str, Any]:
    due = due_at.isoformat() if due_at else None
    return {"call_out_id": one.call_out_id, "step": str(step), "due_at": due, "ending": ending and ending.value}


def _told(one: DueCallOut, taken: TakenStep, person: int | None) -> dict[str, Any]:
    return {"call_out_id": one.call_out_id, "step": taken.step.value, "staff_id": person}


def _entry(one: DueCallOut, taken: TakenStep, person: int | None) -> OutboxEntry:
    kind = NoticeKind(one.kind) if taken.step is CallOutStep.ON_CALL else NoticeKind.TICKET_UNANSWERED
    if person is None:
        return OutboxEntry(kind, Audience.DISPATCH, one.ticket_id)
    return OutboxEntry(kind, Audience.PERSON, one.ticket_id, staff_id=person)
