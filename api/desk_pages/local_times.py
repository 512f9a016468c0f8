"""Times in forms: browsers send and show them on the clocks of the company's zone, in whole minutes."""

from datetime import datetime
from zoneinfo import ZoneInfo


def told_instant(text: str, zone: ZoneInfo) -> str:
    """Return RFC 3339 text of a time told on local clocks; what is no time stays as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat()


def shown_time(at: datetime | None, zone: ZoneInfo) -> str:
    """Return the value of a field for a time; empty for none."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" if at else ""
