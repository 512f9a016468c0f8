"""The life of an outage and its announcements. The caller owns the transaction of every function."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

from domain.notice_timing import quiet_until
from domain.notices import Audience, NoticeKind, OutboxEntry
from domain.outages import OutageEvent, OutageKind, OutageRefusal, is_late, refusal, span_fault, why_announce
from domain.policy import Policy
from domain.words.network import LIST_MARK
from store.base.halves import Aside, one_by_one
from store.base.rows import Row
from store.network import outage_rows
from store.network.outage_rows import OutageRow, PlaceCodes
from store.notices import outbox

ACTOR = "hearth"
NAMED = 5  # places in a text
MOST_PLACES = 1_000
CHANGEABLE = ("stops_heating", "reason", "begins_at", "expected_end")


class NoSuchOutage(Exception):
    """There is none of that number."""


class OutageRefused(Exception):
    """It cannot be said of this outage now."""

    def __init__(self, why: OutageRefusal) -> None:
        super().__init__(why)
        self.why = why


class OutageChanged(Exception):
    """Somebody has changed it since the caller read it."""

    def __init__(self, number: str, events: Sequence[Row]) -> None:
        super().__init__(number)
        self.number = number
        self.events = events


class Draft(NamedTuple):
    """A new outage."""

    kind: OutageKind
    stops_heating: bool
    reason: str
    begins_at: datetime
    expected_end: datetime | None
    area: PlaceCodes


def record(conn: Connection, policy: Policy, draft: Draft, actor: str, now: datetime) -> str:
    """Note an outage, and announce it if it has to be; returns its number.

    Raises:
        Refused: its times make no sense.
    """
    if fault := span_fault(draft.kind, draft.begins_at, draft.expected_end):
        raise OutageRefused(fault)
    said = {name: getattr(draft, name) for name in ("kind", *CHANGEABLE)}
    outage, number = outage_rows.insert(conn, said)
    outage_rows.add_area(conn, outage, draft.area)
    area = {name: list(codes) for name, codes in draft.area._asdict().items()}
    outage_rows.append(conn, outage, OutageEvent.RECORDED, {**_written(said), "area": area}, actor, now)
    _announce(conn, policy, _locked(conn, number), now)
    return number


def change(
    conn: Connection, policy: Policy, number: str, changes: Mapping[str, Any], actor: str, now: datetime
) -> None:
    """Revise some of CHANGEABLE. Users who were told hear of new times; others, if it has to be announced now.

    Raises:
        NoSuchOutage, Refused
    """
    before = _may(conn, number, OutageEvent.CHANGED, now)
    after = before._replace(**changes)
    if fault := span_fault(OutageKind(after.kind), after.begins_at, after.expected_end):
        raise OutageRefused(fault)
    if after.expected_end is None or after.expected_end > now:
        after = after._replace(late_at=None)
    outage_rows.update(conn, after)
    was = {name: getattr(before, name) for name in changes}
    outage_rows.append(
        conn, before.outage_id, OutageEvent.CHANGED, {**_written(changes), "was": _written(was)}, actor, now
    )
    if after.announced_at is None:
        _announce(conn, policy, after, now)
    elif (after.begins_at, after.expected_end) != (before.begins_at, before.expected_end):
        _tell(conn, policy, after, NoticeKind.OUTAGE_CHANGED, {}, now)


def widen(conn: Connection, policy: Policy, number: str, area: PlaceCodes, actor: str, now: datetime) -> None:
    """Add places. If users were told of the outage, those of the new places are told now.

    Raises:
        NoSuchOutage, Refused
    """
    row = _may(conn, number, OutageEvent.WIDENED, now)
    outage_rows.add_area(conn, row.outage_id, area)
    data = {name: list(codes) for name, codes in area._asdict().items() if codes}
    outage_rows.append(conn, row.outage_id, OutageEvent.WIDENED, {"area": data}, actor, now)
    if row.announced_at is not None:
        _tell(conn, policy, row, NoticeKind.OUTAGE_ANNOUNCED, {}, now)


def check_unchanged(conn: Connection, number: str, version: int) -> None:
    """Lock an outage, and check that nobody has changed it since its event `version`; what the clock writes is none.

    Raises:
        NoSuchOutage, OutageChanged
    """
    events = outage_rows.events(conn, _locked(conn, number).outage_id)
    later = [event for event in events if event["seq"] > version and event["actor"] != ACTOR]
    if later:
        raise OutageChanged(number, later)


def explain(conn: Connection, policy: Policy, number: str, explanation: str, actor: str, now: datetime) -> None:
    """Tell why, to all who are or were in it.

    Raises:
        NoSuchOutage, Refused
    """
    row = _may(conn, number, OutageEvent.EXPLAINED, now)
    outage_rows.set_explanation(conn, row.outage_id, explanation)
    outage_rows.append(conn, row.outage_id, OutageEvent.EXPLAINED, {"explanation": explanation}, actor, now)
    _tell(conn, policy, row, NoticeKind.OUTAGE_EXPLAINED, {"explanation": explanation}, now)


def restore(conn: Connection, policy: Policy, number: str, at: datetime, actor: str, now: datetime) -> None:
    """Record that the heat is back since `at`; users are told if the outage was announced to them.

    Raises:
        NoSuchOutage, Refused: also if `at` lies ahead, or before it began.
    """
    row = _may(conn, number, OutageEvent.RESTORED, now)
    if not row.begins_at <= at <= now:
        raise OutageRefused(OutageRefusal.RESTORED_OUTSIDE)
    after = row._replace(restored_at=at)
    outage_rows.update(conn, after)
    outage_rows.append(conn, row.outage_id, OutageEvent.RESTORED, _written({"restored_at": at}), actor, now)
    _tell(conn, policy, after, NoticeKind.OUTAGE_RESTORED, {}, now)


def cancel(conn: Connection, policy: Policy, number: str, actor: str, now: datetime) -> None:
    """Cancel a planned outage; users are told if it was announced to them.

    Raises:
        NoSuchOutage, Refused
    """
    row = _may(conn, number, OutageEvent.CANCELLED, now)
    after = row._replace(cancelled_at=now)
    outage_rows.update(conn, after)
    outage_rows.append(conn, row.outage_id, OutageEvent.CANCELLED, {}, actor, now)
    _tell(conn, policy, after, NoticeKind.OUTAGE_CANCELLED, {}, now)


def look(conn: Connection, policy: Policy, now: datetime) -> None:
    """Announce outages that have lasted too long, and tell the desk of those beyond their expected end."""
    numbers = outage_rows.going_on(conn)
    one_by_one(conn, numbers, lambda number: _look_at(conn, policy, number, now), Aside[str]("outages"))


def _look_at(conn: Connection, policy: Policy, number: str, now: datetime) -> None:
    row = outage_rows.lock(conn, number)
    if row is None or row.outage.over:
        return
    row = _announce(conn, policy, row, now)
    if is_late(row.outage, now):
        outage_rows.update(conn, row._replace(late_at=now))
        late = _written({"expected_end": row.expected_end})
        outage_rows.append(conn, row.outage_id, OutageEvent.LATE, late, ACTOR, now)
        _tell(conn, policy, row, NoticeKind.OUTAGE_LATE, {}, now)


def _locked(conn: Connection, number: str) -> OutageRow:
    row = outage_rows.lock(conn, number)
    if row is None:
        raise NoSuchOutage(number)
    return row


def _may(conn: Connection, number: str, event: OutageEvent, now: datetime) -> OutageRow:
    row = _locked(conn, number)
    if why := refusal(row.outage, event, now):
        raise OutageRefused(why)
    return row


def _announce(conn: Connection, policy: Policy, row: OutageRow, now: datetime) -> OutageRow:
    """Tell the users of the area, if they have to be told and have not been; the outage as it stands then."""
    rules = policy.rules_at(now).notices
    why = why_announce(rules, row.outage, now) if rules else None
    if rules is None or why is None:
        return row
    after = row._replace(announced_at=now)
    outage_rows.update(conn, after)
    data = {"why": why.value, "clause": rules.outage_clause, "announce_s": rules.outage_announce_s}
    outage_rows.append(conn, row.outage_id, OutageEvent.ANNOUNCED, data, ACTOR, now)
    _tell(conn, policy, after, NoticeKind.OUTAGE_ANNOUNCED, {}, now)
    return after


def _tell(
    conn: Connection, policy: Policy, row: OutageRow, kind: NoticeKind, data: dict[str, Any], now: datetime
) -> None:
    """Put it into the outbox: for the staff always, for users if they know of the outage."""
    places = outage_rows.places(conn, row.outage_id)
    names = list(dict.fromkeys(place.name for place in places))
    area = LIST_MARK.join(names[:NAMED]) + ("…" if len(names) > NAMED else "")
    times = {name: getattr(row, name) for name in ("begins_at", "expected_end", "restored_at")}
    said = {"outage": row.number, "area": area, "reason": row.reason, **_written(times), **data}
    entries = [OutboxEntry(kind, Audience.DISPATCH, outage_id=row.outage_id, data=said)]
    for station in sorted({place.station for place in places}):
        entries.append(OutboxEntry(kind, Audience.CREW, outage_id=row.outage_id, station=station, data=said))
    if kind is NoticeKind.OUTAGE_LATE:
        entries.append(OutboxEntry(kind, Audience.SUPERVISOR, outage_id=row.outage_id, data=said))
    elif row.announced_at is not None:
        wakes = kind is NoticeKind.OUTAGE_ANNOUNCED and cannot_wait(policy, row.begins_at, now)
        entries.append(OutboxEntry(kind, Audience.USER, outage_id=row.outage_id, data=said, urgent=wakes))
    outbox.put(conn, entries, now)


def cannot_wait(policy: Policy, begins_at: datetime, now: datetime) -> bool:
    """Return whether an outage begins before the quiet hours end."""
    rules = policy.rules_at(now).notices
    until = quiet_until(rules, now, policy.zone) if rules else None
    return until is not None and begins_at < until


def _written(values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert instants to text."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
