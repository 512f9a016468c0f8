"""Sheets that a spreadsheet wrote, whatever way, give the values that were entered, or are refused: never others."""

import io
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.registry import RegisteredHome, RegisteredSensor, RegisteredSubstation
from domain.words.text import Text
from registry import synonyms
from registry.cells import Cleaner, Kind
from registry.csv_file import Content, parse, render
from registry.number_formats import nature
from registry.sheets import Row, Sheet, sheets
from registry.tables import FileReading

ZONE = ZoneInfo("Asia/Shanghai")
FILES = sheets(ZONE)
BERLIN = sheets(ZoneInfo("Europe/Berlin"))
DAYS = st.dates(date(1971, 1, 1), date(2199, 12, 30))
CODES = st.from_regex(r"[A-Z0-9]{1,3}-?[0-9]{0,12}", fullmatch=True).filter(lambda code: "E" not in code)
CHINESE = st.text(st.sampled_from("阳光小区建设路中心一二三号楼东西南北12345"), min_size=1, max_size=8).map(
    lambda t: f"小区{t}"
)
SEPARATORS = st.sampled_from(",;\t|，；")
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])


def workbook(rows: list[list[Any]], name: str = "Sheet1", formats: dict[tuple[int, int], str] | None = None) -> bytes:
    """Return a workbook with a worksheet; dates and times are formatted as China's spreadsheets do."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made)
    sheet = book.add_worksheet(name)
    for line, row in enumerate(rows):
        for column, value in enumerate(row):
            code = (formats or {}).get((line, column)) or {
                date: "yyyy/m/d",
                datetime: "yyyy/m/d h:mm",
                time: "h:mm",
            }.get(type(value))
            if value is not None:
                sheet.write(line, column, value, book.add_format({"num_format": code}) if code else None)
    book.close()
    return made.getvalue()


def found(content: Content[Row]) -> list[Row] | str:
    return "\n".join(map(str, content.problems)) or content.rows


def sensor(cell: Any, column: str = "id", code: str | None = None) -> list[RegisteredSensor] | str:
    """Return what a workbook with one sensor gives, a cell of which is as said."""
    row = {"id": "S1", "home": "H1", "room": "客厅", "room_kind": "living", "interval_s": 300, column: cell}
    at = list(row).index(column)
    return found(
        parse(FILES.sensors, workbook([list(row), [*row.values()]], formats={(1, at): code} if code else None))
    )


def local(day: date, clock: time = time()) -> datetime:
    return datetime.combine(day, clock, ZONE).astimezone(UTC)


@given(
    st.lists(
        st.tuples(CODES, CHINESE, DAYS, st.floats(0, 40).map(lambda x: round(x, 1))),
        max_size=4,
        unique_by=lambda r: r[0],
    )
)
@settings(max_examples=40)
def test_a_workbook(rows: list[tuple[str, str, date, float]]) -> None:
    lines = [[c, "B1", unit, "楼房", "是", day, limit, time(6), time(21, 30)] for c, unit, day, limit in rows]
    header = ["户号", "楼栋", "房号", "用户类别", "是否供热", "状态日期", "合同温度(℃)", "合同开始", "合同结束"]
    expected = [
        RegisteredHome(c, "B1", unit, "multistorey", "on", local(day), limit, time(6), time(21, 30))
        for c, unit, day, limit in rows
    ]
    assert found(parse(FILES.homes, workbook([header, *lines]))) == expected


@given(
    st.lists(st.tuples(CODES, CHINESE, CHINESE), min_size=1, max_size=4),
    SEPARATORS,
    ENCODINGS,
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_a_text_of_any_spreadsheet(rows: list[tuple[str, str, str]], separator: str, encoding: str, end: str) -> None:
    expected = [RegisteredSubstation(*row, None, None) for row in rows]
    lines = render(FILES.substations, expected).splitlines()
    text = end.join(line.replace(",", separator) + separator * 2 for line in [*lines, ""]) + end
    got = found(parse(FILES.substations, text.encode(encoding)))
    assert got == expected or (encoding == "utf-16-le" and "--encoding" in got)


@given(
    DAYS,
    st.sampled_from(
        [
            "{0}-{1:02}-{2:02}",
            "{0}/{1}/{2}",
            "{0}.{1}.{2}",
            "{0}年{1}月{2}日",
            "{0}{1:02}{2:02}",
            "{0}-{1}-{2} 8:05",
            "{0}/{1}/{2} 08:05:00",
        ]
    ),
)
def test_a_day_with_its_year_first(day: date, form: str) -> None:
    cell = form.format(day.year, day.month, day.day)
    assert status_since(cell) == local(day, time(8, 5) if "8:05" in cell else time())


@given(DAYS, st.sampled_from("./-"), st.booleans())
def test_a_day_with_its_year_last_is_read_only_if_it_is_no_other(day: date, mark: str, month_first: bool) -> None:
    one, other = (day.month, day.day) if month_first else (day.day, day.month)
    got = status_since(f"{one}{mark}{other}{mark}{day.year}")
    if day.day <= 12 and day.day != day.month:
        assert "may be day and month or month and day" in str(got)
    else:
        assert got == local(day)


def status_since(cell: str, files: Any = FILES) -> datetime | str | None:
    text = f"code,building,class,heat_status,status_since\nH1,B1,bungalow,on,{cell}\n"
    got = found(parse(files.homes, text.encode()))
    return got if isinstance(got, str) else got[0].status_since


@pytest.mark.parametrize(
    "cell",
    [
        "15/11/25",
        "1/2/25",
        "45976",
        "2025-11",
        "2025/11-15",
        "2025/13/01",
        "2025-11-15T08:00:00",
        "明天",
        "2025/2/30",
        "32/1/2025",
        "2025/1/5 25:00",
    ],
)
def test_what_is_no_day_beyond_doubt_is_refused(cell: str) -> None:
    assert "homes.csv:2: status_since: " in str(status_since(cell))


def test_an_hour_that_clocks_have_twice_or_not_at_all_is_refused() -> None:
    assert "clocks are changed" in str(status_since("2025/10/26 2:30", BERLIN))
    assert "clocks are changed" in str(status_since("2025/3/30 2:30", BERLIN))
    assert status_since("2025/10/26 3:30", BERLIN) == datetime(2025, 10, 26, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "code", "expected"),
    [
        (123456, "00000000", "00123456"),
        (123456, None, "123456"),
        (123456, "#,##0", "123456"),
        (123456, "0.00", "123456"),
        (860123456789012, None, "860123456789012"),
        (8.60123e14, "0.00E+00", "860123000000000"),
        ("00123456", None, "00123456"),
        ("'00123456", None, "00123456"),
        ("Ｓ０１", None, "S01"),
        ("\u200bS1\u3000", None, "S1"),
    ],
)
def test_a_code_is_as_the_workbook_shows_it(cell: Any, code: str | None, expected: str) -> None:
    got = sensor(cell, "id", code)
    assert not isinstance(got, str)
    assert got[0].code == expected


@pytest.mark.parametrize(
    ("cell", "code", "fault"),
    [
        (860123456789012345, None, "in scientific notation"),
        (1234, '"R-"0000', "shows in another form"),
        (0.25, "0%", "shows in another form"),
        (date(2025, 1, 1), None, "is a date that a spreadsheet made"),
        (date(2025, 1, 1), 'm"月"d"日"', "is a date that a spreadsheet made"),
        ("8.60123E+14", None, "in scientific notation"),
        ("860123456789012000", None, "only zeros after its 15th digit"),
        ("#N/A", None, "the error of a formula"),
        ("????1", None, "characters were lost"),
        ("S\u200b1", None, "U+200B"),
    ],
)
def test_a_code_that_a_spreadsheet_spoilt_is_refused_by_name(cell: Any, code: str | None, fault: str) -> None:
    got = sensor(cell, "id", code)
    assert isinstance(got, str)
    assert got.startswith("sensors.csv:2: id: ")
    assert fault in got


def with_cell(xml: str) -> bytes:
    """Return the workbook of one sensor with another cell instead of its id."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(
            io.BytesIO(workbook([["id", "home", "room", "room_kind", "interval_s"], ["S1", "H1", "r", "living", 60]]))
        ) as old,
        zipfile.ZipFile(made, "w") as new,
    ):
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                data = data.replace(b'<c r="A2" t="s"><v>5</v></c>', xml.encode())
                assert xml.encode() in data
            new.writestr(name, data)
    return made.getvalue()


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ('<c r="A2"><f>"S"&amp;1</f><v></v></c>', "is a formula"),  # as libraries write what nobody computed
        ('<c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "holds #DIV/0!"),
        ('<c r="A2" t="str"><f>"S"&amp;9</f><v>S9</v></c>', "S9"),
        ('<c r="A2" t="inlineStr"><is><r><t>S</t></r><r><t>7</t></r></is></c>', "S7"),
        ('<c t="inlineStr"><is><t>S7</t><rPh sb="0" eb="1"><t>es</t></rPh></is></c>', "S7"),
        ('<c r="A2" t="b"><v>1</v></c>', "TRUE"),
    ],
)
def test_cells_of_all_kinds(xml: str, expected: str) -> None:
    got = found(parse(FILES.sensors, with_cell(xml)))
    assert expected in got if isinstance(got, str) else got[0].code == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("h:mm", "time"),
        ("[h]:mm:ss", "time"),
        ("mm:ss", "time"),
        ('上午/下午h"时"mm"分"', "time"),
        ("h:mm AM/PM", "time"),
        ("yyyy/m/d h:mm", "day"),
        ('m"月"d"日"', "day"),
        ('[$-804]yyyy"年"m"月"d"日";@', "day"),
        ("mmm-yy", "day"),
        ("General", "digits"),
        ("@", "digits"),
        ("0.0_ ", "digits"),
        ("#,##0.00_);[Red]\\(#,##0.00\\)", "digits"),
        ("0000", "padded"),
        ('"R"0000', "shown"),
        ('0"号"', "shown"),
        ("0%", "shown"),
        ("000-0000", "shown"),
    ],
)
def test_what_number_formats_are(code: str, expected: str) -> None:
    assert nature(164, code) == expected


