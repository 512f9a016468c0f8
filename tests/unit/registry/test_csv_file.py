"""One file: cells, headers, line numbers, and that what is written is read back."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.registry import (
    CLASSES,
    EXPOSURES,
    HEAT_STATUSES,
    ROOM_KINDS,
    SESSIONS,
    RegisteredBuilding,
    RegisteredHome,
    RegisteredSensor,
    RegisteredSubstation,
)
from registry.cells import EDGES, Cleaner, Kind
from registry.csv_file import parse, render
from registry.sheets import Row, Sheet, sheets

FILES = sheets(ZoneInfo("Asia/Shanghai"))
BERLIN = sheets(ZoneInfo("Europe/Berlin"))

CODES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=100).filter(
    lambda code: cleaned(Kind.CODE, f"'{code}") == code
)
DEVICES = CODES.map(lambda code: code.translate(str.maketrans("/+#", "---"))).filter(
    lambda code: not code.startswith(SESSIONS)
)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=30).map(
    lambda words: words.strip(EDGES)
)
NAMES = WORDS.filter(bool)
BEYOND = "is not between 1970 and 2199, with an offset of at most 14:59"
INSTANTS = st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
MINUTES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
SUBSTATIONS = st.builds(
    RegisteredSubstation, CODES, NAMES, NAMES, st.none() | st.floats(-90, 90), st.none() | st.floats(-180, 180)
)
BUILDINGS = st.builds(
    RegisteredBuilding, CODES, CODES, NAMES, WORDS, st.none() | st.floats(-90, 90), st.none() | st.floats(-180, 180)
)
KELVIN = st.integers(-20_000, 20_000).map(lambda thousandths: thousandths / 1000)
HOMES = st.builds(
    RegisteredHome,
    CODES,
    CODES,
    WORDS,
    st.sampled_from(CLASSES),
    st.sampled_from(HEAT_STATUSES),
    st.none() | INSTANTS,
    st.none() | KELVIN.map(abs),
    st.none() | MINUTES,
    st.none() | MINUTES,
    st.none() | NAMES,
    st.none() | st.integers(-5, -1) | st.integers(1, 200),
    st.none() | st.sampled_from(EXPOSURES),
)
SENSORS = st.builds(
    RegisteredSensor,
    DEVICES,
    st.none() | CODES,
    st.none() | CODES,
    st.none() | DEVICES,
    st.none() | NAMES,
    st.none() | st.sampled_from(ROOM_KINDS),
    st.integers(1, 86_400),
    KELVIN,
    st.none() | INSTANTS,
    st.none() | INSTANTS,
)


PLACE_WORDS = (("lat", "纬度"), ("lon", "经度"))


def cleaned(kind: Kind, cell: str) -> str:
    try:
        return Cleaner().clean(kind, cell)
    except ValueError:
        return ""


def read(sheet: Sheet[Row], text: str) -> list[Row]:
    content = parse(sheet, text.encode("utf-8-sig"))
    assert content.problems == []
    return content.rows


def faults(sheet: Sheet[Row], text: str) -> list[str]:
    return [str(problem) for problem in parse(sheet, text.encode()).problems]


@given(st.lists(SUBSTATIONS, max_size=3))
def test_substations_come_back(rows: list[RegisteredSubstation]) -> None:
    assert read(FILES.substations, render(FILES.substations, rows)) == rows


@given(st.lists(BUILDINGS, max_size=3))
def test_buildings_come_back(rows: list[RegisteredBuilding]) -> None:
    assert read(FILES.buildings, render(FILES.buildings, rows)) == rows


@given(st.lists(HOMES, max_size=3))
def test_homes_come_back(rows: list[RegisteredHome]) -> None:
    assert read(FILES.homes, render(FILES.homes, rows)) == rows


@given(st.lists(SENSORS, max_size=3))
def test_sensors_come_back(rows: list[RegisteredSensor]) -> None:
    assert read(FILES.sensors, render(FILES.sensors, rows)) == rows


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    content = parse(FILES.sensors, data)
    assert content.problems or content.readable


@pytest.mark.parametrize(
    ("cell", "instant"),
    [
        ("2026-01-31", datetime(2026, 1, 30, 23, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC)),  # summer time
        ("2026-01-31T08:00:00+08:00", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31t00:00:00.5z", datetime(2026, 1, 31, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("", None),
    ],
)
def test_instants(cell: str, instant: datetime | None) -> None:
    text = f"code,building,class,heat_status,status_since\nH1,B1,bungalow,on,{cell}\n"
    assert read(BERLIN.homes, text)[0].status_since == instant


@pytest.mark.parametrize(
    ("column", "cell", "fault"),
    [
        ("id", "", "is empty"),
        ("id", "a b", "'a b' holds a space or an unprintable character"),
        ("id", "a/b", "'a/b' holds '/', '+' or '#', which a level of an MQTT topic cannot"),
        ("id", "x" * 101, "is longer than 100 characters"),
        ("gateway", "+", "'+' holds '/', '+' or '#', which a level of an MQTT topic cannot"),
        ("room", "a\x01", "holds a line break or another control character; write it on one line"),
        ("room_kind", "bath", "'bath' is not one of living, bedroom, other"),
        ("interval_s", "", "is empty"),
        ("interval_s", "0", "0 is not between 1 and 86400"),
        ("interval_s", "86401", "86401 is not between 1 and 86400"),
        ("interval_s", "1.5", "'1.5' is not a whole number; write it with digits alone"),
        ("offset", "20.1", "20.1 is not between -20 and 20"),
        ("offset", "0.0005", "0.0005 is finer than a thousandth of a degree"),
        ("offset", "nan", "'nan' is not a number"),
        ("offset", "1_0", "'1_0' is not a number"),
        ("valid_from", "2026-02-30", "'2026-02-30' is not a valid day or time"),
        ("valid_from", "0001-01-01", f"'0001-01-01' {BEYOND}"),
        (
            "valid_from",
            "9999-12-31T23:59:59Z",
            f"'9999-12-31T23:59:59Z' {BEYOND}",
        ),
        (
            "valid_from",
            "2026-01-01T00:00:00+16:00",
            f"'2026-01-01T00:00:00+16:00' {BEYOND}",
        ),
        (
            "valid_to",
            "2026-01-01T00:00:00",
            "'2026-01-01T00:00:00' is neither a day (2026-01-31) nor a time with offset (2026-01-31T08:00:00+08:00)",
        ),
    ],
)
def test_faults_of_cells_name_line_and_column(column: str, cell: str, fault: str) -> None:
    good = {"id": "S1", "home": "H1", "room": "r", "room_kind": "living", "interval_s": "60"}
    row = {**good, column: cell}
    text = "\n".join([",".join({**good, column: ""}), ",".join(row.values())])
    assert faults(FILES.sensors, text) == [f"sensors.csv:2: {column}: {fault}"]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", ["homes.csv:1: no header; the columns are " + ",".join(FILES.homes.names)]),
        (
            "code,building,class,colour",
            [
                "homes.csv:1: colour: unknown column; the columns are " + ",".join(FILES.homes.names),
                "homes.csv:1: heat_status: this column is missing (or 供热)",
            ],
        ),
        ("code,code,building,class,heat_status", ["homes.csv:1: code: is in the header twice"]),
    ],
)
def test_faults_of_headers(header: str, found: list[str]) -> None:
    assert faults(FILES.homes, header + "\n") == found


def test_the_order_of_columns_is_free_and_a_byte_order_mark_is_no_part_of_them() -> None:
    text = "\ufeffstation , name,code\r\n North ,一号站,S1\r\n"
    assert read(FILES.substations, text) == [RegisteredSubstation("S1", "一号站", "North", None, None)]


def test_a_line_is_numbered_where_it_begins_and_blank_lines_count() -> None:
    text = 'code,name,station\nS1,"two\nlines",North\n\n,,\nS2,,North\n'
    assert faults(FILES.substations, text) == [
        "substations.csv:2: name: holds a line break or another control character; write it on one line",
        "substations.csv:6: name: is empty",
    ]


def test_a_line_with_more_or_fewer_fields_than_the_header() -> None:
    text = "code,name,station\nS1,One\nS2,Two,North,x\nS3,Three,North,\n"
    assert faults(FILES.substations, text) == [
        "substations.csv:2: has 2 fields, the header has 3",
        "substations.csv:3: has 4 fields, the header has 3",
    ]


def test_text_that_is_not_csv() -> None:
    assert faults(FILES.substations, 'code,name,station\nS1,"One,North\n') == [
        "substations.csv:2: is not CSV: unexpected end of data"
    ]


@pytest.mark.parametrize("name", ["=1+1", "+86", "-x", "@a", "'=1", "''-", "'plain", "it's"])
def test_a_name_that_would_be_a_formula_is_none_in_the_file_and_comes_back(name: str) -> None:
    made = render(FILES.substations, [RegisteredSubstation("-S", name, "East", -3.5, -4.0)])
    row = made.splitlines()[1].split(",")
    assert not any(
        cell.startswith(("=", "+", "@")) or (cell.startswith("-") and not cell[1:2].isdigit()) for cell in row
    )
    assert row[3:] == ["-3.5", "-4.0"]  # numbers stay numbers
    assert parse(FILES.substations, made.encode()).rows == [RegisteredSubstation("-S", name, "East", -3.5, -4.0)]


def test_places_of_chinese_maps_are_kept_in_wgs84() -> None:
    content = parse(
        FILES.buildings,
        "编号,换热站,名称,纬度,经度,坐标系\n"
        "B1,S1,a,39.91640428,116.4102445,高德\nB2,S1,b,39.92269955,116.41662724,BD-09\nB3,S1,c,39.915,116.404,\n"
        "B4,S1,d,,,gcj02\n".encode(),
    )
    assert content.problems == []
    assert [(row.lat, row.lon) for row in content.rows[2:]] == [(39.915, 116.404), (None, None)]
    for row in content.rows[:2]:
        assert (row.lat, row.lon) == pytest.approx((39.915, 116.404), abs=2e-6)
        assert row.lat == round(row.lat or 0, 7)


def test_a_datum_needs_places_and_one_of_its_names() -> None:
    without = faults(FILES.substations, "code,name,station,datum\nS1,a,North,gcj02\n")
    assert without == [f"substations.csv:1: {name}: this column is missing (or {word})" for name, word in PLACE_WORDS]
    unknown = faults(FILES.substations, "code,name,station,lat,lon,datum\nS1,a,North,40,116,cgcs2000\n")
    assert unknown == ["substations.csv:2: datum: 'cgcs2000' is not one of wgs84, gcj02, bd09"]
