"""Import and export of the registry on running servers."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from domain.errors import UsageError
from domain.registry import RegisteredBuilding, RegisteredHome, RegisteredSensor, RegisteredSubstation, Registry
from hearth.commands import registry as command
from registry.csv_file import render
from registry.exporting import export_folder
from registry.importing import ImportCount, ImportReport, import_folder
from registry.sheets import sheets
from store.registry.registry_lines import whole
from tests.conftest import Database

pytestmark = pytest.mark.plain_only

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 1, 20, tzinfo=UTC)
UNBOUNDED = datetime(2000, 1, 1, tzinfo=UTC)
NOTHING = ImportCount(0, 0, 0, 0)
FILES = {
    "substations.csv": "code,name,station,lat,lon\nU1,One,North,45.7,126.6\n",
    "buildings.csv": "code,substation,name,address,lat,lon\nB1,U1,Building 1,1 Road,,\n",
    "homes.csv": """code,building,unit,class,heat_status,status_since,contract_limit,contract_from,contract_to
H1,B1,1-101,multistorey,on,,,,
H1,B1,1-101,multistorey,stopped,2026-01-10,,,
H2,B1,1-102,bungalow,on,,16.5,06:00,21:00
""",
    "sensors.csv": """id,home,substation,gateway,room,room_kind,interval_s,offset,valid_from,valid_to
