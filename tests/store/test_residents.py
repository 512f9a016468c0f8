"""residents.csv: who lives where from when to when."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection

from domain.errors import UsageError
from registry.exporting import export_folder
from registry.residents import import_residents
from store.registry.resident_rows import TenancyChanges
from tests.api import town

pytestmark = pytest.mark.plain_only

ZONE = ZoneInfo("Asia/Shanghai")
HEADER = "home,resident,from,to\n"
FILE = HEADER + "B1-101,R-1,,2026-01-10\nB1-101,R-2,2026-01-10T12:00:00+08:00,\nB1-102,R-3,2026-01-01,2026-02-01\n"
SHOWN = """
SELECT h.code, r.resident, nullif(r.first_day, '-infinity') FROM residence AS r JOIN home AS h USING (home_id)
ORDER BY 1, r.starts_at
"""


@pytest.fixture
def conn(connection: Connection) -> Connection:
    """A registry of two homes."""
    town.home(connection)
    town.home(connection, "B1-102")
    return connection


def given(conn: Connection, folder: Path, text: str) -> TenancyChanges | None:
    (folder / "residents.csv").write_text(text)
    return import_residents(conn, folder, ZONE)


def test_the_file_says_who_lives_where_and_says_it_once(conn: Connection, tmp_path: Path) -> None:
    assert given(conn, tmp_path, FILE) == TenancyChanges(3, 0)
    assert conn.execute(SHOWN).fetchall() == [
        ("B1-101", "R-1", None),
        ("B1-101", "R-2", date(2026, 1, 11)),  # of the day of the move a part is another's
        ("B1-102", "R-3", date(2026, 1, 1)),
    ]
    assert given(conn, tmp_path, FILE) == TenancyChanges(0, 0)
    assert import_residents(conn, tmp_path / "nothing", ZONE) is None


def test_an_export_comes_back_as_it_was(conn: Connection, tmp_path: Path) -> None:
    given(conn, tmp_path, FILE)
    assert export_folder(conn, tmp_path)["residents"] == 3
    assert import_residents(conn, tmp_path, ZONE) == TenancyChanges(0, 0)


def test_the_lines_of_a_home_replace_what_it_had(conn: Connection, tmp_path: Path) -> None:
    given(conn, tmp_path, FILE)
    assert given(conn, tmp_path, HEADER + "B1-101,R-1,,2026-01-12\nB1-101,R-4,2026-01-12,\n") == TenancyChanges(2, 2)
    assert given(conn, tmp_path, HEADER + "B1-101,,,\n") == TenancyChanges(0, 2)
    assert [row[0] for row in conn.execute(SHOWN)] == ["B1-102"]
    export_folder(conn, tmp_path)
    given(conn, tmp_path, HEADER + "B1-102,,,\n")
    assert "residents" not in export_folder(conn, tmp_path)
    assert (tmp_path / "residents.csv").read_text(encoding="utf-8-sig") == HEADER


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("B9-999,R-1,,\n", "residents.csv:2: home: 'B9-999' is not in the registry"),
        ("B1-101,R-1,2026-02-01,2026-01-01\n", "residents.csv:2: to: is not after from"),
        ("B1-101,,2026-02-01,\n", "residents.csv:2: resident: is empty, but the line has a time"),
        ("B1-101,R 1,,\n", "residents.csv:2: resident: 'R 1' holds a space"),
        ("B1-101,R-1,soon,\n", "residents.csv:2: from: 'soon' is neither a day"),
        ("B1-101,R-1,,\nB1-101,R-2,2026-01-01,\n", "residents.csv:3: from: overlaps line 2"),
        ("B1-101,R-1,,2026-01-01\nB1-101,,,\n", "residents.csv:3: resident: line 2 is about the same home"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(conn: Connection, tmp_path: Path, lines: str, fault: str) -> None:
    with pytest.raises(UsageError) as caught:
        given(conn, tmp_path, HEADER + lines)
    assert fault in str(caught.value)
    assert conn.execute(SHOWN).fetchall() == []


def test_a_file_without_one_of_its_columns_is_refused(conn: Connection, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"residents\.csv:1: to: this column is missing"):
        given(conn, tmp_path, "home,resident,from\nB1-101,R-1,\n")
