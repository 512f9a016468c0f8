"""Finding homes by addresses, doors, codes, names and numbers: the order of what is found, and for which callers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from registry.contacts import import_contacts
from registry.home_search import HomeSearch, find
from registry.importing import import_folder
from registry.place_index import bring_up
from registry.spelling import spelt
from store.base import access
from store.base.access import EVERYWHERE, Scope
from tests.conftest import Servers, fresh_database

pytestmark = pytest.mark.plain_only

NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
ESTATES = ("幸福里小区", "安和花园", "翠湖名苑", "重庆路小区", "东方家园", "绿园公寓")
STREETS = ("长江路", "人民大街", "西安大路")
NORTH = Scope(everywhere=False, own_station="North", own_homes=[])


def town(folder: Path) -> None:
    """Write six estates of three houses with two entrances of four doors each; the last three are of the South."""
    (folder / "substations.csv").write_text("code,name,station,lat,lon\nS1,S1,North,,\nS2,S2,South,,\n")
    buildings, homes = ["code,substation,name,address,lat,lon"], ["code,building,unit,class,heat_status"]
    for n, estate in enumerate(ESTATES):
        for house in (1, 2, 13):
            code = f"E{n}-{house}"
            buildings.append(f"{code},S{1 + n // 3},{estate}{house}号楼,安和区{STREETS[n % 3]}{20 + n}号,,")
            for entrance in (1, 2):
                for door in (101, 102, 501, 502):
                    unit = f"{entrance}单元{door}" if house == 1 else f"{entrance}-{door}"
                    homes.append(f"{code}-{entrance}-{door},{code},{unit},multistorey,on")
    homes.append("X9,E0-1,底商,nonresidential,on")
    (folder / "buildings.csv").write_text("\n".join(buildings))
    (folder / "homes.csv").write_text("\n".join(homes))


@pytest.fixture(scope="module")
def conn(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """The town, as the API reads it."""
    folder = tmp_path_factory.mktemp("town")
    town(folder)
    databases = fresh_database(servers.of("plain"), "plain")
    database = next(databases)
    with database.connect() as owner:
        import_folder(owner, folder, ZONE, NOW)
        (folder / "contacts.csv").write_text(
            "home,channel,address,name\n"
            "E0-1-1-101,phone,13800000001,李娜\n"
            "E3-2-2-502,phone,0431-86543210,李纳\n"
            "E4-1-1-102,email,o@example.com,欧阳明月\n"
        )
        import_contacts(owner, folder, ZONE, NOW)
        owner.commit()
        yield owner
    next(databases, None)


def homes(conn: Connection, asked: str, scope: Scope = EVERYWHERE, *, people: bool = True) -> list[str]:
    with conn.transaction(force_rollback=True):
        access.enter(conn, scope)
        return [row["home"] for row in find(conn, HomeSearch(asked, scope, NOW, people))]


@pytest.mark.parametrize(
    "asked",
    [
        "幸福里小区2号楼2单元501",
        "幸福里2-2-501",
        "幸福里 二号楼 二单元 ５０１室",
        "xingfuli 2-2-501",
        "xing fu li 2 2 501",
        "xfl 2 2 501",
        "XFLXQ2-2-501",
        "幸福理小区2-2-501",
        "幸福栗2-2-501",
        "xingfulo 2-2-501",
        "长江路20号2号楼2单元501",
        "安和区长江路20号幸福里小区2号楼2单元501",
        "e0-2-2-501",
        "Ｅ０－２－２－５０１",
    ],
)
def test_a_home_is_the_first_however_its_address_is_typed(conn: Connection, asked: str) -> None:
    assert homes(conn, asked)[0] == "E0-2-2-501"


def test_the_home_is_among_the_answers_before_the_address_is_whole(conn: Connection) -> None:
    for end in range(len("幸福里2-2-5"), len("幸福里2-2-501") + 1):
        assert "E0-2-2-501" in homes(conn, "幸福里2-2-501"[:end])
    assert homes(conn, "幸福里13")[:4] == ["E0-13-1-101", "E0-13-1-102", "E0-13-1-501", "E0-13-1-502"]
    assert all(home.startswith("E0-") or home == "X9" for home in homes(conn, "幸福里"))


def test_a_code_as_a_whole_comes_before_all_and_alone(conn: Connection) -> None:
    assert homes(conn, "e0-1-1-101") == ["E0-1-1-101"]
    assert homes(conn, "x9") == ["X9"]


@given(
    text=st.sampled_from(ESTATES).flatmap(lambda estate: st.tuples(st.just(estate), st.integers(0, len(estate) - 1)))
)
def test_one_character_changed_is_still_found(conn: Connection, text: tuple[str, int]) -> None:
    estate, at = text
    assert f"E{ESTATES.index(estate)}-2-2-502" in homes(conn, f"{estate[:at]}阿{estate[at + 1 :]}2-2-502")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), estate=st.sampled_from(ESTATES), letter=st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
def test_one_letter_changed_is_still_found(conn: Connection, data: st.DataObject, estate: str, letter: str) -> None:
    said = spelt(estate).said
    at = data.draw(st.integers(0, len(said) - 1))
    found = homes(conn, f"{said[:at]}{letter}{said[at + 1 :]} 2-2-502")
    assert f"E{ESTATES.index(estate)}-2-2-502" in found


@given(
    prefix=st.sampled_from(
        [
            f"e{n}-{h}-{e}-{d}"[:cut]
            for n in range(6)
            for h in (1, 2, 13)
            for e in (1, 2)
            for d in (101, 502)
            for cut in (4, 6, 9)
        ]
    )
)
def test_beginnings_of_codes_against_all_homes(conn: Connection, prefix: str) -> None:
    every = sorted(
        code for (code,) in conn.execute("SELECT code FROM home WHERE starts_with(lower(code), %s)", (prefix,))
    )
    found = homes(conn, prefix)
    assert {*found[: len(every)]} <= {*every}
    assert len(every) > len(found) or {*found} >= {*every}


def test_a_door_alone_finds_homes_that_have_it(conn: Connection) -> None:
    assert homes(conn, "13-2-501") == [f"E{n}-13-2-501" for n in range(6)]
    assert all(home.endswith("-502") for home in homes(conn, "502"))


def test_what_is_nowhere_is_not_found(conn: Connection) -> None:
    assert homes(conn, "珠穆朗玛峰") == []
    assert homes(conn, "，。") == []
    assert homes(conn, "%_'\\") == []


def test_people_are_found_by_number_and_name(conn: Connection) -> None:
    assert homes(conn, "138 0000 0001") == ["E0-1-1-101"]
    assert homes(conn, "+8613800000001") == ["E0-1-1-101"]
    assert homes(conn, "86543210") == ["E3-2-2-502"]
    assert homes(conn, "李娜") == ["E0-1-1-101", "E3-2-2-502"]  # the second sounds the same
    assert homes(conn, "欧阳") == ["E4-1-1-102"]
    assert homes(conn, "lina")[:2] == ["E0-1-1-101", "E3-2-2-502"]
    assert homes(conn, "oymy") == ["E4-1-1-102"]


def test_a_part_of_a_number_that_many_have_finds_nobody(conn: Connection) -> None:
    assert homes(conn, "000001") == []
    assert homes(conn, "1380000") == []


@pytest.mark.parametrize("asked", ["13800000001", "李娜", "lina", "欧阳明月"])
def test_people_are_told_to_nobody_else(conn: Connection, asked: str) -> None:
    assert homes(conn, asked, people=False) == []
    assert homes(conn, asked, NORTH) == []  # the database asks as well


def test_a_crew_finds_the_homes_of_its_station_alone(conn: Connection) -> None:
    assert homes(conn, "翠湖名苑2-2-501", NORTH)[0] == "E2-2-2-501"
    assert not any(home.startswith("E5") for home in homes(conn, "绿园公寓2-2-501", NORTH))
    assert homes(conn, "E5-2-2-501", NORTH) == [] or "E5-2-2-501" not in homes(conn, "E5-2-2-501", NORTH)
    assert homes(conn, "13-2-501", NORTH) == [f"E{n}-13-2-501" for n in range(3)]


def test_a_number_that_called_before_finds_the_home(conn: Connection) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute(
            "INSERT INTO ticket (class, state, priority, home_id, source, station, opened_at) "
            "SELECT 'leak', 'open', 1, home_id, 'phone', 'North', %s FROM home WHERE code = 'E1-1-1-101'",
            (NOW,),
        )
        conn.execute(
            "INSERT INTO ticket_contact (ticket_id, seq, contact) VALUES (1, 1, 'Wang, 139-0000 0009, after six')"
        )
        assert homes(conn, "13900000009") == ["E1-1-1-101"]


def test_an_import_keeps_what_is_found_in_its_own_transaction(conn: Connection, tmp_path: Path) -> None:
    with conn.transaction(force_rollback=True):
        (tmp_path / "buildings.csv").write_text("code,substation,name,address\nE0-2,S1,新天地2号楼,珠江路7号\n")
        import_folder(conn, tmp_path, ZONE, NOW)
        assert homes(conn, "新天地2-2-501")[0] == "E0-2-2-501"
        assert homes(conn, "珠江路7号2-2-501")[0] == "E0-2-2-501"
        assert "E0-2-2-501" not in homes(conn, "幸福里2-2-501")
        assert bring_up(conn) == 0
    assert homes(conn, "幸福里2-2-501")[0] == "E0-2-2-501"


def test_who_is_named_no_more_is_found_no_more(conn: Connection, tmp_path: Path) -> None:
    with conn.transaction(force_rollback=True):
        (tmp_path / "contacts.csv").write_text("home,channel,address,name\nE0-1-1-101,phone,13800000001,王芳\n")
        import_contacts(conn, tmp_path, ZONE, NOW)
        assert homes(conn, "王芳") == ["E0-1-1-101"]
        assert homes(conn, "李娜") == ["E3-2-2-502"]
        (tmp_path / "contacts.csv").write_text("home,channel,address,name\nE0-1-1-101,,,\n")
        import_contacts(conn, tmp_path, ZONE, NOW)
        assert homes(conn, "13800000001") == []
        assert homes(conn, "王芳") == []