S1,H1,,G1,Living room,living,3600,-0.3,,
M1,,U1,,,,60,,,
""",
}
Bring = Callable[..., ImportReport]


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def bring(connection: psycopg.Connection, tmp_path: Path) -> Bring:
    """Imports files given by name; without any, the town of FILES."""

    def bring(**files: str) -> ImportReport:
        for old in tmp_path.glob("*.csv"):
            old.unlink()
        texts = files or {name.removesuffix(".csv"): text for name, text in FILES.items()}
        report = import_folder(connection, write(tmp_path, **texts), ZONE, NOW)
        connection.commit()
        return report

    return bring


def ask(connection: psycopg.Connection, statement: Any) -> list[tuple[Any, ...]]:
    return connection.execute(statement).fetchall()


def version(connection: psycopg.Connection) -> int:
    return int(ask(connection, "SELECT version FROM registry_version")[0][0])


def queued(connection: psycopg.Connection) -> dict[str, datetime]:
    rows = ask(connection, "SELECT code, from_at FROM rejudge JOIN home USING (home_id)")
    connection.execute("DELETE FROM rejudge")
    return dict(rows)


def test_a_first_import(connection: psycopg.Connection, bring: Bring) -> None:
    before = version(connection)
    assert bring() == ImportReport(
        ImportCount(1, 1, 0, 0), ImportCount(1, 1, 0, 0), ImportCount(3, 2, 0, 0), ImportCount(2, 2, 0, 0)
    )
    assert version(connection) == before + 1
    assert whole(connection) == Registry(
        [RegisteredSubstation("U1", "One", "North", 45.7, 126.6)],
        [RegisteredBuilding("B1", "U1", "Building 1", "1 Road", None, None)],
        [
            RegisteredHome("H1", "B1", "1-101", "multistorey", "on", None, None, None, None),
            RegisteredHome(
                "H1", "B1", "1-101", "multistorey", "stopped", datetime(2026, 1, 9, 16, tzinfo=UTC), None, None, None
            ),
            RegisteredHome("H2", "B1", "1-102", "bungalow", "on", None, 16.5, time(6), time(21)),
        ],
        [
            RegisteredSensor("M1", None, "U1", None, None, None, 60, 0.0, None, None),
            RegisteredSensor("S1", "H1", None, "G1", "Living room", "living", 3600, -0.3, None, None),
        ],
    )
    assert ask(
        connection, "SELECT code, state, check_at <= now() FROM home_state JOIN home USING (home_id) ORDER BY 1"
    ) == [
        ("H1", 1, True),
        ("H2", 1, True),
    ]
    assert sensors_now(connection) == {"M1": (None, "U1", None), "S1": ("H1", None, None)}
    assert queued(connection) == {}


def sensors_now(connection: psycopg.Connection) -> dict[str, tuple[Any, ...]]:
    rows = ask(
        connection,
        """
        SELECT s.code, h.code, u.code, n.celsius
        FROM sensor_now AS n
        JOIN sensor AS s USING (sensor_id)
        LEFT JOIN home AS h USING (home_id)
        LEFT JOIN substation AS u ON u.substation_id = n.substation_id
        """,
    )
    return {code: tuple(rest) for code, *rest in rows}


def test_the_same_files_change_nothing(connection: psycopg.Connection, bring: Bring) -> None:
    bring()
    before = ask(connection, "SELECT version FROM registry_version UNION ALL SELECT point_id FROM point")
    assert bring() == ImportReport(
        ImportCount(1, 0, 0, 1), ImportCount(1, 0, 0, 1), ImportCount(3, 0, 0, 2), ImportCount(2, 0, 0, 2)
    )
    assert ask(connection, "SELECT version FROM registry_version UNION ALL SELECT point_id FROM point") == before
    assert queued(connection) == {}


def test_what_is_not_named_stays(connection: psycopg.Connection, bring: Bring) -> None:
    bring()
    report = bring(homes="code,building,class,heat_status\nH3,B1,multistorey,on\n")
    assert report == ImportReport(NOTHING, NOTHING, ImportCount(1, 1, 0, 0), NOTHING)
    assert [home.code for home in whole(connection).homes] == ["H1", "H1", "H2", "H3"]
    assert len(whole(connection).sensors) == 2
    assert queued(connection) == {}


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("substations", "North", "South"),
        ("substations", "45.7", "45.8"),
        ("buildings", "1 Road", "2 Road"),
        ("homes", "1-102", "1-103"),
        ("sensors", "G1", "G2"),
    ],
)
def test_changes_that_no_judgement_depends_on(
    connection: psycopg.Connection, bring: Bring, kind: str, old: str, new: str
) -> None:
    bring()
    before = version(connection)
    report = bring(**{kind: FILES[f"{kind}.csv"].replace(old, new)})
    assert [count.changed for count in report] == [int(name == kind) for name in ImportReport._fields]
    assert version(connection) == before + 1
    assert queued(connection) == {}


@pytest.mark.parametrize(
    ("row", "home", "from_at"),
    [
        ("H1,B1,1-101,nonresidential,on,,,,", "H1", UNBOUNDED),
        ("H2,B1,1-102,bungalow,on,,17,06:00,21:00", "H2", UNBOUNDED),
        ("H2,B1,1-102,bungalow,on,,16.5,06:00,22:00", "H2", UNBOUNDED),
        ("H2,B1,1-102,bungalow,stopped,,16.5,06:00,21:00", "H2", UNBOUNDED),
        ("H2,B1,1-102,bungalow,stopped,2026-01-10,16.5,06:00,21:00", "H2", datetime(2026, 1, 9, 16, tzinfo=UTC)),
        # ahead of now: looked at again from now on
        ("H2,B1,1-102,bungalow,stopped,2026-03-01,16.5,06:00,21:00", "H2", NOW),
    ],
)
def test_a_home_is_judged_anew_from_where_its_terms_changed(
    connection: psycopg.Connection, bring: Bring, row: str, home: str, from_at: datetime
) -> None:
    bring()
    header = FILES["homes.csv"].splitlines()[0]
    assert bring(homes=f"{header}\n{row}\n").homes == ImportCount(1, 0, 1, 0)
    assert queued(connection) == {home: from_at}


MOVE = "2026-01-15T00:00:00Z"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["S1,H1,,G1,Living room,living,3600,0.5,,"], {"H1": UNBOUNDED}),
        (["S1,H1,,G1,Bedroom,bedroom,3600,-0.3,,"], {"H1": UNBOUNDED}),
        (["S1,H1,,G1,Living room,living,900,-0.3,,"], {"H1": UNBOUNDED}),
        (["S1,H1,,G1,Living room,living,3600,-0.3,2026-01-15T00:00:00Z,"], {"H1": UNBOUNDED}),
        (["S1,H1,,G1,Living room,living,3600,-0.3,,2026-01-15T00:00:00Z"], {"H1": datetime(2026, 1, 15, tzinfo=UTC)}),
        # the same time in two pieces is the same
        ([f"S1,H1,,G1,Living room,living,3600,-0.3,,{MOVE}", f"S1,H1,,G2,Living room,living,3600,-0.3,{MOVE},"], {}),
        (
            [f"S1,H1,,G1,Living room,living,3600,-0.3,,{MOVE}", f"S1,H2,,G1,Living room,living,3600,-0.3,{MOVE},"],
            {"H1": datetime(2026, 1, 15, tzinfo=UTC), "H2": datetime(2026, 1, 15, tzinfo=UTC)},
        ),
        (["S2,H1,,,Bedroom,bedroom,3600,,,"], {}),  # a new sensor has said nothing yet
    ],
)
def test_homes_are_judged_anew_from_where_a_sensor_stood_differently(
    connection: psycopg.Connection, bring: Bring, rows: list[str], expected: dict[str, datetime]
) -> None:
    bring()
    header = FILES["sensors.csv"].splitlines()[0]
    bring(sensors="\n".join([header, *rows]))
    assert queued(connection) == expected


def test_an_earlier_instant_already_queued_stays(connection: psycopg.Connection, bring: Bring) -> None:
    bring()
    earlier = datetime(1999, 1, 1, tzinfo=UTC)
    connection.execute(
        "INSERT INTO rejudge (home_id, from_at, queued_at) SELECT home_id, %(at)s, %(at)s FROM home WHERE code = 'H1'",
        {"at": earlier},
    )
    bring(homes=FILES["homes.csv"].replace("multistorey", "nonresidential"))
    assert queued(connection) == {"H1": earlier}


def test_a_move_takes_the_held_value_along_only_within_the_home(connection: psycopg.Connection, bring: Bring) -> None:
    bring()
    connection.execute("UPDATE sensor_now SET celsius = 17, judged_at = %(now)s, expires_at = %(now)s", {"now": NOW})
    header = FILES["sensors.csv"].splitlines()[0]
    bring(sensors=f"{header}\nS1,H1,,,Living room,living,3600,0.2,,\n")
    assert sensors_now(connection)["S1"] == ("H1", None, 17.0)
    moved = (
        f"{header}\nS1,H1,,,Living room,living,3600,0.2,,2026-01-15\nS1,H2,,,Living room,living,3600,0.2,2026-01-15,\n"
    )
    bring(sensors=moved)
    assert sensors_now(connection)["S1"] == ("H2", None, None)
    bring(sensors=moved.replace("2026-01-15,\n", "2026-01-15,2026-01-19\n"))
    assert sensors_now(connection)["S1"] == (None, None, None)


def test_all_problems_are_told_and_nothing_is_written(connection: psycopg.Connection, bring: Bring) -> None:
    with pytest.raises(UsageError) as caught:
        bring(
            substations="code,name,station\nU1,One,North\n",
            buildings="code,substation,name\nB1,U1,x\nB2,U9,x\nB3,,x\n",
            homes="code,building,class,heat_status\nH1,B3,villa,on\nH2,B8,bungalow,on\n",
            sensors="id,home,substation,room,room_kind,interval_s\nS1,H1,,r,living,60\nS2,H7,,r,living,60\nS3,,U7,,,60\n",
        )
    connection.rollback()
    assert str(caught.value).splitlines() == [
        "nothing was imported, 6 problems:",
        "buildings.csv:4: substation: is empty",
        "homes.csv:2: class: 'villa' is not one of multistorey, bungalow, nonresidential",
        "buildings.csv:3: substation: 'U9' is neither in substations.csv nor in the registry",
        "homes.csv:3: building: 'B8' is neither in buildings.csv nor in the registry",
        "sensors.csv:3: home: 'H7' is neither in homes.csv nor in the registry",
        "sensors.csv:4: substation: 'U7' is neither in substations.csv nor in the registry",
    ]
    assert whole(connection) == Registry([], [], [], [])


def test_fifty_problems_are_shown(bring: Bring) -> None:
    rows = "".join(f"U{number},,North\n" for number in range(60))
    with pytest.raises(UsageError) as caught:
        bring(substations=f"code,name,station\n{rows}")
    lines = str(caught.value).splitlines()
    assert lines[50] == "substations.csv:51: name: is empty"
    assert lines[51:] == ["… and 10 more"]


def test_what_a_file_that_cannot_be_read_would_name_is_not_asked_for(bring: Bring) -> None:
    with pytest.raises(UsageError) as caught:
        bring(homes="code\nH1\n", sensors="id,home,room,room_kind,interval_s\nS1,H1,r,living,60\n")
    assert all("homes.csv:1: " in line for line in str(caught.value).splitlines()[1:])


def test_a_folder_without_files(connection: psycopg.Connection, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds none of substations\.csv, "):
        import_folder(connection, tmp_path / "nowhere", ZONE, NOW)


# From ever, some instants, for good.
DAYS = [None, *(NOW + timedelta(days=number, microseconds=number) for number in range(-3, 3)), None]
OFFSETS = st.integers(-20_000, 20_000).map(lambda value: value / 1_000)
COORDINATES = st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@st.composite
def registries(draw: st.DrawFn) -> Registry:
    """Return a registry of up to two of each kind, in the order of an export."""
    lat, lon = draw(COORDINATES) or (None, None)
    homes = [home for code in ("H1", "H2") for home in draw(histories(code))]
    sensors = [sensor for code in ("S1", "S2") for sensor in draw(places(code))]
    return Registry(
        [RegisteredSubstation("U1", draw(st.sampled_from(["One", "一号站", 'a "b", c'])), "North", lat, lon)],
        [RegisteredBuilding("B1", "U1", "x", draw(st.sampled_from(["", "道路"])), lon and lon / 2, lon)],
        homes,
        sensors,
    )


@st.composite
def histories(draw: st.DrawFn, code: str) -> list[RegisteredHome]:
    limit = draw(st.none() | OFFSETS.map(abs))
    start, end = draw(st.sampled_from([(None, None), (time(21), time(6)), (time(0), time(23, 59))]))
    terms = (limit, start, end) if limit is not None else (None, None, None)
    home_class = draw(st.sampled_from(["multistorey", "bungalow"]))
    since = sorted(draw(st.sets(st.integers(0, 6), min_size=1, max_size=3)))
    return [
        RegisteredHome(code, "B1", "1", home_class, draw(st.sampled_from(["on", "stopped"])), DAYS[at], *terms)
        for at in since
    ]


@st.composite
def places(draw: st.DrawFn, code: str) -> list[RegisteredSensor]:
    edges = sorted(draw(st.sets(st.integers(0, 7), min_size=2, max_size=4)))
    spans = [(DAYS[a], DAYS[b]) for a, b in pairwise(edges)]
    return [
        RegisteredSensor(code, *draw(st.sampled_from(PLACES)), draw(st.integers(1, 86_400)), draw(OFFSETS), *span)
        for span in spans
    ]


PLACES = [("H1", None, "G1", "r", "living"), ("H2", None, None, "s", "other"), (None, "U1", None, None, None)]


def write_registry(folder: Path, registry: Registry) -> Path:
    files = sheets(ZONE)
    return write(
        folder,
        substations=render(files.substations, registry.substations),
        buildings=render(files.buildings, registry.buildings),
        homes=render(files.homes, registry.homes),
        sensors=render(files.sensors, registry.sensors),
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(registries(), registries())
def test_what_is_exported_is_what_was_imported(
    plain_database: Database, tmp_path: Path, first: Registry, second: Registry
) -> None:
    with plain_database.connect() as connection:
        import_folder(connection, write_registry(tmp_path, first), ZONE, NOW)
        assert whole(connection) == first
        import_folder(connection, write_registry(tmp_path, second), ZONE, NOW)
        assert whole(connection).sensors == second.sensors
        export_folder(connection, tmp_path)
        written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        report = import_folder(connection, tmp_path, ZONE, NOW)
        assert [(count.added, count.changed) for count in report] == [(0, 0)] * 4
        export_folder(connection, tmp_path)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == written
        connection.rollback()


def test_two_imports_at_once_follow_one_another(plain_database: Database, tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    def run(_: int) -> ImportReport:
        with plain_database.connect() as connection:
            return import_folder(connection, tmp_path, ZONE, NOW)

    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(run, range(4)))
    assert sorted(report.homes.added for report in reports) == [0, 0, 0, 2]
    with plain_database.connect() as connection:
        assert version(connection) == 2


def test_the_commands(plain_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_DATABASE_URL", plain_database.url)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    runner = CliRunner()
    first = runner.invoke(command.app, ["import", str(tmp_path)], catch_exceptions=False)
    assert first.output.splitlines()[-1] == "6 added, 0 changed, 0 unchanged"
    again = runner.invoke(command.app, ["import", str(tmp_path), "--json"], catch_exceptions=False)
    assert json.loads(again.stdout)["homes"] == {"rows": 3, "added": 0, "changed": 0, "unchanged": 2}
    out = tmp_path / "new" / "folder"
    exported = runner.invoke(command.app, ["export", str(out), "--json"], catch_exceptions=False)
    assert json.loads(exported.stdout)["sensors"] == {"rows": 2}
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    (tmp_path / "homes.csv").write_text("code\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"homes\.csv:1: building: this column is missing"):
        runner.invoke(command.app, ["import", str(tmp_path)], catch_exceptions=False)


KEPT = {
    "substations": "code,name,station\nU1,One,North\n",
    "buildings": "code,substation,name\nB1,U1,Building 1\n",
    "homes": "code,building,class,heat_status\nH1,B1,multistorey,stopped\nH2,B1,bungalow,on\n",
    "sensors": "id,interval_s\nS1,3600\nM1,60\n",
}


@pytest.mark.parametrize("kind", list(KEPT))
def test_a_column_that_is_absent_leaves_its_values_alone(
    connection: psycopg.Connection, bring: Bring, kind: str
) -> None:
    bring()
    before = whole(connection)
    report = bring(**{kind: KEPT[kind]})
    assert [count.changed for count in report] == [0, 0, 0, 0]
    assert whole(connection) == before


def test_heat_is_stopped_without_a_word_of_the_contract(connection: psycopg.Connection, bring: Bring) -> None:
    bring()
    bring(
        homes="code,building,unit,class,heat_status,status_since\n"
        "H2,B1,1-102,bungalow,on,\nH2,B1,1-102,bungalow,stopped,2026-01-10\n"
    )
    stopped = [home for home in whole(connection).homes if home.code == "H2"]
    assert [(home.heat_status, home.contract_limit, home.contract_from) for home in stopped] == [
        ("on", 16.5, time(6)),
        ("stopped", 16.5, time(6)),
    ]
    bring(homes=f"{FILES['homes.csv'].splitlines()[0]}\nH2,B1,1-102,bungalow,on,,,,\n")  # empty cells empty
    assert [home.contract_limit for home in whole(connection).homes if home.code == "H2"] == [None, None]


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (
            "homes",
            "code,building,class,heat_status\nH1,B1,multistorey,on\n",
            "homes.csv:2: status_since: H1 is stopped since 2026-01-09 16:00Z: "
            "add the column with the date since which it is on",
        ),
        (
            "sensors",
            "id,home,room,room_kind,interval_s\nS1,H2,r,living,60\n",
            "sensors.csv:2: valid_from: S1 is in H1: to move it, add the column with the date of the move",
        ),
        (
            "homes",
            "code,building,class,heat_status,status_since,contract_limit\nH2,B1,bungalow,on,,\n",
            "homes.csv:2: contract_limit: is empty, but the contract has a window",
        ),
        (
            "homes",
            "code,building,class,heat_status,contract_from\nH2,B1,bungalow,on,06:00\n",
            "homes.csv:1: contract_to: this column is missing",
        ),
    ],
)
def test_what_a_line_cannot_mean_without_a_column(bring: Bring, kind: str, text: str, problem: str) -> None:
    bring()
    with pytest.raises(UsageError) as caught:
        bring(**{kind: text})
    assert problem in str(caught.value)


def test_dates_of_a_sensor_stay_where_its_file_has_none(connection: psycopg.Connection, bring: Bring) -> None:
    header = FILES["sensors.csv"].splitlines()[0]
    bring()
    bring(sensors=f"{header}\nS1,H1,,G1,r,living,60,0.1,,2026-01-15\nS1,H2,,G1,r,living,60,0.1,2026-01-15,\n")
    before = whole(connection).sensors
    assert bring(sensors="id,home,interval_s,offset\nS1,H2,60,0.2\n").sensors == ImportCount(1, 0, 1, 0)
    after = [sensor._replace(offset_k=round(sensor.offset_k, 3)) for sensor in whole(connection).sensors]
    assert after == [
        sensor._replace(offset_k=0.2 if sensor.home == "H2" else round(sensor.offset_k, 3)) for sensor in before
    ]


def test_a_dry_run_tells_what_would_change_and_writes_nothing(
    plain_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTH_DATABASE_URL", plain_database.url)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    runner = CliRunner()
    runner.invoke(command.app, ["import", str(tmp_path)], catch_exceptions=False)
    with plain_database.connect() as connection:
        before = whole(connection)
    write(
        tmp_path,
        homes=f"{FILES['homes.csv'].splitlines()[0]}\nH2,B1,1-102,bungalow,on,,,,\nH3,B1,1-103,multistorey,on,,,,\n",
        sensors=FILES["sensors.csv"].replace("S1,H1,", "S1,H2,"),
        contacts="home,channel,address\nH3,email,a@example.org\n",
    )
    told = runner.invoke(command.app, ["import", str(tmp_path), "--dry-run"], catch_exceptions=False).stdout
    assert "H2: contract 16.5 °C 06:00-21:00 → none\nH2: judged yes → no\nS1: place H1 → H2\n" in told
    assert "1 contracts lost, 1 homes no longer judged, 1 sensors moved, 0 sensors ended" in told
    assert max(map(len, told.splitlines())) <= 80
    answer = runner.invoke(command.app, ["import", str(tmp_path), "--dry-run", "--json"], catch_exceptions=False)
    assert json.loads(answer.stdout)["losses"] == {
        "contracts_lost": 1,
        "not_judged": 1,
        "sensors_moved": 1,
        "sensors_ended": 0,
    }
    with plain_database.connect() as connection:
        assert whole(connection) == before


def test_a_sensor_takes_its_offset_along_when_it_moves(connection: psycopg.Connection, bring: Bring) -> None:
    bring()
    bring(
        sensors="id,home,room,room_kind,interval_s,valid_from,valid_to\n"
        "S1,H1,r,living,3600,,2026-01-15\nS1,H2,r,bedroom,3600,2026-01-15,\n"
    )
    assert [(s.home, s.gateway, round(s.offset_k, 3)) for s in whole(connection).sensors if s.code == "S1"] == [
        ("H1", "G1", -0.3),
        ("H2", "G1", -0.3),
    ]


def test_a_workbook_of_a_chinese_company(
    plain_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTH_DATABASE_URL", plain_database.url)
    book = xlsxwriter.Workbook(tmp_path / "registry.xlsx")
    padded = book.add_format({"num_format": "00000000"})
    lists: dict[str, list[list[Any]]] = {
        "换热站": [["编号", "名称", "供热站"], ["U1", "中心站", "一所"]],
        "楼栋": [["楼号", "换热站", "楼名"], ["B1", "U1", "阳光小区1号楼"]],
        "住户": [["户号", "楼栋", "房号", "类别", "是否供热"], ["Ｈ１", "B1", "1-101", "楼房", "是"], ["合计", 1]],
        "传感器": [["设备编号", "户号", "房间", "房间类型", "上报间隔(秒)"], [123456, "H1", "客厅", "客厅", 300]],
    }
    for name, rows in lists.items():
        sheet = book.add_worksheet(name)
        for line, row in enumerate(rows):
            sheet.write_row(line, 0, row)
            if row[0] == 123456:
                sheet.write_number(line, 0, 123456, padded)
    book.close()
    done = CliRunner().invoke(command.app, ["import", str(tmp_path / "registry.xlsx")], catch_exceptions=False)
    assert "registry.xlsx[住户]: worksheet 住户; 户号 = code, 楼栋 = building" in done.stdout
    assert "1 line of totals left out (3); read as codes of ASCII: Ｈ１ as H1" in done.stdout
    with psycopg.connect(plain_database.url) as conn:
        assert [(s.code, s.home, s.room_kind) for s in whole(conn).sensors] == [("00123456", "H1", "living")]
    wrong = tmp_path / "住户.csv"
    wrong.write_bytes("户号,楼栋,类别,供热\nH1,B9,楼房,是\n".encode("gb18030"))
    (tmp_path / "registry.xlsx").unlink()
    refused = CliRunner().invoke(command.app, ["import", str(tmp_path)])
    assert "住户.csv: GB18030, separated by commas" in refused.stdout
    assert "住户.csv:2: 楼栋 (building): 'B9' is neither in buildings.csv nor in the registry" in str(refused.exception)


def test_codes_that_are_known_otherwise_are_not_made_twice(connection: psycopg.Connection, bring: Bring) -> None:
    bring()
    connection.execute("UPDATE sensor SET code = 'Ｓ１' WHERE code = 'S1'")
    connection.commit()
    assert bring(sensors="id,interval_s\nＳ１,3600\n").sensors == ImportCount(1, 0, 0, 1)
