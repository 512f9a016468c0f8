"""Contacts of homes for notices to users. Addresses are personal data and stay in the schema `person`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from domain.registry import Contact
from store.base.identity_role import told_of_persons

OPEN_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS import_contact (
  home text, channel text, address text, language text, consent_at timestamptz, resident text, name text, keys jsonb
) ON COMMIT DELETE ROWS;
TRUNCATE import_contact
"""
FILL_STAGE = """
INSERT INTO import_contact (home, channel, address, language, consent_at, resident, name, keys)
SELECT home, channel, address, language, consent, resident, name, keys FROM jsonb_to_recordset(%(contacts)s) AS x (
  home text, channel text, address text, language text, consent timestamptz, resident text, name text, keys jsonb
)
"""
# A removed contact gets no more notices, and its address is deleted; messages sent to it stay on record.
END_GONE = """
WITH gone AS (
  DELETE FROM person.contact AS c
  USING addressee AS a
  JOIN home AS h USING (home_id)
  WHERE a.addressee_id = c.addressee_id AND h.code IN (SELECT i.home FROM import_contact AS i)
    AND NOT EXISTS (
      SELECT FROM import_contact AS i
      WHERE (i.home, i.channel, i.address) = (h.code, a.channel, c.address)
    )
  RETURNING c.addressee_id
)
UPDATE addressee AS a SET ended_at = %(now)s FROM gone AS g WHERE a.addressee_id = g.addressee_id
"""
UPDATE_CHANGED = """
WITH
  found AS (
    SELECT a.addressee_id, i.language, i.consent_at, i.resident, i.name
    FROM import_contact AS i
    JOIN home AS h ON h.code = i.home
    JOIN addressee AS a ON a.home_id = h.home_id AND a.channel = i.channel
    JOIN person.contact AS c ON c.addressee_id = a.addressee_id AND c.address = i.address
    WHERE (i.language, i.consent_at, i.resident, i.name)
      IS DISTINCT FROM (a.language, c.consent_at, c.resident, c.name)
  ),
  spoken AS (
    UPDATE addressee AS a SET language = f.language FROM found AS f WHERE a.addressee_id = f.addressee_id
  )
UPDATE person.contact AS c SET consent_at = f.consent_at, resident = f.resident, name = f.name
FROM found AS f WHERE c.addressee_id = f.addressee_id
"""
INSERT_NEW = """
WITH
  fresh AS MATERIALIZED (
    SELECT
      nextval(pg_get_serial_sequence('addressee', 'addressee_id'))::integer AS addressee_id, h.home_id, i.channel,
      i.language, i.address, i.consent_at, i.resident, i.name
    FROM import_contact AS i
    JOIN home AS h ON h.code = i.home
    WHERE i.channel IS NOT NULL AND NOT EXISTS (
      SELECT FROM addressee AS a JOIN person.contact AS c USING (addressee_id)
      WHERE (a.home_id, a.channel, c.address) = (h.home_id, i.channel, i.address)
    )
  ),
  made AS (
    INSERT INTO addressee (addressee_id, audience, home_id, channel, language) OVERRIDING SYSTEM VALUE
    SELECT addressee_id, 'user', home_id, channel, language FROM fresh
  )
INSERT INTO person.contact (addressee_id, address, consent_at, resident, name)
SELECT addressee_id, address, consent_at, resident, name FROM fresh
"""
# By what the people of the homes are found: their names may have changed.
PUT_KEYS = """
WITH
  named AS MATERIALIZED (
    SELECT a.addressee_id, k.value ->> 0 AS kind, k.value ->> 1 AS key
    FROM import_contact AS i
    JOIN home AS h ON h.code = i.home
    JOIN addressee AS a ON a.home_id = h.home_id AND a.channel = i.channel
    JOIN person.contact AS c ON c.addressee_id = a.addressee_id AND c.address = i.address
    CROSS JOIN LATERAL jsonb_array_elements(i.keys) AS k
  ),
  gone AS (
    DELETE FROM person.search_key AS s
    USING addressee AS a
    JOIN home AS h USING (home_id)
    WHERE a.addressee_id = s.addressee_id AND h.code IN (SELECT i.home FROM import_contact AS i)
      AND (s.addressee_id, s.kind, s.key) NOT IN (SELECT n.addressee_id, n.kind, n.key FROM named AS n)
  )
INSERT INTO person.search_key (key, kind, addressee_id)
SELECT DISTINCT n.key, n.kind, n.addressee_id FROM named AS n
ON CONFLICT DO NOTHING
"""
SELECT_TELEPHONES = """
SELECT address, resident FROM person.people_of(%(home_id)s, %(at)s) WHERE channel = 'phone' ORDER BY address
"""
SELECT_OF_HOME = """
SELECT h.code AS home, a.channel, c.address, a.language, c.consent_at AS consent, c.resident, c.name
FROM person.contact AS c
JOIN addressee AS a USING (addressee_id)
JOIN home AS h USING (home_id)
WHERE h.code = %(home)s
ORDER BY a.channel, c.address
"""
SELECT_ALL = """
SELECT h.code AS home, a.channel, c.address, a.language, c.consent_at AS consent, c.resident, c.name
FROM person.contact AS c
JOIN addressee AS a USING (addressee_id)
JOIN home AS h USING (home_id)
WHERE %(homes)s::text[] IS NULL OR h.code = ANY(%(homes)s)
ORDER BY h.code, a.channel, c.address
"""


class SearchedContact(NamedTuple):
    """A contact with the keys (kind, key) by which a search finds its person."""

    contact: Contact
    keys: Sequence[tuple[str, str]]


class ContactChanges(NamedTuple):
    """Counts of an import of contacts."""

    added: int
    changed: int
    ended: int


def replace(conn: Connection, contacts: Sequence[SearchedContact], now: datetime) -> ContactChanges:
    """Replace the contacts of the named homes; a line without a channel leaves its home without any."""
    rows = [
        {**contact._asdict(), "consent": contact.consent.isoformat() if contact.consent else None, "keys": keys}
        for contact, keys in contacts
    ]
    for statement in OPEN_STAGE.split(";\n"):
        conn.execute(statement.encode())
    conn.execute(FILL_STAGE, {"contacts": Jsonb(rows)})
    ended = conn.execute(END_GONE, {"now": now}).rowcount
    changed = conn.execute(UPDATE_CHANGED).rowcount
    added = conn.execute(INSERT_NEW).rowcount
    conn.execute(PUT_KEYS)
    return ContactChanges(added, changed, ended)


def telephones(conn: Connection, home_id: int, at: datetime) -> list[tuple[str, str | None]]:
    """Return the telephone numbers of those who live in a home, and whose each is; the caller records the look."""
    with told_of_persons(conn):
        return conn.execute(SELECT_TELEPHONES, {"home_id": home_id, "at": at}).fetchall()


def of_home(conn: Connection, home: str) -> list[Contact]:
    """Return the contacts of a home; the caller records the look."""
    with conn.cursor(row_factory=class_row(Contact)) as cur:
        return cur.execute(SELECT_OF_HOME, {"home": home}).fetchall()


def whole(conn: Connection, homes: Collection[str] | None = None) -> list[Contact]:
    """Return the contacts of homes with given codes, by home; None: all."""
    with conn.cursor(row_factory=class_row(Contact)) as cur:
        return cur.execute(SELECT_ALL, {"homes": None if homes is None else list(homes)}).fetchall()