def test_merged_cells_hold_for_all_their_lines() -> None:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made)
    sheet = book.add_worksheet("住户")
    sheet.merge_range("A1:E1", "阳光小区用户表")
    sheet.write_row("A2", ["户号", "楼栋", "房号", "类别", "供热"])
    sheet.write_row("A3", ["H1", "", "1-101", "楼房", "是"])
    sheet.write_row("A4", ["H2", "", "1-102", "楼房", "是"])
    sheet.merge_range("B3:B4", "B1")
    sheet.write_row("A6", ["合计", "2"])
    book.add_worksheet("Sheet2")
    book.close()
    told: dict[str, Text] = {}
    got = parse(FILES.homes, made.getvalue(), FileReading(understood=told.__setitem__))
    assert [(home.code, home.building) for home in got.rows] == [("H1", "B1"), ("H2", "B1")]
    assert told["homes.csv"] == Text(
        "工作表 住户；户号 = code，楼栋 = building，房号 = unit，类别 = class，供热 = heat_status；"
        "表头上方的 1 行未读取（第 1 行）；合计的 1 行未读取（第 6 行）",
        "worksheet 住户; 户号 = code, 楼栋 = building, 房号 = unit, 类别 = class, 供热 = heat_status; "
        "1 line above the header left out (1); 1 line of totals left out (6)",
    )


