"""Calendars: what is written is what a reader of RFC 5545 finds in it."""

import re
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from domain.icalendar import LONGEST_LINE, CalendarEntry, calendar

AT = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
# 3.3.11: TSAFE-CHAR and the escapes; no control characters, and no bare comma, semicolon or backslash.
TEXT = re.compile(r"(?:\\[\\;,n]|[^\x00-\x08\x0a-\x1f\x7f\\;,])*")
LINE = re.compile(r"([A-Z][A-Z0-9-]*)((?:;[A-Z-]+=[A-Z0-9-]+)*):(.*)", re.DOTALL)


def parsed(text: str) -> list[tuple[str, str]]:
    """Read a calendar strictly: its lines, unfolded, as names and values."""
    assert text.endswith("\r\n")
    raw = text.encode()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    lines = raw.split(b"\r\n")[:-1]
    assert all(len(line) <= LONGEST_LINE for line in lines)
    for line in lines:
        line.decode()  # no character is cut in two
    found = []
    for unfolded in b"\r\n".join(lines).replace(b"\r\n ", b"").decode().split("\r\n"):
        match = LINE.fullmatch(unfolded)
        assert match, unfolded
        found.append((match[1], match[3]))
    return found


def unescaped(value: str) -> str:
    assert TEXT.fullmatch(value), value
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value)


def written(summary: str = "On call", key: str = "shift-1@hearth.example") -> str:
    entry = CalendarEntry(key, AT, AT + 8 * HOUR, AT - HOUR, 3, summary, "North")
    return calendar("On call: Li Na", [entry], AT, HOUR)


def test_a_calendar_has_what_its_readers_need() -> None:
    lines = parsed(written())
    names = [name for name, _ in lines]
    told = dict(lines)
    assert lines[0] == ("BEGIN", "VCALENDAR")
    assert lines[-1] == ("END", "VCALENDAR")
    assert names.count("BEGIN") == names.count("END") == 2
    assert (told["VERSION"], told["UID"], told["SEQUENCE"]) == ("2.0", "shift-1@hearth.example", "3")
    assert (told["DTSTART"], told["DTEND"]) == ("20260115T040000Z", "20260115T120000Z")
    assert (told["DTSTAMP"], told["LAST-MODIFIED"]) == ("20260115T040000Z", "20260115T030000Z")
    assert told["REFRESH-INTERVAL"] == "PT60M"


@given(text=st.text(max_size=300))
@example("值班" * 60)
@example("\\;,\n" * 40)
@example("🔧" * 30)
@example("a\r\nEND:VCALENDAR\r\nBEGIN:VEVENT")
def test_any_text_comes_back_as_it_was_and_breaks_nothing(text: str) -> None:
    told = dict(parsed(written(summary=text)))
    kept = "".join(c for c in text if c >= " " or c == "\n").replace("\x7f", "")
    assert unescaped(told["SUMMARY"]) == kept
    assert told["LOCATION"] == "North"
