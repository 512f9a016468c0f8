"""Incidents: cold homes behind one pipe joined into one fault, its homes let go, and its end.

A look is several transactions, each of them whole in itself; between any two the tables say the truth, and the next
look goes on from there. Tickets are linked, and told what the crew did; flags and proofs are not touched.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from psycopg import Connection

from alerts.tickets.docket import Docket, Opening
from domain.incidents import IncidentEnd, IncidentFinding, IncidentRule, LeaveReason, course, find
from domain.move_times import MADE_AT
from domain.notices import Audience, NoticeKind, OutboxEntry
from domain.policy import Policy, Version
from domain.priority import PRIORITY_URGENT
from domain.tickets import OF_INCIDENT, PASSED_ON, EventKind, TicketClass, TicketSource, TicketState, passes_on
from domain.words.network import END_TEXTS, INCIDENT_TEXTS, LEAVE_TEXTS, RISER_TEXT, place_text
from store.base import numbers
from store.base.halves import Aside, in_halves, one_by_one
from store.network import child_rows, incident_rows
from store.notices import outbox
from store.tickets import ticket_rows

CREW_CLOCKS = frozenset({"station_reply", "on_site", "done"})  # nobody has to be called
MOST_JOINED = 2_000  # homes taken in by one transaction, which has them locked
MOST_TOLD = 1_000  # homes told of the crew's work; that costs twice as much
log = structlog.get_logger()


def look(conn: Connection, policy: Policy, now: datetime) -> bool:
    """Open, fill, empty and close incidents; True if there is more to do at once.

    The connection is in autocommit mode.
    """
    rules = policy.rules_at(now)
    rule = rules.incident
    more = False
    if rule is None:
        _abandon(conn, policy, now)
    else:
        known = incident_rows.open_ids(conn)
        more = _each(conn, known, lambda incident: _follow(conn, policy, rule, incident, now))
        # After stragglers were let go, so that those of one building are an incident of it rather than many cases.
        with conn.transaction():
            incident_rows.lock(conn)
            _open(conn, policy, rules, rule, now)
        fresh = [incident for incident in incident_rows.open_ids(conn) if incident not in known]
        more |= _each(conn, fresh, lambda incident: _follow(conn, policy, rule, incident, now))
        more |= _each(conn, (*known, *fresh), lambda incident: _pass_on(conn, policy, incident, now))
    _dispatch(conn, now)
    return more


def _each(conn: Connection, incidents: Sequence[int], work: Callable[[int], bool]) -> bool:
    """Work on each incident in a transaction of its own; one that fails waits for the next look. True: go on."""
    more = list[bool]()
    one_by_one(conn, incidents, lambda one: more.append(work(one)), Aside[int]("incidents"))
    return any(more)


def _open(conn: Connection, policy: Policy, rules: Version, rule: IncidentRule, now: datetime) -> None:
    """Open an incident for each place that has come to have one."""
    alarms: dict[int, list[incident_rows.Alarm]] = {}
    for alarm in incident_rows.alarms(conn):
        alarms.setdefault(alarm.substation_id, []).append(alarm)
    counts = incident_rows.counts(conn, rule.fewest, sorted(alarms))
    found = find(rule, counts, alarms.keys(), incident_rows.covered(conn))
    places = incident_rows.places(conn, [finding.place for finding in found]) if found else {}
    # Before anything is numbered: a transaction that has taken numbers must not wait for a home.
    wide = [finding.place for finding in found if finding.place.riser is None]
    child_rows.lock_homes(conn, incident_rows.merging(conn, wide) if wide else [])
    label = policy.labels[policy.versions.index(rules)]

    def open_one(finding: IncidentFinding) -> None:
        place = places[finding.place]
        why = explain(rule, finding, place.name, alarms.get(finding.place.substation, ()), label)
        _open_one(conn, policy, finding, place, why, now)

    one_by_one(conn, found, open_one, Aside[IncidentFinding]("open incidents", key=lambda one: one.place[:2]))


def explain(
    rule: IncidentRule, found: IncidentFinding, name: str, alarms: Sequence[incident_rows.Alarm], label: str
) -> dict[str, Any]:
    """Explain an incident: the counts, the thresholds, the rules, and a sentence in each language."""
    riser, needed = found.place.riser, rule.needed(found.place)
    share = found.cold / found.judged if found.judged else 0.0
    said = {
        "place": name,
        "riser": riser,
        "judged": found.judged,
        "cold": found.cold,
        "share": f"{share * 100:.0f}",
        "needed_share": f"{rule.share * 100:g}",
        "needed_homes": needed,
        "buildings": found.buildings,
        "buildings_cold": found.buildings_cold,
        "alarms": ", ".join(alarm.kind for alarm in alarms),
    }
    zh, en = RISER_TEXT if riser else INCIDENT_TEXTS[found.kind]
    return {
        **({"riser": riser} if riser else {}),
        **{key: said[key] for key in ("place", "judged", "cold", "buildings", "buildings_cold")},
        "share": round(share, 4),
        "needed": {"share": rule.share, "homes": needed},
        "alarms": [{**alarm._asdict(), "since": alarm.since.isoformat()} for alarm in alarms],
        "policy": label,
        "zh": zh.format(**said),
        "en": en.format(**said),
    }


def _open_one(
    conn: Connection,
    policy: Policy,
    found: IncidentFinding,
    place: incident_rows.IncidentPlaceRow,
    why: dict[str, Any],
    now: datetime,
) -> None:
    """Open an incident with its ticket and its notice; those of buildings within it become part of it."""
    (incident,) = numbers.take(conn, numbers.NumberKind.INCIDENT, 1)
    merged = incident_rows.merge(conn, found.place, incident, now) if found.place.riser is None else []
    why = {"incident": incident_rows.number(incident), **why}
    ticket = _crew_ticket(conn, policy, found, place.station, why, now)
    number = incident_rows.insert(conn, incident_rows.NewIncident(incident, found, place.station, ticket, why), now)
    if merged:
        _end_tickets(conn, policy, [one.ticket_id for one in merged], IncidentEnd.MERGED, number, now)
        moved = child_rows.leave_all(conn, [one.incident_id for one in merged], LeaveReason.MOVED.value, now)
        child_rows.join(conn, incident, moved, now)
        _tell(
            conn,
            policy,
            moved,
            EventKind.INCIDENT_MOVED,
            {"incident": number, **LEAVE_TEXTS[LeaveReason.MOVED]._asdict()},
            now,
        )
        outbox.group(conn, [one.ticket_id for one in merged], incident, now)
    said = place_text(place.name, found.place.riser)
    data = {"incident": number, "place": said, "homes": found.cold, "zh": why["zh"], "en": why["en"]}
    notice = OutboxEntry(
        NoticeKind.INCIDENT_OPENED, Audience.DISPATCH, ticket, incident, station=place.station, data=data
    )
    outbox.put(conn, [notice], now)
    log.info("incident opened", incident=number, kind=found.kind.value, judged=found.judged, cold=found.cold)


def _follow(conn: Connection, policy: Policy, rule: IncidentRule, incident: int, now: datetime) -> bool:
    """Take homes in, let stragglers go, or close; True if there are more homes to take in."""
    incident_rows.lock(conn)
    row = incident_rows.standing(conn, incident)
    if row is None:
        return False
    step = course(rule, row.standing, now)
    if (step.recovering_since, step.calm_since) != (row.standing.recovering_since, row.standing.calm_since):
        incident_rows.set_course(conn, incident, step.recovering_since, step.calm_since)
    if step.closes:
        _close(conn, policy, [incident], IncidentEnd.RECOVERED, LeaveReason.RECOVERED, now)
        return False
    if step.takes_in:
        return _take_in(conn, policy, row, now)
    before = now - timedelta(seconds=rule.rest_for_s)
    left = child_rows.leave_stragglers(conn, incident, before, now)
    _tell_left(conn, policy, left, row.number, LeaveReason.STAYED_COLD, now)
    if left and len(left) == row.standing.still_cold and not row.standing.alarmed:
        # All others have been warm for as long as these were waited for.
        _close(conn, policy, [incident], IncidentEnd.RECOVERED, LeaveReason.RECOVERED, now)
    return False


def _take_in(conn: Connection, policy: Policy, row: incident_rows.OpenIncident, now: datetime) -> bool:
    """Make cold homes of the place part of an incident; True if there may be more."""
    joining = child_rows.joining(conn, row.incident_id, MOST_JOINED)
    if joining:
        child_rows.lock_homes(conn, joining)  # before their tickets, which joining locks, too
        child_rows.join(conn, row.incident_id, joining, now)
        _tell(conn, policy, joining, EventKind.INCIDENT_JOINED, {"incident": row.number}, now)
        outbox.group(conn, joining, row.incident_id, now)
        log.info("homes joined", incident=row.number, homes=len(joining))
    return len(joining) == MOST_JOINED


def _pass_on(conn: Connection, policy: Policy, incident: int, now: datetime) -> bool:
    """Tell homes what the crew did for all of them; True if there may be more to tell.

    The station's answer also applies to tickets that join later; a visit or finished work does not.
    """
    incident_rows.lock(conn)
    event = child_rows.untold(conn, incident, sorted(PASSED_ON))
    if event is None:
        return False
    kind = EventKind(event.kind)
    behind = child_rows.untold_tickets(conn, incident, event.seq, MOST_TOLD)
    child_rows.lock_homes(conn, list(behind))
    docket = Docket(conn, policy, now, event.actor)
    passed = {name: said for name, said in event.data.items() if name not in ("remark", MADE_AT)}
    data = {**passed, OF_INCIDENT: event.number}
    for row in ticket_rows.lock(conn, list(behind)).values():
        there = kind is EventKind.ACCEPTED or behind[row.ticket_id] <= event.at
        if there and passes_on(TicketState(row.state), kind, TicketClass(row.ticket_class)):
            docket.add(row.ticket_id, kind, **data)
    docket.write()
    child_rows.set_told(conn, incident, list(behind), event.seq)
    log.info("crew's work passed on", incident=event.number, kind=event.kind, homes=len(behind))
    return True


def _close(
    conn: Connection, policy: Policy, incidents: Sequence[int], reason: IncidentEnd, left: LeaveReason, now: datetime
) -> None:
    """Close incidents, with the tickets of their crews; the homes' own tickets go on."""
    for closed in incident_rows.close(conn, incidents, reason.value, now):
        homes = child_rows.leave_all(conn, [closed.incident_id], left.value, now)
        _tell_left(conn, policy, homes, closed.number, left, now)
        _end_tickets(conn, policy, [closed.ticket_id], reason, closed.number, now)
        said = place_text(closed.place, closed.riser)
        data = {"incident": closed.number, "place": said, "homes": len(homes), "reason": reason.value}
        notice = OutboxEntry(
            NoticeKind.INCIDENT_CLOSED, Audience.DISPATCH, closed.ticket_id, closed.incident_id, data=data
        )
        outbox.put(conn, [notice], now)
        log.info("incident closed", incident=closed.number, reason=reason.value, homes=len(homes))


