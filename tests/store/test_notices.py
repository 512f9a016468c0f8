"""From the outbox to messages and to their end, on real databases: nobody is told twice, nothing is lost."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from alerts.notices.expand import expand, write
from alerts.notices.recipients import Recipients, load
from alerts.notices.sending import Post, SendOutcome, pause
from domain import policy_file
from domain.exchange.bodies import TheirNumbers
from domain.notices import Audience, NoticeKind, NotSent, OutboxEntry, SendFault
from domain.policy import Policy
from store.notices import notice_rows, outbox
from store.registry import resident_rows
from store.registry.resident_rows import Tenancy
from tests.api import town
from tests.conftest import Database
from tests.receivers import Box, http_server, recipients_file, smtp_server

pytestmark = pytest.mark.plain_only

NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)  # noon in Shanghai
NIGHT = datetime(2026, 1, 15, 16, 0, tzinfo=UTC)  # midnight there
MORNING = datetime(2026, 1, 15, 23, 0, tzinfo=UTC)
SEED = policy_file.builtin("seed")
LATER = timedelta(minutes=5)  # longer than an incident may take to be found
LEASE = timedelta(seconds=60)
INSERT_CONTACT = "INSERT INTO person.contact (addressee_id, address, consent_at) VALUES (%s, %s, %s)"
INSERT_ADDRESSEE = """
INSERT INTO addressee (audience, home_id, channel, language) VALUES ('user', %s, %s, %s) RETURNING addressee_id
"""


@pytest.fixture
def conn(database: Database) -> Iterator[Connection]:
    """A connection in autocommit mode, as the processes have it."""
    with database.connect(autocommit=True) as opened:
        yield opened


def staff(conn: Connection, *who: tuple[str, str, str | None], language: str = "en") -> None:
    rows = [
        {"audience": audience, "name": name, "channel": "mail", "station": station, "language": language}
        for name, audience, station in who
    ]
    notice_rows.set_staff(conn, rows, NOW)


def contact(
    conn: Connection, home: int, address: str = "someone@example.com", consent_at: datetime | None = NOW
) -> int:
    addressee = town.one(conn, INSERT_ADDRESSEE, (home, "email", "zh"))
    conn.execute(INSERT_CONTACT, (addressee, address, consent_at))
    return addressee


def rows(conn: Connection, statement: str) -> list[Any]:
    return conn.execute(statement.encode()).fetchall()


def put(conn: Connection, *entries: OutboxEntry, at: datetime = NOW) -> None:
    outbox.put(conn, entries, at)


def fates(conn: Connection) -> list[Any]:
    return [fate for (fate,) in rows(conn, "SELECT fate FROM outbox ORDER BY outbox_id")]


def messages(conn: Connection) -> list[Any]:
    return rows(
        conn,
        "SELECT coalesce(a.name, 'user'), m.notices, m.subject FROM message AS m "
        "JOIN addressee AS a USING (addressee_id) ORDER BY m.message_id",
    )


def test_notices_are_written_as_it_happened_whatever_number_they_have(conn: Connection) -> None:
    """Their numbers are in the order in which the server comes upon the entries."""
    staff(conn, ("desk", "dispatch", None))
    places = ("B1", "B2", "B3")
    put(conn, *(OutboxEntry(NoticeKind.MEASUREMENT_DUE, Audience.DISPATCH, data={"place": one}) for one in places))
    entries = [entry for (entry,) in rows(conn, "SELECT outbox_id FROM outbox ORDER BY outbox_id")]
    for entry in reversed(entries):
        notice_rows.tell(conn, [entry], NOW, NOW)
    ((addressee,),) = rows(conn, "SELECT addressee_id FROM addressee")
    assert [row.outbox_id for row in notice_rows.notices(conn, [addressee], NOW)] == entries


def test_an_entry_reaches_its_audience_and_the_crew_of_its_station(conn: Connection) -> None:
    north, _ = town.ticket(conn, town.home(conn))
    south, _ = town.ticket(conn, town.home(conn, "B2-101", building="B2", station="South"))
    staff(conn, ("desk", "dispatch", None), ("north", "crew", "North"), ("south", "crew", "South"))
    put(
        conn,
        OutboxEntry(
            NoticeKind.CLOCK_WARNING,
            Audience.CREW,
            ticket_id=north,
            data={"clock": "on_site", "due_at": NOW.isoformat()},
        ),
        OutboxEntry(
            NoticeKind.CLOCK_BREACHED,
            Audience.DISPATCH,
            ticket_id=south,
            data={"clock": "done", "due_at": NOW.isoformat()},
        ),
        OutboxEntry(NoticeKind.MEASUREMENT_DUE, Audience.CREW, station="South", data={"place": "B2"}),
        OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.SUPERVISOR, data={"what": "ticket 7"}),
    )
    assert not expand(conn, SEED, NOW)
    assert fates(conn) == ["told", "told", "told", "nobody"]
    write(conn, SEED, NOW)
    assert messages(conn) == [
        ("desk", 1, f"Overdue: T{south:08} done"),
        ("north", 1, f"Due soon: T{north:08} arrival on site"),
        ("south", 1, "Measurement due: B2"),
    ]


def test_users_are_told_by_contacts_they_agreed_to(conn: Connection) -> None:
    home, other = town.home(conn), town.home(conn, "B1-102")
    contact(conn, home)
    contact(conn, other, consent_at=None)
    put(
        conn,
        *(
            OutboxEntry(NoticeKind.OUTAGE_RESTORED, Audience.USER, home_id=h, data={"restored_at": NOW.isoformat()})
            for h in (home, other)
        ),
    )
    expand(conn, SEED, NOW)
    assert fates(conn) == ["told", "nobody"]
    write(conn, SEED, NOW)
    assert rows(conn, "SELECT subject, body FROM message") == [
        ("已恢复供热", "您家（B1-101）：已于 2026-01-15 12:00 恢复供热。")
    ]


def tenancies(conn: Connection, *lines: tuple[str, datetime | None, datetime | None]) -> None:
    resident_rows.replace(
        conn, [Tenancy("B1-101", who, begins, ends, begins and begins.date()) for who, begins, ends in lines]
    )


def test_a_notice_goes_to_who_lives_there_now_and_tells_what_was_since(conn: Connection) -> None:
    home = town.home(conn)
    moved = NOW - timedelta(days=1)
    tenancies(conn, ("A", None, moved), ("B", moved, None))
    contact(conn, home, "a@example.com", moved - timedelta(days=9))
    contact(conn, home, "b@example.com", moved + timedelta(hours=1))
    early = contact(conn, home, "soon-b@example.com", moved - timedelta(hours=9))  # agreed before moving in
    conn.execute("UPDATE person.contact SET resident = 'B' WHERE addressee_id = %s", (early,))
    restored = OutboxEntry(
        NoticeKind.OUTAGE_RESTORED, Audience.USER, home_id=home, data={"restored_at": NOW.isoformat()}
    )
    put(conn, restored, at=moved - timedelta(hours=1))
    put(conn, restored)
    expand(conn, SEED, NOW)
    assert fates(conn) == ["nobody", "told"]
    told = rows(conn, "SELECT c.address FROM notice JOIN person.contact AS c USING (addressee_id) ORDER BY 1")
    assert told == [("b@example.com",), ("soon-b@example.com",)]


def test_users_sleep_unless_it_is_urgent_and_dispatch_does_not(conn: Connection) -> None:
    home = town.home(conn)
    contact(conn, home)
    staff(conn, ("desk", "dispatch", None))
    put(
        conn,
        OutboxEntry(NoticeKind.OUTAGE_RESTORED, Audience.USER, home_id=home),
        OutboxEntry(NoticeKind.OUTAGE_ANNOUNCED, Audience.USER, home_id=home, urgent=True),
        OutboxEntry(NoticeKind.OUTAGE_RESTORED, Audience.DISPATCH),
        at=NIGHT,
    )
    expand(conn, SEED, NIGHT)
    write(conn, SEED, NIGHT)
    assert [subject for _, _, subject in messages(conn)] == ["停热通知", "Heat restored: —"]
    write(conn, SEED, MORNING - timedelta(seconds=1))
    assert len(messages(conn)) == 2
    write(conn, SEED, MORNING)
    assert [subject for _, _, subject in messages(conn)][2:] == ["已恢复供热"]


def test_a_flood_is_one_digest_that_counts_all(conn: Connection) -> None:
    staff(conn, ("desk", "dispatch", None), ("boss", "supervisor", None))
    put(
        conn,
        *[OutboxEntry(NoticeKind.CLOCK_WARNING, Audience.DISPATCH)] * 40,
        OutboxEntry(NoticeKind.CLOCK_BREACHED, Audience.DISPATCH),
    )
    put(conn, *[OutboxEntry(NoticeKind.CLOCK_BREACHED, Audience.SUPERVISOR)] * 10)
    expand(conn, SEED, NOW)
    write(conn, SEED, NOW)
    told = messages(conn)
    assert sorted((name, count) for name, count, _ in told) == [("boss", 1)] * 10 + [("desk", 41)]
    (body,) = rows(conn, "SELECT body FROM message WHERE notices = 41")[0]
    assert body.startswith("due soon 40; overdue 1. Most urgent:\n- —: “—” of ticket — was due")
    assert "31 more" in body
    put(conn, *[OutboxEntry(NoticeKind.CLOCK_WARNING, Audience.DISPATCH)] * 3)
    expand(conn, SEED, NOW)
    write(conn, SEED, NOW + timedelta(seconds=599))
    assert len(messages(conn)) == 11
    write(conn, SEED, NOW + timedelta(seconds=600))
    assert messages(conn)[11:] == [("desk", 1, "Due soon: — —")] * 3
    assert rows(conn, "SELECT count(*) FROM notice WHERE message_id IS NULL") == [(0,)]


def test_cold_tickets_wait_for_an_incident_that_speaks_for_them(conn: Connection) -> None:
    staff(conn, ("desk", "dispatch", None))
    cold, _ = town.ticket(conn, town.home(conn))
    alone, _ = town.ticket(conn, town.home(conn, "B1-102"))
    leak, _ = town.ticket(conn, town.home(conn, "B1-103"), kind="leak")
    put(conn, *(OutboxEntry(NoticeKind.TICKET_OPENED, Audience.DISPATCH, ticket_id=t) for t in (cold, alone, leak)))
    expand(conn, SEED, NOW + timedelta(seconds=100))
    assert fates(conn) == [None, None, "told"]
    with conn.transaction():
        outbox.group(conn, [cold], 1, NOW)
    expand(conn, SEED, NOW + LATER)
    assert fates(conn) == ["grouped", "told", "told"]


def test_what_gets_worse_within_an_incident_is_grouped_too(conn: Connection) -> None:
    staff(conn, ("desk", "dispatch", None))
    cold, _ = town.ticket(conn, town.home(conn))
    sent, _ = town.ticket(conn, None, kind="repair")
    incident = town.one(
        conn,
        "INSERT INTO incident (kind, substation_id, station, ticket_id, why, opened_at) "
        "SELECT 'cold_homes', substation_id, station, %s, '{}', %s FROM substation RETURNING incident_id",
        (sent, NOW),
    )
    conn.execute(
        "INSERT INTO incident_ticket (incident_id, ticket_id, joined_at) VALUES (%s, %s, %s)", (incident, cold, NOW)
    )
    put(conn, OutboxEntry(NoticeKind.TICKET_SEVERE, Audience.DISPATCH, ticket_id=cold))
    put(conn, OutboxEntry(NoticeKind.CLOCK_BREACHED, Audience.DISPATCH, ticket_id=cold))
    expand(conn, SEED, NOW + LATER)
    assert rows(conn, "SELECT fate, incident_id FROM outbox ORDER BY outbox_id") == [
        ("grouped", incident),
        ("told", None),
    ]


def test_without_a_table_in_the_policy_nobody_is_told(conn: Connection) -> None:
    text = policy_file.builtin_text("seed")
    off = policy_file.load(text[: text.index("[version.notices]")], "seed without notices")
    put(conn, OutboxEntry(NoticeKind.CLOCK_WARNING, Audience.DISPATCH))
    assert expand(conn, off, NOW)
    assert not expand(conn, off, NOW)
    assert write(conn, off, NOW) == 0
    assert fates(conn) == ["off"]


def test_staff_that_is_gone_is_told_no_more_and_may_come_back(conn: Connection) -> None:
    staff(conn, ("desk", "dispatch", None), ("old", "dispatch", None))
    staff(conn, ("desk", "dispatch", None))
    put(conn, OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.DISPATCH))
    expand(conn, SEED, NOW)
    staff(conn, ("desk", "dispatch", None), ("old", "supervisor", None), language="zh")
    put(conn, OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.SUPERVISOR))
    expand(conn, SEED, NOW)
    assert rows(
        conn,
        "SELECT o.outbox_id, a.name, a.language FROM notice JOIN outbox AS o USING (outbox_id) "
        "JOIN addressee AS a USING (addressee_id) ORDER BY 1",
    ) == [
        (1, "desk", "zh"),
        (2, "old", "zh"),
    ]


def test_several_who_expand_and_write_tell_each_once(database: Database) -> None:
    with database.connect(autocommit=True) as conn:
        staff(conn, *((f"desk {n}", "dispatch", None) for n in range(5)))
        put(conn, *[OutboxEntry(NoticeKind.CLOCK_WARNING, Audience.DISPATCH)] * 200)

    def work() -> None:
        with database.connect(autocommit=True) as conn:
            for _ in range(3):
                expand(conn, SEED, NOW)
                write(conn, SEED, NOW)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.connect(autocommit=True) as conn:
        write(conn, SEED, NOW)
        assert rows(conn, "SELECT count(*), count(DISTINCT (outbox_id, addressee_id)) FROM notice") == [(1000, 1000)]
        told = rows(conn, "SELECT sum(notices)::integer, count(*) FROM message GROUP BY addressee_id")
        waits = rows(conn, "SELECT count(*) FROM notice WHERE message_id IS NULL")[0][0]
        assert sum(count for count, _ in told) + waits == 1000
        assert all(count <= 10 for _, count in told)


class Desk:
    """Somebody at a desk, and users, reached over real servers."""

    def __init__(self, conn: Connection, recipients: Recipients, pool: ThreadPoolExecutor) -> None:
        self.conn = conn
        self.said: list[tuple[str, str]] = []
        self.post = Post(pool, recipients, LEASE, lambda channel, outcome: self.said.append((channel, outcome)))
        notice_rows.set_staff(conn, [row for who in recipients.staff for row in who.rows()], NOW)

    def send(self, now: datetime = NOW) -> None:
        """Send all that is due, and write down what became of it."""
        expand(self.conn, SEED, now)
        write(self.conn, SEED, now)
        while self.post.turn(self.conn, now):
            pass

    def states(self) -> list[Any]:
        """Return state, attempts, unsure, reason and detail of all messages."""
        return rows(self.conn, "SELECT state, attempts, unsure, reason, detail FROM message ORDER BY message_id")


def recipients(mail_port: int, hook_port: int) -> Recipients:
    return load(recipients_file(mail_port, hook_port), "test")


@pytest.fixture
def servers_of_people() -> Iterator[tuple[int, Box, int, Box]]:
    """A mail server and a web server, and what they took."""
    with smtp_server() as (mail_port, mails), http_server() as (hook_port, hooks):
        yield mail_port, mails, hook_port, hooks


@pytest.fixture
def desk(conn: Connection, servers_of_people: tuple[int, Box, int, Box]) -> Iterator[Desk]:
    mail_port, _, hook_port, _ = servers_of_people
    with ThreadPoolExecutor(4) as pool:
        yield Desk(conn, recipients(mail_port, hook_port), pool)


def test_messages_arrive_and_are_marked(desk: Desk, servers_of_people: tuple[int, Box, int, Box]) -> None:
    _, mails, _, hooks = servers_of_people
    home = town.home(desk.conn)
    contact(desk.conn, home)
    put(desk.conn, OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.DISPATCH, data={"what": "T7"}))
    put(desk.conn, OutboxEntry(NoticeKind.OUTAGE_RESTORED, Audience.USER, home_id=home))
    desk.send()
    assert desk.states() == [("sent", 1, 0, None, None)] * 2
    assert [taken.to for taken in mails.taken] == ["someone@example.com"]
    assert "T7" in hooks.taken[0].text or "T7" in str(hooks.taken[0].text.encode().decode("unicode_escape"))
    assert sorted(desk.said) == [("email", "sent"), ("hook", "sent")]


def test_what_is_refused_for_now_is_tried_again_under_the_same_key(
    desk: Desk, servers_of_people: tuple[int, Box, int, Box]
) -> None:
    _, _, _, hooks = servers_of_people
    hooks.answers += ["503", "503"]
    put(desk.conn, OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.DISPATCH))
    desk.send()
    assert desk.states() == [("waiting", 1, 0, "refused_for_now", "HTTP 503")]
    desk.send(NOW + timedelta(seconds=4))
    assert desk.states()[0][1] == 1  # not yet
    desk.send(NOW + timedelta(seconds=5))
    desk.send(NOW + timedelta(seconds=16))
    assert desk.states()[0][:2] == ("sent", 3)
    assert list(hooks.times().values()) == [1]
    assert [outcome for _, outcome in desk.said] == ["put_off", "put_off", "sent"]


def test_what_is_refused_for_good_fails_at_once_and_is_seen(desk: Desk) -> None:
    put(desk.conn, OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.SUPERVISOR))
    desk.send()
    assert desk.states() == [("failed", 1, 0, "refused", "SMTP 550")]
    (failed,) = notice_rows.failed(desk.conn, 10)
    assert (failed["recipient"], failed["channel"], failed["reason"], failed["attempts"]) == (
        "gone",
        "mail",
        "refused",
        1,
    )
    (health,) = notice_rows.health(desk.conn)
    assert (health["audience"], health["failed"], health["waiting"], health["sent_in_a_day"]) == ("supervisor", 1, 0, 0)


def test_a_failed_message_can_be_tried_again(desk: Desk, servers_of_people: tuple[int, Box, int, Box]) -> None:
    _, _, _, hooks = servers_of_people
    hooks.answers.append("404")
    put(desk.conn, OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.DISPATCH))
    desk.send()
    assert desk.states()[0][0] == "failed"
    assert notice_rows.try_again(desk.conn, None, NOW, 3600) == 1
    desk.send()
    assert desk.states()[0][:2] == ("sent", 2)


def test_trying_has_an_end(desk: Desk, servers_of_people: tuple[int, Box, int, Box]) -> None:
    _, _, _, hooks = servers_of_people
    hooks.answers += ["503"] * 1000
    put(desk.conn, OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.DISPATCH))
    now = NOW
    desk.send(now)
    while desk.states()[0][0] == "waiting":
        (due,) = rows(desk.conn, "SELECT due_at FROM message")[0]
        assert now < due <= now + timedelta(minutes=15)
        now = due
        desk.send(now)
    state, attempts, _, reason, detail = desk.states()[0]
    assert (state, reason, detail) == ("failed", "gave_up", "refused_for_now: HTTP 503")
    assert NOW + timedelta(hours=23, minutes=40) < now < NOW + timedelta(days=1)
    assert 90 < attempts < 110
    assert hooks.taken == []


def test_a_recipient_that_the_file_does_not_know_any_more_is_seen(desk: Desk) -> None:
    put(desk.conn, OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.DISPATCH))
    expand(desk.conn, SEED, NOW)
    write(desk.conn, SEED, NOW)
    desk.post.recipients = Recipients()
    desk.send()
    assert desk.states()[0][:4] == ("failed", 1, 0, "no_channel")


def test_what_waits_is_not_sent_after_a_move(desk: Desk, servers_of_people: tuple[int, Box, int, Box]) -> None:
    home = town.home(desk.conn)
    tenancies(desk.conn, ("A", None, None))
    contact(desk.conn, home, consent_at=NOW - timedelta(days=1))
    put(desk.conn, OutboxEntry(NoticeKind.OUTAGE_RESTORED, Audience.USER, home_id=home))
    expand(desk.conn, SEED, NOW)
    write(desk.conn, SEED, NOW)
    tenancies(desk.conn, ("A", None, NOW), ("B", NOW, None))
    desk.send(NOW + timedelta(minutes=1))
    assert desk.states()[0][:4] == ("failed", 1, 0, "no_channel")
    assert servers_of_people[1].taken == []


def test_two_senders_share_messages_and_none_goes_twice(
    database: Database, servers_of_people: tuple[int, Box, int, Box]
) -> None:
    mail_port, mails, hook_port, _ = servers_of_people
    with database.connect(autocommit=True) as conn:
        homes = [town.home(conn, f"B1-{n}") for n in range(60)]
        for home in homes:
            contact(conn, home, f"user{home}@example.com")
        put(conn, *(OutboxEntry(NoticeKind.OUTAGE_RESTORED, Audience.USER, home_id=home) for home in homes))

    def work() -> None:
        with database.connect(autocommit=True) as conn, ThreadPoolExecutor(4) as pool:
            Desk(conn, recipients(mail_port, hook_port), pool).send()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.connect(autocommit=True) as conn, ThreadPoolExecutor(4) as pool:
        # Who is kept waiting for an answer for too long sends once more, and says that it may be the second time.
        Desk(conn, recipients(mail_port, hook_port), pool).send(NOW + LEASE)
        (unsure,) = rows(conn, "SELECT sum(unsure)::integer FROM message")[0]
    assert len(mails.times()) == 60
    assert len(mails.taken) - 60 <= unsure


def test_a_message_whose_sender_died_is_taken_over_after_the_lease(desk: Desk) -> None:
    put(desk.conn, OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.DISPATCH))
    expand(desk.conn, SEED, NOW)
    write(desk.conn, SEED, NOW)
    (dead,) = notice_rows.claim(desk.conn, NOW, LEASE, 10)
    assert notice_rows.claim(desk.conn, NOW + LEASE - timedelta(seconds=1), LEASE, 10) == []
    (heir,) = notice_rows.claim(desk.conn, NOW + LEASE, LEASE, 10)
    assert (heir.key, heir.body, heir.attempts) == (dead.key, dead.body, 2)
    assert desk.states() == [("sending", 2, 1, "broken_off", None)]
    # The one that was believed dead comes to: its failure is void, its success is not.
    notice_rows.mark_failed(desk.conn, dead, {"reason": "refused", "detail": "x", "unsure": False}, NOW)
    notice_rows.put_off(desk.conn, dead, {"reason": "refused", "detail": "x", "unsure": False}, NOW)
    assert desk.states()[0][0] == "sending"
    notice_rows.mark_sent(desk.conn, dead.message_id, NOW)
    notice_rows.put_off(desk.conn, heir, {"reason": "refused", "detail": "x", "unsure": False}, NOW)
    assert desk.states()[0][0] == "sent"


def test_no_plan_of_the_server_claims_more_than_can_be_sent_at_once(desk: Desk) -> None:
    """Messages that wait for their turn spend their lease: a second sender would take them, too."""
    put(desk.conn, *(OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.DISPATCH) for _ in range(5)))
    expand(desk.conn, SEED, NOW)
    write(desk.conn, SEED, NOW)
    for kind in ("hashjoin", "mergejoin", "hashagg", "sort", "material", "bitmapscan", "indexscan"):
        desk.conn.execute(f"SET enable_{kind} = off".encode())  # each message is looked for among the chosen ones
    assert [len(notice_rows.claim(desk.conn, NOW, LEASE, 2)) for _ in range(3)] == [2, 2, 1]


def test_outcomes_that_the_database_did_not_take_are_not_sent_again(
    database: Database, desk: Desk, servers_of_people: tuple[int, Box, int, Box]
) -> None:
    _, _, _, hooks = servers_of_people
    put(desk.conn, OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.DISPATCH))
    expand(desk.conn, SEED, NOW)
    write(desk.conn, SEED, NOW)
    assert desk.post.turn(desk.conn, NOW) == 1
    desk.conn.close()
    with pytest.raises(psycopg.OperationalError):
        desk.post.finish(desk.conn, lambda: NOW)
    with database.connect(autocommit=True) as conn:
        desk.conn = conn
        desk.send(NOW + LEASE * 2)
        assert desk.states()[0][:3] == ("sent", 1, 0)
    assert list(hooks.times().values()) == [1]


def test_an_outcome_that_cannot_be_stored_does_not_stop_the_others(desk: Desk) -> None:
    for _ in range(3):
        put(desk.conn, OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.DISPATCH))
    expand(desk.conn, SEED, NOW)
    write(desk.conn, SEED, NOW)
    refused, taken, usual = notice_rows.claim(desk.conn, NOW, LEASE, 3)
    desk.post.outcomes += [
        SendOutcome(refused, NotSent(SendFault.REFUSED_FOR_NOW, "errcode \0")),
        SendOutcome(taken._replace(peer_case_id=1), None, TheirNumbers("7\0")),
        SendOutcome(usual, None),
    ]
    desk.post.settle(desk.conn, NOW)
    assert [state for state, *_ in desk.states()] == ["failed", "sent", "sent"]
    assert [said for _, said in desk.said] == ["failed", "sent", "sent"]


def test_an_addressee_whose_notices_cannot_be_written_does_not_stop_the_others(desk: Desk) -> None:
    home, told = town.home(desk.conn), {"begins_at": NOW.isoformat(), "reason": "x"}
    contact(desk.conn, home)
    put(
        desk.conn,
        OutboxEntry(NoticeKind.OUTAGE_ANNOUNCED, Audience.USER, home_id=home, data={**told, "expected_end": "soon"}),
        OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.DISPATCH),
    )
    desk.send()
    assert [state for state, *_ in desk.states()] == ["sent"]
    desk.conn.execute("UPDATE outbox SET data = data - 'expected_end' WHERE audience = 'user'")
    desk.send(NOW + timedelta(hours=1))
    assert [state for state, *_ in desk.states()] == ["sent", "sent"]


def test_an_entry_that_cannot_be_expanded_does_not_stop_the_others(desk: Desk) -> None:
    desk.conn.execute("ALTER TABLE notice ADD CONSTRAINT no_luck CHECK (NOT urgent)")
    for urgent in (True, False):
        put(desk.conn, OutboxEntry(NoticeKind.CHAIN_BROKEN, Audience.DISPATCH, urgent=urgent))
    desk.send()
    assert [state for state, *_ in desk.states()] == ["sent"]
    assert rows(desk.conn, "SELECT fate FROM outbox ORDER BY outbox_id") == [("nobody",), ("told",)]


def test_pauses_grow_to_a_quarter_of_an_hour() -> None:
    seconds = [pause(n).total_seconds() for n in (1, 2, 3, 7, 8, 9, 100, 10_000)]
    assert seconds == [5, 10, 20, 320, 640, 900, 900, 900]


def test_faults_say_what_they_are() -> None:
    assert str(NotSent(SendFault.REFUSED, "SMTP 550", permanent=True)) == "refused: SMTP 550"


def test_a_policy_is_loaded_with_its_rules_for_notices() -> None:
    seed: Policy = SEED
    assert seed.versions[0].notices is not None
    assert seed.versions[0].notices.outage_announce_s == 8 * 3600
