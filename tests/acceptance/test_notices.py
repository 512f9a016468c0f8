"""`hearth notify` as a process that is killed again and again, before real servers that note what they take."""

import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from domain.notices import Audience, NoticeKind, OutboxEntry
from local.port import LOOPBACK
from store.notices import outbox
from tests.acceptance.processes import Process, run
from tests.acceptance.waiting import until
from tests.api import town
from tests.conftest import Database
from tests.receivers import Box, http_server, recipients_file, smtp_server

LEASE_S = 4
MOST_KILLS, LONG_S = 8, 600
USERS = 40
INSERT_CONTACTS = """
WITH made AS (
  INSERT INTO addressee (audience, home_id, channel, language) SELECT 'user', home_id, %s, 'zh' FROM home
  RETURNING addressee_id
)
INSERT INTO person.contact (addressee_id, address, consent_at)
SELECT addressee_id, format(%s, addressee_id), '2026-01-01' FROM made
"""


@pytest.fixture
def people() -> Iterator[tuple[int, Box, int, Box]]:
    """A mail server and a web server, and what they took."""
    with smtp_server() as (mail_port, mails), http_server() as (hook_port, hooks):
        yield mail_port, mails, hook_port, hooks


@pytest.fixture
def environment(plain_database: Database, tmp_path: Path, people: tuple[int, Box, int, Box]) -> dict[str, str]:
    mail_port, _, hook_port, _ = people
    file = tmp_path / "people.toml"
    file.write_text(recipients_file(mail_port, hook_port))
    return {
        "HEARTH_DATABASE_URL": plain_database.url,
        "HEARTH_RECIPIENTS": str(file),
        "HEARTH_NOTIFY_LEASE_S": str(LEASE_S),
    }


def users(conn: psycopg.Connection, mail: int, hook_port: int) -> None:
    """Add so many homes with a mail address, and as many web hooks."""
    for n in range(USERS):
        town.home(conn, f"B1-{n}")
    conn.execute(INSERT_CONTACTS, ("email", "user%s@example.com"))
    conn.execute(INSERT_CONTACTS, ("webhook", f"http://{LOOPBACK}:{hook_port}/%s"))


def one(database: Database, statement: str) -> int:
    with database.connect() as conn:
        return town.one(conn, statement, None)


WAITING = (
    "SELECT (SELECT count(*) FROM outbox WHERE fate IS NULL) + (SELECT count(*) FROM notice WHERE message_id IS NULL) "
    "+ (SELECT count(*) FROM message WHERE due_at IS NOT NULL)"
)


@pytest.mark.slow
def test_killed_again_and_again_each_message_arrives_once(
    plain_database: Database, environment: dict[str, str], people: tuple[int, Box, int, Box], tmp_path: Path
) -> None:
    mail_port, mails, hook_port, hooks = people
    with plain_database.connect() as conn:
        users(conn, mail_port, hook_port)
        entries = [
            OutboxEntry(NoticeKind.OUTAGE_ANNOUNCED, Audience.USER, home_id=h, urgent=True)
            for (h,) in conn.execute("SELECT home_id FROM home")
        ]
        outbox.put(conn, entries, datetime.now(UTC))
    chance, kills = random.Random(7), 0
    current: list[Process] = []
    lock = threading.Lock()

    def strike() -> None:
        """Kill the sender at times after a message was taken and before it hears so: the worst moment there is."""
        with lock:
            if chance.random() < 0.03 and kills < MOST_KILLS:
                current[-1].kill()

    mails.before_answer = hooks.before_answer = strike
    while one(plain_database, WAITING):
        current.append(Process(environment, tmp_path / f"notify-{kills}.log", "notify"))
        # Else at any other moment: while it expands, writes, sends, marks.
        until(lambda: "event=sending" in current[-1].said() or not current[-1].running, "it begins")
        if kills < MOST_KILLS:
            time.sleep(chance.uniform(0, 3))
        else:  # answers that come late on busy cores are asked for again, ever later: that has to end by itself
            until(lambda: not one(plain_database, WAITING) or not current[-1].running, "all are sent", LONG_S)
        current[-1].kill()
        kills += 1
    assert kills >= 3
    with plain_database.connect() as conn:
        keys = {str(key) for (key,) in conn.execute("SELECT key FROM message")}
        states = conn.execute(
            "SELECT state, count(*)::integer, sum(notices)::integer FROM message GROUP BY state"
        ).fetchall()
        unsure = town.one(conn, "SELECT sum(unsure) FROM message", None)
    assert states == [("sent", 2 * USERS, 2 * USERS)]
    by_mail = {key.strip("<>").partition("@")[0] for key in mails.times()}
    assert len(by_mail) == len(hooks.times()) == USERS
    assert by_mail | set(hooks.times()) == keys  # none lost, none made up
    # Who heeds the key has each once. Who does not sees no more than what the sender counted as unsure.
    repeated = sum(len(box.taken) - len(box.times()) for box in (mails, hooks))
    assert repeated <= unsure
    for box in (mails, hooks):
        assert len({(taken.key, taken.to, taken.subject, taken.text) for taken in box.taken}) == USERS