def test_days_of_a_calendar_that_begins_in_1904() -> None:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"date_1904": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["code", "building", "class", "heat_status", "status_since"])
    sheet.write_row(1, 0, ["H1", "B1", "bungalow", "on"])
    sheet.write_datetime(1, 4, datetime(2025, 11, 15), book.add_format({"num_format": 14}))  # noqa: DTZ001
    book.close()
    got = found(parse(FILES.homes, made.getvalue()))
    assert not isinstance(got, str)
    assert got[0].status_since == local(date(2025, 11, 15))


@given(st.data())
@settings(max_examples=60, deadline=timedelta(seconds=2))
def test_a_damaged_workbook_is_refused_or_read(data: st.DataObject) -> None:
    made = bytearray(workbook([["code", "name", "station"], ["U1", "一号站", "东"]]))
    for _ in range(data.draw(st.integers(1, 6))):
        made[4 + data.draw(st.integers(0, 9_999)) % (len(made) - 4)] = data.draw(st.integers(0, 255))
    parse(FILES.substations, bytes(made[: 4 + data.draw(st.integers(0, 9_999)) % len(made)]))


@given(st.sampled_from(list(Kind)), st.text(max_size=20))
def test_cleaning_twice_is_cleaning_once(kind: Kind, cell: str) -> None:
    try:
        once = Cleaner().clean(kind, cell)
        if not once.startswith(("'", "‘", "’", "=")):
            assert Cleaner().clean(kind, once) == once
    except ValueError:
        pass


