"""Sensor places and home attributes: the registry lookups of ingest and judging."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from store.base import wire

SELECT_VERSION = "SELECT version FROM registry_version"
SELECT_PLACES = """
SELECT
  s.code, s.sensor_id, p.home_id, p.substation_id, p.gateway, p.room, p.room_kind, p.interval_s, p.offset_k,
  p.valid_from, p.valid_to
FROM sensor AS s
-- OFFSET 0: sensor by sensor, as a join would go through the places of all sensors.
CROSS JOIN LATERAL (SELECT j.* FROM point_judged AS j WHERE j.sensor_id = s.sensor_id OFFSET 0) AS p
WHERE s.code = ANY(%(codes)s)
ORDER BY s.code, p.valid_from NULLS FIRST
"""
SELECT_ALIKE = """
SELECT DISTINCT ON (x.code) x.code, s.code
FROM unnest(%(codes)s::text[]) AS x (code)
JOIN sensor AS s ON code_core(s.code) = code_core(x.code)
WHERE code_core(x.code) <> ''
ORDER BY x.code, s.code
"""
SELECT_HOMES = """
SELECT
  h.home_id, h.class AS home_class, h.contract_limit, h.contract_from, h.contract_to,
  array_agg(nullif(s.since, '-infinity') ORDER BY s.since) FILTER (WHERE s.status IS NOT NULL) AS since,
  array_agg(s.status = 'on' ORDER BY s.since) FILTER (WHERE s.status IS NOT NULL) AS heat_on,
  ARRAY(SELECT e.at FROM cold_ended AS e WHERE e.home_id = h.home_id AND e.void_at IS NULL ORDER BY e.at) AS ended_at,
  ARRAY(SELECT e.reason FROM cold_ended AS e WHERE e.home_id = h.home_id AND e.void_at IS NULL ORDER BY e.at)
    AS ended_by
FROM home AS h
LEFT JOIN home_status AS s USING (home_id)
WHERE h.home_id = ANY(%(homes)s)
GROUP BY h.home_id
"""

SELECT_CONTRACTS = """
SELECT h.home_id, h.class, h.contract_limit, h.contract_from, h.contract_to
FROM home AS h
WHERE h.home_id = ANY(%(homes)s::integer[])
"""


class PlaceRow(NamedTuple):
    """A sensor's stay at a place; None: unbounded."""

    code: str
    sensor_id: int
    home_id: int | None
    substation_id: int | None
    gateway: str | None
    room: str | None
    room_kind: str | None
    interval_s: int
    offset_k: float
    valid_from: datetime | None
    valid_to: datetime | None


class HomeRow(NamedTuple):
    """A home's class, contract, heat status history (`since` None: unbounded), and cold spells ended by measurement."""

    home_id: int
    home_class: str
    contract_limit: float | None
    contract_from: time | None
    contract_to: time | None
    since: list[datetime | None] | None
    heat_on: list[bool] | None
    ended_at: list[datetime]
    ended_by: list[str]


class ContractRow(NamedTuple):
    """A home's class, and its contract if it has one."""

    home_class: str
    contract_limit: float | None
    contract_from: time | None
    contract_to: time | None


def version(conn: Connection) -> int:
    """Return the registry version, which rises with every change."""
    row = conn.execute(SELECT_VERSION).fetchone()
    return int(row[0]) if row else 0


def places(conn: Connection, codes: list[str]) -> list[PlaceRow]:
    """Return all places of the named sensors, by code and time."""
    with conn.cursor(row_factory=class_row(PlaceRow)) as cur:
        return cur.execute(SELECT_PLACES, {"codes": codes}).fetchall()


def alike(conn: Connection, codes: list[str]) -> dict[str, str]:
    """Return for unknown codes a sensor whose code differs only in case, separators or leading zeros."""
    return dict(conn.execute(SELECT_ALIKE, {"codes": codes}).fetchall())


def contracts(conn: Connection, home_ids: Sequence[int]) -> dict[int, ContractRow]:
    """Return the class and contract of each of the named homes."""
    found = conn.execute(SELECT_CONTRACTS, {"homes": wire.ids(home_ids)}).fetchall()
    return {home_id: ContractRow(*terms) for home_id, *terms in found}


def homes(conn: Connection, home_ids: list[int]) -> list[HomeRow]:
    """Return the attributes of the named homes that the rules need."""
    with conn.cursor(row_factory=class_row(HomeRow)) as cur:
        return cur.execute(SELECT_HOMES, {"homes": home_ids}).fetchall()