def _abandon(conn: Connection, policy: Policy, now: datetime) -> None:
    """Dissolve all incidents when the rules have none; each cold ticket then stands alone again."""

    def dissolve(incident: int) -> None:
        incident_rows.lock(conn)
        _close(conn, policy, [incident], IncidentEnd.NO_POLICY, LeaveReason.NO_POLICY, now)

    one_by_one(conn, incident_rows.open_ids(conn), dissolve, Aside[int]("incidents"))


def _dispatch(conn: Connection, now: datetime) -> None:
    """Send for homes that are cold and were part of an incident once; however they came out, none is forgotten."""
    if not child_rows.undispatched(conn):
        return
    with conn.transaction():
        incident_rows.lock(conn)
        alone = child_rows.undispatched(conn)
        aside = Aside[tuple[int, str]]("homes dispatched", key=lambda one: one[0])
        left = in_halves(conn, alone, lambda some: _send_for(conn, some, now), aside)
    log.info("homes dispatched by themselves", homes=len(alone) - len(left))


def _send_for(conn: Connection, alone: Sequence[tuple[int, str]], now: datetime) -> None:
    child_rows.set_dispatched(conn, [ticket for ticket, _ in alone], now)
    entries = [
        OutboxEntry(NoticeKind.HOME_STAYED_COLD, Audience.DISPATCH, ticket, data={"incident": number})
        for ticket, number in alone
    ]
    outbox.put(conn, entries, now)