def test_two_senders_send_each_message_once(
    plain_database: Database, environment: dict[str, str], people: tuple[int, Box, int, Box], tmp_path: Path
) -> None:
    mail_port, mails, hook_port, hooks = people
    senders = [Process(environment, tmp_path / f"notify-{n}.log", "notify") for n in range(2)]
    try:
        for sender in senders:
            sender.wait_for("event=sending")
        with plain_database.connect() as conn:
            users(conn, mail_port, hook_port)
            homes = [home for (home,) in conn.execute("SELECT home_id FROM home")]
            outbox.put(
                conn,
                [OutboxEntry(NoticeKind.OUTAGE_ANNOUNCED, Audience.USER, home_id=h, urgent=True) for h in homes],
                datetime.now(UTC),
            )
        until(
            lambda: len(mails.times()) + len(hooks.times()) >= 2 * USERS and not one(plain_database, WAITING),
            "all is sent",
        )
        assert [sender.stop() for sender in senders] == [0, 0]
    finally:
        for sender in senders:
            sender.kill()
    assert len(mails.times()) == len(hooks.times()) == USERS
    # On a busy machine an answer may come too late: then a message goes once more, which is counted.
    unsure = one(plain_database, "SELECT sum(unsure) FROM message")
    assert sum(len(box.taken) - len(box.times()) for box in (mails, hooks)) <= unsure


def test_what_fails_for_good_is_shown_and_can_be_tried_again(
    plain_database: Database, environment: dict[str, str], people: tuple[int, Box, int, Box], tmp_path: Path
) -> None:
    _, _, _, hooks = people
    hooks.answers.append("410")
    with plain_database.connect() as conn:
        outbox.put(
            conn,
            [
                OutboxEntry(NoticeKind.CHAIN_BROKEN, audience, data={"what": "T7"})
                for audience in (Audience.DISPATCH, Audience.SUPERVISOR)
            ],
            datetime.now(UTC),
        )
    sender = Process(environment, tmp_path / "notify.log", "notify")
    try:
        until(lambda: one(plain_database, "SELECT count(*) FROM notice_failed") == 2, "both failed")
        shown = run(environment, "notices", "list").stdout
        assert "HTTP 410" in shown
        assert "SMTP 550" in shown
        assert "supervisor by mail: 1 failed, 0 wait" in shown
        assert run(environment, "notices", "retry").stdout == "2 to be tried again\n"
        until(lambda: len(hooks.taken) == 1, "the hook takes it")
        until(lambda: one(plain_database, "SELECT count(*) FROM notice_failed") == 1, "the other fails again")
        assert sender.stop() == 0
    finally:
        sender.kill()
    assert "nobody@" not in sender.said()
    assert "reason=refused" in sender.said()


def test_a_wrong_file_of_recipients_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "people.toml").write_text('[[recipient]]\nname = "desk"\naudience = "dispatch"\nlanguage = "fr"\n')
    done = run(environment, "notify")
    assert done.returncode == 2
    assert done.stderr.startswith("hearth: HEARTH_RECIPIENTS ")
    assert done.stderr.count("\n") == 1
    assert "recipient[0]" in done.stderr
