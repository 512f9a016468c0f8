"""Calendars as text (RFC 5545): escaped, folded, in UTC."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

MEDIA_TYPE = "text/calendar; charset=utf-8"
LONGEST_LINE = 75  # octets, without the end of the line
END_OF_LINE = "\r\n"
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})


class CalendarEntry(NamedTuple):
    """An event of a calendar. `version` rises with each change of it."""

    key: str  # the same for ever, and nobody else's
    starts_at: datetime
    ends_at: datetime
    changed_at: datetime
    version: int
    summary: str
    place: str


def calendar(name: str, entries: Iterable[CalendarEntry], made_at: datetime, fresh_for: timedelta) -> str:
    """Write a calendar; `fresh_for` is how long a reader may go without asking again."""
    minutes = int(fresh_for.total_seconds() // 60)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Hearth//Rota//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{escaped(name)}",
        f"X-WR-CALNAME:{escaped(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:PT{minutes}M",
        f"X-PUBLISHED-TTL:PT{minutes}M",
        *(line for entry in entries for line in _event(entry, made_at)),
        "END:VCALENDAR",
    ]
    return "".join(part + END_OF_LINE for line in lines for part in folded(line))


def _event(entry: CalendarEntry, made_at: datetime) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{escaped(entry.key)}",
        f"DTSTAMP:{instant(made_at)}",
        f"DTSTART:{instant(entry.starts_at)}",
        f"DTEND:{instant(entry.ends_at)}",
        f"LAST-MODIFIED:{instant(entry.changed_at)}",
        f"SEQUENCE:{entry.version}",
        f"SUMMARY:{escaped(entry.summary)}",
        f"LOCATION:{escaped(entry.place)}",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "END:VEVENT",
    ]


def instant(at: datetime) -> str:
    """Write an instant in UTC: `20260115T000000Z`."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def escaped(text: str) -> str:
    """Escape a text (3.3.11); control characters other than the end of a line are left out."""
    return "".join(c for c in text if c >= " " or c == "\n").replace("\x7f", "").translate(_ESCAPES)


def folded(line: str) -> Iterator[str]:
    """Fold a line (3.1): no part is longer than LONGEST_LINE octets, and no character is cut."""
    part, octets = "", 0
    for letter in line:
        size = len(letter.encode())
        if octets + size > LONGEST_LINE:
            yield part
            part, octets = " ", 1
        part, octets = part + letter, octets + size
    yield part
