"""Time zones made to measure: in each of them it is the time of day that a test is about, now.

The processes run on the real clock. What time of day that is, is decided by the zone alone, so a zone file with the
offset that is needed brings any test to noon or to ten seconds before six.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

DAY = timedelta(days=1)
SYSTEM_ZONES = "/usr/share/zoneinfo"


@dataclass(frozen=True)
class Zone:
    """A zone in a folder of zone files, with an offset from UTC that never changes."""

    name: str
    folder: Path
    offset: timedelta

    @property
    def settings(self) -> dict[str, str]:
        """The variables that choose it."""
        return {"HEARTH_TIMEZONE": self.name, "PYTHONTZPATH": f"{self.folder}:{SYSTEM_ZONES}"}

    def at(self, clock: time) -> datetime:
        """Return the instant of a time of the present local day."""
        local = datetime.now(UTC) + self.offset
        return datetime.combine(local.date(), clock, UTC) - self.offset


def zone_where_it_is(clock: time, folder: Path) -> Zone:
    """Make a zone, within twelve hours of UTC, in which the clock shows this time now."""
    now = datetime.now(UTC)
    ahead = datetime.combine(now.date(), clock, UTC) - now.replace(microsecond=0)
    offset = (ahead + DAY / 2) % DAY - DAY / 2
    name = f"Made/{clock:%H%M%S}"
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(zone_file(int(offset.total_seconds())))
    return Zone(name, folder, offset)


def zone_file(offset_seconds: int) -> bytes:
    """Return a zone without changes in the first version of the format TZif (RFC 9636)."""
    abbreviation = b"HERE\0"
    counts = struct.pack(">6l", 0, 0, 0, 0, 1, len(abbreviation))
    return b"TZif" + b"\0" * 16 + counts + struct.pack(">lBB", offset_seconds, 0, 0) + abbreviation
