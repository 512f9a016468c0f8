"""Encodings are told apart by evidence: what might be another one is refused, never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.encoding import decode
from registry.problems import UnreadableFile

CHINESE = "编号,楼名\nB1,阳光小区1号楼\nB2,建设路（东）\n"
GERMAN = "code;name\nB1;Straße des Müllers\n"
RUSSIAN = "code;name\nB1;Улица Ленина дом 1\n"
POLISH = "code;name\nB1;Świętokrzyska Łódź\n"
TAIWANESE = "編號,樓名\nB1,陽光小區一號樓建設路\n"
TEXTS = [CHINESE, GERMAN, RUSSIAN, POLISH, TAIWANESE, "code,name\nB1,One\n"]
UNICODE = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
CODE_PAGES = [(GERMAN, "cp1252"), (GERMAN, "cp1250"), (POLISH, "cp1250"), (RUSSIAN, "cp1251"), (RUSSIAN, "koi8-r")]
CODE_PAGES += [(RUSSIAN, "iso8859-5"), (TAIWANESE, "big5"), ("番号、ビル名\n", "cp932")]


def refusal(data: bytes, named: str | None = None) -> str:
    with pytest.raises(UnreadableFile) as caught:
        decode("f.csv", data, named)
    return str(caught.value.problem)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("encoding", UNICODE)
def test_unicode_with_and_without_a_mark(text: str, encoding: str) -> None:
    assert decode("f.csv", text.encode(encoding)).text == text


@pytest.mark.parametrize("encoding", ["gb2312", "gbk", "gb18030"])
def test_chinese_spreadsheets(encoding: str) -> None:
    assert decode("f.csv", CHINESE.encode(encoding)) == (CHINESE, "GB18030")


@pytest.mark.parametrize(("text", "encoding"), CODE_PAGES)
def test_a_code_page_has_to_be_named(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    assert "--encoding" in refusal(data)
    assert decode("f.csv", data, encoding) == (text, encoding)


def test_a_name_that_does_not_fit() -> None:
    assert refusal("Straße".encode("cp1252"), "ascii").startswith("f.csv:1: is not ascii")
    assert refusal("Straße".encode("cp1252"), "klingon") == "f.csv:1: 'klingon' is not the name of an encoding"
    assert decode("f.csv", CHINESE.encode(), "cp1252").text == CHINESE  # valid UTF-8 is nothing else


def test_characters_that_are_both_utf_8_and_gb18030_are_not_guessed() -> None:
    both = "山水园楼".encode("gbk")
    assert both.decode("utf-8") != "山水园楼"
    assert "may be UTF-8 or GB18030" in refusal(both)
    assert decode("f.csv", both, "gb18030").text == "山水园楼"
    assert "may be" in refusal("十路庭院山水园楼".encode("gbk"))


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"code\nB1\0x\n", 2),
        ("编号\n阳光".encode()[:-1], 2),
        ("编号\n阳光小区\n".encode() * 9 + b"\xff", 19),
        ("编号\n锟斤�\n".encode(), 2),
        (CHINESE.encode("gbk") + b"B3,\xff\xff\n" + CHINESE.encode("gbk"), 4),
        (CHINESE.encode("gbk") + b"B3,M\xfcller\n" + CHINESE.encode("gbk"), 4),
        (CHINESE.encode("gbk") + b"B3,x\0\n", 4),
        ("编号\nB1,上海\nB2".encode("utf-16") + b"\0", 3),  # 上 has the byte of an end of line in it
    ],
)
def test_damage_is_named_with_its_line(data: bytes, line: int) -> None:
    assert refusal(data).startswith(f"f.csv:{line}: ")


@pytest.mark.parametrize("other", ["B4,阳光小区四号楼\n", "B4,建设路桥\n", "B4,镕\n"])
def test_lines_of_another_encoding_are_named_and_never_taken_for_rare_characters(other: str) -> None:
    many = CHINESE * 3
    for one, rest in (("utf-8", "gb18030"), ("gb18030", "utf-8"), ("gb18030", "utf-8-sig")):
        data = many.encode(rest) + other.encode(one) + many.encode(rest.removesuffix("-sig"))
        assert refusal(data).startswith("f.csv:10: ")
    mixed = many.encode("gb18030") + other.encode() + many.encode("gb18030")
    assert "in another encoding than other lines" in refusal(mixed, "gb18030")  # who says so has not seen this line


def test_a_line_of_rare_characters_alone_is_chinese_among_others() -> None:
    text = CHINESE + "B3,垚镕\n"
    assert decode("f.csv", text.encode("gb18030")) == (text, "GB18030")


def test_nul_after_the_last_line_is_padding() -> None:
    assert decode("f.csv", b"code\nB1\n\0\0\0").text == "code\nB1\n"


@given(
    st.text(st.sampled_from("编号阳光小区楼建设路中心站一所客厅供热垚镕éüßЖя1A,;\n"), max_size=40),
    st.sampled_from([*UNICODE, "gb18030"]),
)
def test_a_text_comes_back_or_is_refused(text: str, encoding: str) -> None:
    text = f"code,name\n{text}"
    try:
        found = decode("f.csv", text.encode(encoding)).text
    except UnreadableFile:
        assert encoding not in ("utf-8-sig", "utf-16", "utf-32")
        return
    assert found == text


@given(st.binary(max_size=80))
def test_any_bytes(data: bytes) -> None:
    try:
        text = decode("f.csv", data).text
    except UnreadableFile as refused:
        text = refused.problem.fault.en
    assert "\0" not in text
