"""A plan of measurements from a CSV file: all of it or nothing, faults by line and column."""

from pathlib import Path

import pytest

from domain.errors import UsageError
from registry.measuring import import_plan
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.desk import NOON, ZONE

pytestmark = pytest.mark.plain_only

HEAD = "room,room_kind,home,building,every_days,from,to\n"


def imported(database: Database, folder: Path, text: str) -> list[tuple[str, str, int, bool]]:
    """Home, room, days and whether it is ended, after an import into a town of a building with H1 and H2, and H3."""
    file = folder / "plan.csv"
    file.write_text(HEAD + text, encoding="utf-8")
    with database.connect() as conn:
        building = town.building(conn)
        conn.execute("UPDATE building SET code = 'B' WHERE building_id = %s", (building,))
        for code, place in (("H1", building), ("H2", building), ("H3", None)):
            town.home(conn, code, building_id=place)
        import_plan(conn, file, ZONE, NOON)
        return conn.execute(
            "SELECT h.code, p.room, p.every_days, p.ends_at IS NOT NULL FROM measuring_point AS p "
            "JOIN home AS h USING (home_id) ORDER BY h.code, p.room"
        ).fetchall()


def test_a_line_for_a_building_is_for_each_home_and_a_later_line_holds(database: Database, tmp_path: Path) -> None:
    lines = "living,living,,B,14,,\nliving,living,H2,,7,2026-02-01,\nbedroom,bedroom,H3,,30,,2026-03-01\n"
    assert imported(database, tmp_path, lines) == [
        ("H1", "living", 14, False),
        ("H2", "living", 7, False),
        ("H3", "bedroom", 30, True),
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("living,living,H9,,7,,", "plan.csv:2: home: is not in the registry"),
        ("living,living,,X,7,,", "plan.csv:2: building: is not in the registry"),
        ("living,living,H1,B,7,,", "plan.csv:2: home: name either a home or a building"),
        ("living,attic,H1,,7,,", "plan.csv:2: room_kind: 'attic' is not one of"),
        ("living,living,H1,,0,,", "plan.csv:2: every_days: 0 is not between 1 and 366"),
        ("living,living,H1,,7,,\nliving,living,H1,,9,,", "plan.csv:3: code: is also on line 2"),
        ("living,living,H1,,7,2026-02-01,2026-01-01", "plan.csv:2: to: is before `from`"),
    ],
)
def test_a_fault_is_named_and_nothing_is_written(
    plain_database: Database, tmp_path: Path, line: str, fault: str
) -> None:
    with pytest.raises(UsageError) as refused:
        imported(plain_database, tmp_path, f"{line}\n")
    assert fault in str(refused.value)
