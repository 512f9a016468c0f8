"""contacts.csv: how users can be told. What it says, what it may not say, and where its addresses do not go."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection

from domain.errors import UsageError
from registry.contacts import import_contacts
from registry.exporting import export_folder
from registry.importing import import_folder
from store.registry.contact_rows import ContactChanges
from tests.api import town

pytestmark = pytest.mark.plain_only

NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
HEADER = "home,channel,address,language,consent\n"
FILE = HEADER + (
    "B1-101,email,zhang@example.com,zh,2026-01-01\n"
    "B1-101,phone,13800000000,zh,\n"
    "B1-102,webhook,https://host.example/hook,en,2026-01-01T08:00:00+08:00\n"
)
SHOWN = """
SELECT h.code, a.channel, c.address, a.language, c.consent_at
FROM addressee AS a JOIN home AS h USING (home_id) LEFT JOIN person.contact AS c USING (addressee_id)
WHERE a.ended_at IS NULL ORDER BY 1, 2, 3
"""


@pytest.fixture
def conn(connection: Connection) -> Connection:
    """A registry of two homes."""
    town.home(connection)
    town.home(connection, "B1-102")
    return connection


def given(conn: Connection, folder: Path, text: str) -> ContactChanges | None:
    (folder / "contacts.csv").write_text(text)
    return import_contacts(conn, folder, ZONE, NOW)


def contacts(conn: Connection) -> list[tuple[object, ...]]:
    return conn.execute(SHOWN).fetchall()


def test_the_file_says_how_users_can_be_told(conn: Connection, tmp_path: Path) -> None:
    assert given(conn, tmp_path, FILE) == ContactChanges(3, 0, 0)
    assert contacts(conn) == [
        ("B1-101", "email", "zhang@example.com", "zh", datetime(2025, 12, 31, 16, tzinfo=UTC)),
        ("B1-101", "phone", "13800000000", "zh", None),
        ("B1-102", "webhook", "https://host.example/hook", "en", datetime(2026, 1, 1, tzinfo=UTC)),
    ]
    assert given(conn, tmp_path, FILE) == ContactChanges(0, 0, 0)


def test_the_lines_of_a_home_replace_what_it_had_and_addresses_are_forgotten(conn: Connection, tmp_path: Path) -> None:
    given(conn, tmp_path, FILE)
    changed = HEADER + "B1-101,email,zhang@example.com,en,\nB1-101,email,li@example.com,zh,2026-01-02\n"
    assert given(conn, tmp_path, changed) == ContactChanges(1, 1, 1)
    assert [(row[0], row[2], row[3]) for row in contacts(conn)] == [
        ("B1-101", "li@example.com", "zh"),
        ("B1-101", "zhang@example.com", "en"),
        ("B1-102", "https://host.example/hook", "en"),
    ]
    assert given(conn, tmp_path, HEADER + "B1-101,,,,\n") == ContactChanges(0, 0, 2)
    assert [row[0] for row in contacts(conn)] == ["B1-102"]
    assert town.one(conn, "SELECT count(*) FROM person.contact", None) == 1
    assert town.one(conn, "SELECT count(*) FROM addressee", None) == 4  # what was sent stays on record


def test_a_consent_does_not_end_by_a_file_that_has_no_such_column(conn: Connection, tmp_path: Path) -> None:
    given(conn, tmp_path, FILE)
    before = contacts(conn)
    short = "\n".join(",".join(line.split(",")[:3]) for line in FILE.splitlines())
    assert given(conn, tmp_path, short) == ContactChanges(0, 0, 0)
    assert contacts(conn) == before


def test_a_contact_may_come_back(conn: Connection, tmp_path: Path) -> None:
    for text in (FILE, HEADER + "B1-102,,,,\n", FILE):
        given(conn, tmp_path, text)
    assert len(contacts(conn)) == 3


def test_without_the_file_nothing_is_said(conn: Connection, tmp_path: Path) -> None:
    assert import_contacts(conn, tmp_path, ZONE, NOW) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("B9-999,email,secret@example.com,zh,", "contacts.csv:2: home: 'B9-999' is not in the registry"),
        ("B1-101,fax,secret,zh,", "contacts.csv:2: channel: 'fax' is not one of email, phone, webhook"),
        ("B1-101,email,secret,zh,", "contacts.csv:2: address: is not a valid address for the channel email"),
        ("B1-101,phone,secret,zh,", "contacts.csv:2: address: is not a valid address for the channel phone"),
        (
            "B1-101,webhook,file:///secret,zh,",
            "contacts.csv:2: address: is not a valid address for the channel webhook",
        ),
        ("B1-101,email,,zh,", "contacts.csv:2: address: is empty, its other half is not"),
        ("B1-101,,secret@example.com,zh,", "contacts.csv:2: channel: is empty, its other half is not"),
        ("B1-101,email,secret@example.com,fr,", "contacts.csv:2: language: 'fr' is not one of zh, en"),
        ("B1-101,email,secret@example.com,zh,yesterday", "contacts.csv:2: consent: 'yesterday' is neither"),
        ("B1-101,email,s@x.example,zh,\nB1-101,email,s@x.example,en,", "contacts.csv:3: address: is also on line 2"),
        ("B1-101,email," + "secret" * 100 + "@x.example,zh,", "contacts.csv:2: address: is longer than 500 characters"),
    ],
)
def test_what_is_wrong_is_named_and_no_address_repeated(conn: Connection, tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        given(conn, tmp_path, HEADER + line + "\n")
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert contacts(conn) == []


def test_an_export_has_them_only_if_asked_and_for_its_owner_alone(conn: Connection, tmp_path: Path) -> None:
    given(conn, tmp_path, FILE)
    plain, full = tmp_path / "plain", tmp_path / "full"
    assert "contacts" not in export_folder(conn, plain)
    assert not (plain / "contacts.csv").exists()
    assert "example.com" not in "".join(file.read_text() for file in plain.iterdir())
    assert export_folder(conn, full, with_contacts=True)["contacts"] == 3
    assert stat.S_IMODE(os.stat(full / "contacts.csv").st_mode) == 0o600
    import_folder(conn, full, ZONE, NOW)
    assert import_contacts(conn, full, ZONE, NOW) == ContactChanges(0, 0, 0)
