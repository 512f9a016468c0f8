"""A number that is said to be a building's finds homes of that building alone, against all homes of a town."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection

from registry.home_search import HomeSearch, find
from registry.importing import import_folder
from store.base import access
from store.base.access import EVERYWHERE
from tests.conftest import Servers, fresh_database

pytestmark = pytest.mark.plain_only

NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
NUMERALS = {"1": "一", "2": "二", "3": "三", "12": "十二", "20": "二十", "602": "602"}
HOUSES = ("1", "2", "3", "12", "20")
ENTRANCES = ("1", "2", "3")
DOORS = ("102", "202", "602", "1202")
# How registries name a building: its number in the name, with a street's beside it, or in the address alone.
NAMES = (
    ("幸福里{}号楼", "长江路{}号"),
    ("安和花园{}栋", "安和区人民大街2号"),
    ("Tower {} Court", "翠湖路12号"),
    ("翠湖名苑", "西安大路3号{}号楼"),
    ("", "东方家园{}幢"),
)
UNITS = ("{}-{}", "{}单元{}", "{}门{}室")
WAYS = ("{}号楼{}", "{}号楼 {}", "{} 号楼{}", "{}栋{}", "{}幢-{}室", "0{}号楼{}", "{}号楼{}房")


class TownHome(NamedTuple):
    """A home as the oracle knows it."""

    code: str
    estate: int
    house: str
    entrance: str
    door: str


TOWN = [
    TownHome(f"E{estate}H{house}N{entrance}D{door}", estate, house, entrance, door)
    for estate, house, entrance, door in product(range(len(NAMES)), HOUSES, ENTRANCES, DOORS)
    if (estate, house, door) != (0, "2", "602")  # the first estate has no such door
]


def write(folder: Path) -> None:
    """Write the town as a registry; streets have the numbers of other buildings."""
    (folder / "substations.csv").write_text("code,name,station,lat,lon\nS1,S1,North,,\n")
    buildings, homes = ["code,substation,name,address,lat,lon"], ["code,building,unit,class,heat_status"]
    for (estate, (name, address)), house in product(enumerate(NAMES), HOUSES):
        street = address.format(HOUSES[HOUSES.index(house) - 1] if estate == 0 else house)
        code = f"E{estate}H{house}"
        buildings.append(f"{code},S1,{name.format(house) or code},{street},,")
    for one in TOWN:
        unit = UNITS[one.estate % 3].format(one.entrance, one.door)
        homes.append(f"{one.code},E{one.estate}H{one.house},{unit},multistorey,on")
    (folder / "buildings.csv").write_text("\n".join(buildings))
    (folder / "homes.csv").write_text("\n".join(homes))


@pytest.fixture(scope="module")
def conn(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """The town, as the API reads it."""
    folder = tmp_path_factory.mktemp("houses")
    write(folder)
    databases = fresh_database(servers.of("plain"), "plain")
    database = next(databases)
    with database.connect() as owner:
        import_folder(owner, folder, ZONE, NOW)
        owner.commit()
        yield owner
    next(databases, None)


def found(conn: Connection, asked: str) -> list[TownHome]:
    """Return the homes of an answer."""
    with conn.transaction(force_rollback=True):
        access.enter(conn, EVERYWHERE)
        codes = [row["home"] for row in find(conn, HomeSearch(asked, EVERYWHERE, NOW, people=True))]
    by_code = {one.code: one for one in TOWN}
    return [by_code[code] for code in codes]


def is_at(one: TownHome, house: str, door: str | None = None) -> bool:
    return one.house == house and door in (None, one.door)


def test_a_door_of_building_2_comes_before_unit_2_of_building_1(conn: Connection) -> None:
    answer = found(conn, "2号楼602")
    assert [(one.house, one.door) for one in answer] == [("2", "602")] * len(answer)
    assert len(answer) == sum(is_at(one, "2", "602") for one in TOWN)
    assert {one.house for one in found(conn, "2-602")} >= {"1", "2"}  # which says neither


@settings(max_examples=150)
@given(st.sampled_from(HOUSES), st.sampled_from((*DOORS, "9999")), st.sampled_from(WAYS), st.booleans())
def test_every_answer_is_of_the_building_that_was_said(
    conn: Connection, house: str, door: str, way: str, spoken: bool
) -> None:
    asked = way.format(NUMERALS[house] if spoken and not way.startswith("0") and "{} " not in way else house, door)
    answer = found(conn, asked)
    meant = {one for one in TOWN if is_at(one, house, door)}
    assert {*answer[: len(meant)]} <= meant
    assert len({*answer} & meant) == min(len(meant), 20)
    assert all(is_at(one, house) for one in answer)


@settings(max_examples=150)
@given(
    st.sampled_from(["幸福里", "安和花园", "翠湖名苑", "东方家园"]),
    st.sampled_from(HOUSES),
    st.sampled_from(ENTRANCES),
    st.sampled_from(DOORS),
    st.sampled_from(["{}{}号楼{}", "{}{}栋{}", "{} {}号楼 {}室"]),
    st.booleans(),
)
def test_an_estate_and_a_building_are_both_kept(
    conn: Connection, estate: str, house: str, entrance: str, door: str, way: str, with_entrance: bool
) -> None:
    asked = way.format(estate, house, f"{entrance}单元{door}" if with_entrance else door)
    nth = next(n for n, (name, address) in enumerate(NAMES) if estate in name + address)
    answer = found(conn, asked)
    meant = {one for one in TOWN if one.estate == nth and is_at(one, house, door)}
    if with_entrance:
        meant = {one for one in meant if one.entrance == entrance}
    assert all(one.estate == nth and is_at(one, house) for one in answer)
    assert {*answer[: len(meant)]} == meant


@pytest.mark.parametrize("house", HOUSES)
def test_a_building_alone_finds_its_homes(conn: Connection, house: str) -> None:
    for asked in (f"{house}号楼", f"幸福里{house}号楼", f"长江路1号{house}栋"):
        answer = found(conn, asked)
        assert answer, asked
        assert all(is_at(one, house) for one in answer), asked


def test_a_building_that_is_nowhere_hides_nothing(conn: Connection) -> None:
    assert found(conn, "幸福里77号楼602")
