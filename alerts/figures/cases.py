"""The table of labelled cases of a heating year that is over, of no home."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from psycopg import Connection

from insight.labelled import AnonymousCases, anonymous, banded
from store.figures import cause_rows


def year_span(year: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the heating year that begins in July of a year."""
    begin, end = (datetime.combine(date(one, 7, 1), time(0), zone) for one in (year, year + 1))
    return begin, end


def last_year(now: datetime, zone: ZoneInfo) -> int:
    """Return the last heating year that is over. A year is told once it is whole: two tables of parts of it would tell
    by their difference what neither does.
    """
    local = now.astimezone(zone)
    return local.year - (1 if local.month >= 7 else 2)


def labelled_cases(conn: Connection, year: int, zone: ZoneInfo) -> AnonymousCases:
    """Return the cases of cold homes of a heating year in which a crew found a cause."""
    rows = cause_rows.labelled(conn, year_span(year, zone))
    return anonymous([(row["home_id"], banded(row["found"], row["likely"], row["evidence"])) for row in rows])
