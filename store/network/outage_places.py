"""Places of outages: found by name for the desk, named, and the people an announcement for them would reach."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from store.base.rows import Row, fetch
from store.network.outage_rows import PlaceCodes

SELECT_REACH = """
SELECT channel, homes, reached, people, messages, sample
FROM person.reach_of_places(%(substations)s::text[], %(buildings)s::text[], %(homes)s::text[], %(at)s)
"""
_PLACES: LiteralString = """
SELECT
  'substation' AS kind, u.code, u.name, '' AS address, u.station,
  (SELECT count(*) FROM building AS b JOIN home AS h USING (building_id) WHERE b.substation_id = u.substation_id)
    AS homes
FROM substation AS u
WHERE u.code = ANY (%(substations)s::text[]) OR strpos(lower(u.name || ' ' || u.code), %(asked)s) > 0
UNION ALL
SELECT
  'building', b.code, b.name, b.address, u.station,
  (SELECT count(*) FROM home AS h WHERE h.building_id = b.building_id)
FROM building AS b JOIN substation AS u USING (substation_id)
WHERE b.code = ANY (%(buildings)s::text[])
  OR strpos(lower(b.name || ' ' || b.address || ' ' || b.code), %(asked)s) > 0
UNION ALL
SELECT 'home', h.code, concat_ws(' ', b.name, h.unit), b.address, u.station, 1
FROM home AS h JOIN building AS b USING (building_id) JOIN substation AS u USING (substation_id)
WHERE h.code = ANY (%(homes)s::text[]) OR h.code_key = %(asked)s
"""
# Substations first: they are few, and the larger place.
SELECT_PLACES: LiteralString = (
    "SELECT x.kind, x.code, x.name, x.address, x.station, x.homes FROM ("
    + _PLACES
    + """) AS x
ORDER BY array_position('{substation,building,home}', x.kind), length(x.name), x.name, x.code
LIMIT %(limit)s
"""
)
SELECT_NAMES = """
SELECT a.outage_id, coalesce(u.name, b.name, concat_ws(' ', hb.name, h.unit)) AS name
FROM outage_area AS a
LEFT JOIN substation AS u USING (substation_id)
LEFT JOIN building AS b ON b.building_id = a.building_id
LEFT JOIN home AS h ON h.home_id = a.home_id
LEFT JOIN building AS hb ON hb.building_id = h.building_id
WHERE a.outage_id = ANY (%(outages)s::bigint[])
ORDER BY a.outage_id, a.substation_id, a.building_id, a.home_id
"""


class ReachedBy(NamedTuple):
    """People an announcement would reach by a channel; None: by any, beside all homes of the places.

    `sample` is the code of one of the homes.
    """

    channel: str | None
    homes: int
    reached: int
    people: int
    messages: int
    sample: str | None


NOBODY = ReachedBy(channel=None, homes=0, reached=0, people=0, messages=0, sample=None)  # out of the caller's reach


def reach(conn: Connection, area: PlaceCodes, at: datetime) -> list[ReachedBy]:
    """Count the people of some places that an announcement would reach, all channels together first."""
    values = {**{name: list(codes) for name, codes in area._asdict().items()}, "at": at}
    with conn.cursor(row_factory=class_row(ReachedBy)) as cur:
        return cur.execute(SELECT_REACH, values).fetchall() or [NOBODY]


def found(conn: Connection, asked: str, limit: int) -> list[Row]:
    """Find places by a part of their name, address or code: kind, code, name, address, station, homes."""
    nothing: dict[str, Sequence[str]] = PlaceCodes()._asdict()
    return fetch(conn, SELECT_PLACES, {**_lists(nothing), "asked": asked.lower(), "limit": limit})


def named(conn: Connection, area: PlaceCodes) -> list[Row]:
    """Describe places by their codes, as `found` does; unknown ones are left out."""
    most = sum(map(len, area))
    return fetch(conn, SELECT_PLACES, {**_lists(area._asdict()), "asked": None, "limit": most})


def names(conn: Connection, outages: Sequence[int]) -> dict[int, list[str]]:
    """Return the names of the places of outages, substations first."""
    found: dict[int, list[str]] = {outage: [] for outage in outages}
    for row in fetch(conn, SELECT_NAMES, {"outages": list(outages)}):
        found[row["outage_id"]].append(row["name"])
    return found


def _lists(area: dict[str, Sequence[str]]) -> dict[str, list[str]]:
    return {name: list(codes) for name, codes in area.items()}
