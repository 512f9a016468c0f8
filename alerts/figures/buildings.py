"""Summaries of buildings for the map, updated in pieces."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from store.figures import building_rows


@dataclass
class BuildingCursor:
    """Progress through the buildings; the summaries are as old as the start of the last complete round."""

    reached: int = 0
    since: datetime | None = None

    def advance(self, conn: Connection, now: datetime) -> bool:
        """Update the next buildings, in a transaction of its own; False at the end of a round."""
        since = self.since or now
        with conn.transaction():
            last = building_rows.count(conn, self.reached, now)
            if last is None:
                building_rows.finish(conn, since)
        self.reached, self.since = last or 0, None if last is None else since
        return last is not None
