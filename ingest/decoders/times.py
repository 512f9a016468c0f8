"""Times as networks write them: ISO 8601, epochs of any unit also as text, dates as PLCs and gateways print them."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.instants import EPOCH
from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError
from ingest.decoders.numbers import finite

AUTO = "auto"
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
UNITS = (AUTO, *PER_SECOND)
_EARLIEST_MS, _LATEST_MS = -6.2e13, 1e14  # in the year 5, before which a datetime ends, and in 5138
# The unit of an epoch is plain from its size for all years from 1973 to 5138.
SIZES = ((1e11, "s"), (1e14, "ms"), (1e17, "us"))
# The letters by number are those for year, month, day, hour, minute and second.
PRINTED = re.compile(
    r"""(?:(?P<year>[0-9]{4})(?P<sep>[-/.\u5e74])(?P<month>[0-9]{1,2})(?:(?P=sep)|\u6708)(?P<day>[0-9]{1,2})\u65e5?
    |(?P<day_first>[0-9]{1,2})\.(?P<then_month>[0-9]{1,2})\.(?P<last_year>[0-9]{4}))
    (?:[T ]{0,2}(?P<hour>[0-9]{1,2})[:\u65f6](?P<minute>[0-9]{1,2})\u5206?(?::?(?P<second>[0-9]{1,2})\u79d2?)?
    (?:[.,:](?P<part>[0-9]{1,9}))?)?""",
    re.VERBOSE,
)
COMPACT = re.compile(
    r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])(?:[0-5][0-9]){1,2}"
)
ZONED = re.compile(r"(?P<rest>.*?[0-9])\s?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})", re.IGNORECASE)
DAY = re.compile(r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
EPOCH_TEXT = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,9})?")
LONGEST, LONGEST_DAY = 60, 10
MS = timedelta(milliseconds=1)
NAIVE_EPOCH = EPOCH.replace(tzinfo=None)


@dataclass(frozen=True)
class SourceClock:
    """Reader of the times of a source.

    Args:
        unit: of epochs; AUTO: that which fits its size.
        zone: of times without an offset.
        not_before_ms: a time before it comes from a clock that is not set, and is none.
    """

    unit: str
    zone: ZoneInfo
    not_before_ms: int | None = None

    def read(self, value: Any) -> int | str | None:
        """Read a time as an Uplink has it: text with its offset, or Unix milliseconds; None: it says none.

        Raises:
            DecodeError: it is no time, or one that the clocks of the zone leapt over.
        """
        if value is None or value == "":
            return None
        at = self._text(value) if isinstance(value, str) else self._epoch(value)
        if self.not_before_ms is not None and _ms(at) < self.not_before_ms:
            return None
        return at

    def _epoch(self, value: Any) -> int | str:
        said = finite(value, "the time")
        if self.unit in (AUTO, "ms") and said == value and COMPACT.fullmatch(str(value)):
            return self._text(str(value))
        unit = next((name for most, name in SIZES if abs(said) < most), "ns") if self.unit == AUTO else self.unit
        ms = said * 1000 / PER_SECOND[unit]
        if not abs(ms) < _LATEST_MS:
            raise DecodeError(
                RejectReason.ABSURD_TIME, f"time {value} is beyond any calendar: is time_unit = {unit!r} right?"
            )
        if unit in ("us", "ns") and isinstance(value, int) and ms > _EARLIEST_MS:
            return (EPOCH + timedelta(microseconds=value * 1_000_000 // PER_SECOND[unit])).isoformat()
        return round(ms)

    def _text(self, said: str) -> int | str:
        text = said.strip()
        if len(text) <= LONGEST_DAY and DAY.fullmatch(text):
            raise DecodeError(RejectReason.WRONG_TYPE, f"time {text!r} is a day without a time of day")
        if len(text) <= LONGEST:
            if not text.isdecimal():
                with suppress(ValueError):
                    at = datetime.fromisoformat(text)
                    return text if at.tzinfo else self._local(at, text)
            if (printed := self._printed(text)) is not None:
                return printed
        raise DecodeError(
            RejectReason.WRONG_TYPE,
            f"time {text[:40]!r} is not an ISO 8601 time, a Unix time, or a date with the year first",
        )

    def _printed(self, text: str) -> int | str | None:
        """Read a text that is not of ISO 8601, in the most usual form that fits; None: none does."""
        if COMPACT.fullmatch(text):
            return self._compact(text)
        if EPOCH_TEXT.fullmatch(text):
            return self._epoch(float(text) if "." in text else int(text))
        zoned = ZONED.fullmatch(text)
        if printed := PRINTED.fullmatch(zoned["rest"] if zoned else text):
            return self._of_parts(printed, zoned["zone"] if zoned else None, text)
        try:
            mail = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        return mail.isoformat() if mail.tzinfo else None

    def _compact(self, text: str) -> int:
        try:
            at = datetime.strptime(text.ljust(14, "0"), "%Y%m%d%H%M%S")  # noqa: DTZ007 zoned next
        except ValueError:
            raise _in_no_calendar(text) from None
        return self._local(at, text)

    def _of_parts(self, printed: re.Match[str], offset: str | None, text: str) -> int | str:
        part = {name: int(value or 0) for name, value in printed.groupdict().items() if name not in ("sep", "part")}
        micro = int((printed["part"] or "").ljust(6, "0")[:6])
        try:
            at = datetime(  # noqa: DTZ001 zoned next
                part["year"] or part["last_year"],
                part["month"] or part["then_month"],
                part["day"] or part["day_first"],
                part["hour"],
                part["minute"],
                part["second"],
                micro,
            )
            if offset is None:
                return self._local(at, text)
            return datetime.fromisoformat(at.isoformat() + ("+00:00" if offset[0].isalpha() else offset)).isoformat()
        except ValueError:
            raise _in_no_calendar(text) from None

    def _local(self, said: datetime, text: str) -> int:
        """Return the instant of a local time; in the hour that comes twice it is the first one (fold 0)."""
        try:
            zoned = said.replace(tzinfo=self.zone)
            offset = zoned.utcoffset()
            if offset is not None and offset == zoned.replace(fold=1).utcoffset():  # no change of the clocks
                return (said - offset - NAIVE_EPOCH) // MS
            at = zoned.astimezone(UTC)
            back = at.astimezone(self.zone).replace(tzinfo=None)
        except OverflowError:
            raise DecodeError(RejectReason.ABSURD_TIME, f"time {text[:40]!r} is beyond any calendar") from None
        if back != said:
            raise DecodeError(
                RejectReason.ABSURD_TIME, f"there was no {text[:40]} in {self.zone.key}: the clocks leapt over it"
            )
        return (at - EPOCH) // MS


def _in_no_calendar(text: str) -> DecodeError:
    return DecodeError(RejectReason.ABSURD_TIME, f"time {text[:40]!r} is in no calendar")


def _ms(at: int | str) -> float:
    """Return an instant in Unix milliseconds; what is beyond the calendar counts as right, it is refused later."""
    return at if isinstance(at, int) else datetime.fromisoformat(at).timestamp() * 1000
