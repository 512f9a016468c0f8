"""A table file as it is read in a process of its own: what it holds, how it was understood, what is wrong with it."""

import io
import zipfile

import pytest

from registry.reading import MOST_UNPACKED, SentTables, TableFile, read
from registry.uploading import read_apart

BUILDINGS = "编号,换热站,名称,地址\nE1,S-North,中山小区一号楼,中山路一号\n"
HOMES = "code,building,unit,class,heat_status\n"


def sent(name: str, content: str | bytes, sheet: str = "", encoding: str = "") -> TableFile:
    data = content.encode() if isinstance(content, str) else content
    return TableFile(name, data, sheet, encoding, "Asia/Shanghai", [])


@pytest.mark.parametrize(
    ("codec", "how"), [("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("gb18030", "GB18030")]
)
def test_encoding_and_sheet_are_found_and_told(codec: str, how: str) -> None:
    found = read(sent("list.csv", BUILDINGS.encode(codec)))  # what it holds is seen by its header
    assert found.buildings
    assert (len(found.buildings.lines), found.homes) == (1, None)
    assert found.understood["list.csv"].en.startswith(f"{how}, separated by commas; 编号 = code")
    assert found.understood["list.csv"].zh.startswith(f"{how}，以逗号分隔；编号 = code")


def test_what_the_sender_says_goes_before_the_name() -> None:
    found = read(sent("homes.csv", BUILDINGS, "buildings"))
    assert (found.buildings is not None, found.homes) == (True, None)
    windows = "code,substation,name\nE1,U1,Жилой дом\n".encode("cp1251")
    assert not problems(read(sent("buildings.csv", windows, encoding="windows-1251")))
    assert "not the name of an encoding" in problems(read(sent("buildings.csv", windows, encoding="zip")))[0]


def problems(found: SentTables) -> list[str]:
    return [str(one) for one in [*found.problems, *(p for table in found.all() for p in table.problems)]]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("homes.csv", HOMES + "X1,B1,1,castle,on\n", "homes.csv:2: class: 'castle' is not one of"),
        ("homes.csv", HOMES + "=1+1,B1,1,bungalow,on\n", "homes.csv:2: code: is a formula"),
        ("homes.csv", HOMES + "X\0,B1,1,bungalow,on\n", "homes.csv:2: holds NUL"),
        ("homes.csv", b"\xff\xfe\x00", "homes.csv:1: is not UTF-16"),
        ("passwd", "root:x:0:0\n", "passwd:1: holds none of substations"),
        ("homes.xlsx", b"PK\x03\x04" + b"\0" * 99, "homes.xlsx:1: is no .xlsx workbook"),
        ("homes.xls", b"\xd0\xcf\x11\xe0", "homes.xls:1: is an old workbook"),
        ("list.csv", "<html><script>", "list.csv:1: is a page of HTML"),
        ("a,b.csv", "", "a,b.csv:1: holds none of"),
        ("homes.csv", ",".join(map(str, range(16_385))), "homes.csv:1: has more than 16384 columns"),
        ("homes.csv", HOMES + "X1,B1," + "," * 1_000_000, "homes.csv:2: has more than 16384 columns"),
    ],
)
def test_faults_name_file_line_and_column(name: str, content: str | bytes, told: str) -> None:
    assert problems(read(sent(name, content)))[0].startswith(told)


def test_a_workbook_that_swells_is_refused_before_it_is_unpacked() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for nth in range(11):
            book.writestr(f"xl/worksheets/sheet{nth}.xml", bytes(MOST_UNPACKED // 10))
    assert problems(read(sent("homes.xlsx", packed.getvalue()))) == [
        "homes.xlsx:1: is too large to be read here; import it on the server: hearth registry import"
    ]


def test_many_faults_are_counted_and_some_are_told() -> None:
    found = read(sent("homes.csv", HOMES + "x\n" * 1_000))
    assert (len(problems(found)), found.left_out) == (200, 800)


def test_a_process_of_its_own_reads_the_same() -> None:
    file = sent("list.csv", BUILDINGS + "E2,S-North,Old,\n")
    assert read_apart(file) == read(file)