def _tell_left(
    conn: Connection, policy: Policy, left: Sequence[int], number: str, reason: LeaveReason, now: datetime
) -> None:
    """Tell tickets that they are no part of an incident any more."""
    _tell(
        conn,
        policy,
        left,
        EventKind.INCIDENT_LEFT,
        {"incident": number, "reason": reason.value, **LEAVE_TEXTS[reason]._asdict()},
        now,
    )


def _tell(
    conn: Connection, policy: Policy, told: Sequence[int], kind: EventKind, data: Mapping[str, Any], now: datetime
) -> None:
    """Note the same on several tickets."""
    if told:
        child_rows.lock_homes(conn, told)
        docket = Docket(conn, policy, now)
        for ticket in told:
            docket.add(ticket, kind, **data)
        docket.write()


def _crew_ticket(
    conn: Connection, policy: Policy, found: IncidentFinding, station: str, why: Mapping[str, Any], now: datetime
) -> int:
    """Return the ticket that the crew works on."""
    place = found.place
    opening = Opening(
        ticket_class=TicketClass.REPAIR,
        source=TicketSource.INCIDENT,
        priority=PRIORITY_URGENT,
        building_id=place.building,
        substation_id=place.substation if place.building is None else None,
        station=station,
        data=why,
        clocks=CREW_CLOCKS,
    )
    docket = Docket(conn, policy, now)
    ticket = docket.open(opening)
    docket.write()
    return ticket


def _end_tickets(
    conn: Connection, policy: Policy, ended: Sequence[int], reason: IncidentEnd, number: str, now: datetime
) -> None:
    """Close the tickets of crews whose incident is over."""
    data = {"incident": number, "reason": reason.value, **END_TEXTS[reason]._asdict()}
    _tell(conn, policy, ended, EventKind.INCIDENT_CLOSED, data, now)