@pytest.mark.parametrize("sheet", FILES)
def test_a_name_means_one_column(sheet: Sheet[Any]) -> None:
    words = [word for also in sheet.synonyms.values() for word in also]
    assert len(words) == len(set(words))
    assert set(sheet.synonyms) <= {column.name for column in sheet.readable}
    assert not set(words) & synonyms.FOR_READERS


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("上报间隔", "does not say its unit: write 上报间隔(秒), or interval_s"),
        ("上报间隔(分钟)", "is not in s: convert it"),
        ("interval (min)", "is not in s: convert it"),
        ("上报间隔（秒）", ""),
        ("Interval [s]", ""),
        ("interval_s *", ""),
    ],
)
def test_a_unit_in_the_header_is_not_passed_over(header: str, fault: str) -> None:
    got = found(parse(FILES.sensors, f"id,home,room,room_kind,{header}\nS1,H1,r,living,60\n".encode()))
    assert fault in got if fault else not isinstance(got, str)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("16,5", 16.5),
        ("１６．５", 16.5),
        ("16.5", 16.5),
        ("-0,3", None),
        ("1.234,5", None),
        ("16.5℃", None),
        ("1 6", None),
    ],
)
def test_decimal_commas(cell: str, value: float | None) -> None:
    text = f"code;building;class;heat_status;contract_limit\nH1;B1;bungalow;on;{cell}\n"
    got = found(parse(FILES.homes, text.encode()))
    assert (None if isinstance(got, str) else got[0].contract_limit) == value


@pytest.mark.parametrize("cell", ["1,000", "1.000", "86,400", "1e3", "60s", "300.5", "0x3c", "三百"])
def test_thousands_are_no_seconds(cell: str) -> None:
    assert "interval_s" in str(
        found(parse(FILES.sensors, f"id;home;room;room_kind;interval_s\nS1;H1;r;living;{cell}\n".encode()))
    )


def test_a_short_line_lacks_only_what_may_be_empty() -> None:
    text = "code,name,station,lat,lon\nU1,One,East\nU2,Two\n"
    assert found(parse(FILES.substations, text.encode())) == "substations.csv:3: has 2 fields, the header has 5"
    cut = "code,building,class,heat_status,contract_limit\nH1,B1,bungalow,on,17\nH2,B1,bungalow,on"
    assert "has 4 fields" in str(found(parse(FILES.homes, cut.encode())))


def test_a_value_below_no_name_is_not_passed_over() -> None:
    text = "code,name,,station\nU1,One,x,East\n"
    assert found(parse(FILES.substations, text.encode())) == (
        "substations.csv:2: holds a value in column 3, which has no name in the header"
    )


def test_a_separator_that_the_file_names() -> None:
    text = "sep=;\ncode;name;station\nU1;a,b;East\n;;\nU2;;East\n"
    assert found(parse(FILES.substations, text.encode())) == "substations.csv:5: name: is empty"


def test_pages_and_old_workbooks_are_refused_by_name() -> None:
    assert "HTML" in str(found(parse(FILES.homes, b"<html><table>")))
    assert ".xls" in str(found(parse(FILES.homes, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))))
    assert "no .xlsx workbook" in str(found(parse(FILES.homes, b"PK\x03\x04" + bytes(90))))


def test_codes_that_the_registry_knows_otherwise_stay_as_they_are() -> None:
    text = "code,name,station\nＵ１,One,East\n'U2,Two,East\nＵ3,Three,East\n"
    got = parse(FILES.substations, text.encode(), FileReading(known=frozenset({"Ｕ１", "'U2"})))
    assert [row.code for row in got.rows] == ["Ｕ１", "'U2", "U3"]
