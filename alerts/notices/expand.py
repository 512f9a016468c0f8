"""From the outbox to messages: each entry becomes a notice for each addressee, and these become messages, alone or as a
digest. Whatever is killed in between, the next round goes on where the last transaction ended."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.notice_rendering import MOST_LINES, Rendered, digest, render
from domain.notice_timing import Bundling, Made, WaitingNotices, bundle, quiet_until
from domain.notices import Audience, NoticeKind, NoticeRules
from domain.policy import Policy
from store.base.halves import AGAIN_AFTER, Aside, in_halves
from store.base.rows import Row
from store.notices import notice_rows, outbox
from store.notices.notice_rows import NoticeRow

MOST_ENTRIES = 2_000  # in one transaction
MOST_ADDRESSEES = 500


def expand(conn: Connection, policy: Policy, now: datetime) -> bool:
    """Make notices for the addressees of some entries of the outbox; True: there may be more to do.

    The connection is in autocommit mode.
    """
    if not outbox.waits(conn, peers=False):
        return False
    rules = policy.rules_at(now).notices
    with conn.transaction():
        if rules is None:
            return notice_rows.turn_off(conn, now) > 0
        entries = notice_rows.take(conn, outbox.GROUPED_KINDS, now - _hold(policy, now), MOST_ENTRIES)
        if entries:
            outbox.group_children(conn, entries, now)
            until = quiet_until(rules, now, policy.zone)
            aside = Aside[int]("expand", lambda entry, _: outbox.settle(conn, [entry], now))
            in_halves(conn, entries, lambda some: notice_rows.tell(conn, some, until, now), aside)
    return len(entries) == MOST_ENTRIES


def _hold(policy: Policy, now: datetime) -> timedelta:
    """Return for how long a cold ticket may still be taken into an incident."""
    rule = policy.rules_at(now).incident
    return rule.finding if rule else timedelta()


def write(conn: Connection, policy: Policy, now: datetime) -> int:
    """Make messages of the notices that wait; returns how many addressees were looked at."""
    rules = policy.rules_at(now).notices
    if rules is None or not notice_rows.any_ready(conn, now):
        return 0
    looked_at, after = 0, 0
    while True:
        with conn.transaction():
            addressees = notice_rows.addressees(conn, now, after, MOST_ADDRESSEES)
            if addressees:
                _write_each(conn, policy, rules, addressees, now)
        looked_at += len(addressees)
        if len(addressees) < MOST_ADDRESSEES:
            return looked_at
        after = addressees[-1]["addressee_id"]


def _write_each(conn: Connection, policy: Policy, rules: NoticeRules, addressees: Sequence[Row], now: datetime) -> None:
    """Make messages for addressees; one whose notices cannot be written is put off, and the others go on."""

    def put_off(addressee: Row, _: str) -> None:
        notice_rows.postpone(conn, addressee["addressee_id"], now, now + AGAIN_AFTER)

    aside = Aside[Row]("write", put_off, lambda addressee: addressee["addressee_id"])
    in_halves(conn, addressees, lambda some: _write(conn, rules, policy.zone, some, now), aside)


def _write(conn: Connection, rules: NoticeRules, zone: ZoneInfo, addressees: Sequence[Row], now: datetime) -> None:
    ids = [addressee["addressee_id"] for addressee in addressees]
    bundles = _bundles(conn, rules, ids, now)
    going = [addressee for addressee, what in bundles.items() if what is not Bundling.WAIT]
    waiting = {
        addressee: list(rows)
        for addressee, rows in groupby(notice_rows.notices(conn, going, now), lambda row: row.addressee_id)
    }
    shown = {
        addressee: rows if bundles[addressee] is Bundling.ALONE else rows[:MOST_LINES]
        for addressee, rows in waiting.items()
    }
    facts = notice_rows.facts(conn, sorted({row.outbox_id for rows in shown.values() for row in rows}))
    messages = []
    for addressee in addressees:
        if rows := waiting.get(addressee["addressee_id"]):
            texts = [_text(addressee, facts[row.outbox_id], zone) for row in shown[addressee["addressee_id"]]]
            messages += _messages(addressee, bundles[addressee["addressee_id"]], rows, texts)
    notice_rows.insert_messages(conn, messages, now, now + timedelta(seconds=rules.give_up_s))


def _bundles(conn: Connection, rules: NoticeRules, addressees: Sequence[int], now: datetime) -> dict[int, Bundling]:
    """Bundle the notices of each addressee."""
    lately: dict[int, list[Made]] = defaultdict(list)
    for row in notice_rows.lately(conn, addressees, now - timedelta(seconds=rules.digest_span_s)):
        lately[row["addressee_id"]].append(Made(row["at"], row["notices"]))
    return {
        row["addressee_id"]: bundle(
            rules, WaitingNotices(row["notices"], row["oldest"], row["urgent"]), lately[row["addressee_id"]], now
        )
        for row in notice_rows.waiting(conn, addressees, now)
    }


def _text(addressee: Row, facts: Row, zone: ZoneInfo) -> Rendered:
    fields = {**known(facts), **({"home": addressee["home"]} if addressee["home"] else {})}
    return render(NoticeKind(facts["kind"]), Audience(addressee["audience"]), addressee["language"], fields, zone)


def known(facts: Row) -> dict[str, Any]:
    """Return the fields of the templates: the entry with its ticket and home."""
    place = " ".join(filter(None, (facts["building"], facts["home"]))) or facts["substation"] or facts["station"]
    return {**facts, "where": place, **facts["data"]}


def _messages(
    addressee: Row, what: Bundling, rows: Sequence[NoticeRow], texts: Sequence[Rendered]
) -> list[dict[str, Any]]:
    """Return the rows of an addressee's messages."""
    one = {"addressee_id": addressee["addressee_id"]}
    if what is Bundling.ALONE or len(rows) == 1:
        return [{**one, **t._asdict(), "notices": [row.notice_id]} for row, t in zip(rows, texts, strict=True)]
    text = digest([NoticeKind(row.kind) for row in rows], texts, addressee["language"])
    return [{**one, **text._asdict(), "notices": [row.notice_id for row in rows]}]
