"""Search for homes: by words, numbers and codes of their addresses, and by keys of their people."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from store.base.access import IN_SCOPE, Scope
from store.base.identity_role import told_of_persons
from store.base.rows import Row, fetch

SELECT_STALE = """
SELECT b.building_id, b.name, b.address
FROM building AS b
LEFT JOIN building_numbers AS n USING (building_id)
WHERE n.made_from IS DISTINCT FROM %(form)s || b.name || E'\\n' || b.address
ORDER BY b.building_id
"""
SELECT_NEW_UNITS = """
SELECT d.unit FROM (SELECT DISTINCT h.unit FROM home AS h) AS d
WHERE NOT EXISTS (SELECT FROM unit_numbers AS n WHERE n.unit = d.unit)
ORDER BY d.unit
"""
SELECT_KNOWN_WORDS = "SELECT w.word FROM place_word AS w WHERE w.word = ANY (%(words)s)"
INSERT_WORDS = """
INSERT INTO place_word (word, syllables)
SELECT x.word, x.syllables FROM unnest(%(words)s::text[], %(syllables)s::text[]) AS x (word, syllables)
ORDER BY x.word
"""
INSERT_GRAMS = """
INSERT INTO place_gram (gram, place_word_id)
SELECT x.gram, w.place_word_id
FROM unnest(%(grams)s::text[], %(words)s::text[]) AS x (gram, word)
JOIN place_word AS w ON w.word = x.word COLLATE "C"
"""
DELETE_BUILDING_WORDS = "DELETE FROM building_word AS x WHERE x.building_id = ANY (%(buildings)s::integer[])"
INSERT_BUILDING_WORDS = """
INSERT INTO building_word (place_word_id, building_id)
SELECT w.place_word_id, x.building_id
FROM unnest(%(buildings)s::integer[], %(words)s::text[]) AS x (building_id, word)
JOIN place_word AS w ON w.word = x.word COLLATE "C"
"""
DELETE_UNUSED_WORDS = """
DELETE FROM place_word AS w
WHERE NOT EXISTS (SELECT FROM building_word AS x WHERE x.place_word_id = w.place_word_id)
"""
PUT_NUMBERS = """
INSERT INTO building_numbers (building_id, made_from, numbers)
SELECT x.building_id, x.made_from, coalesce(string_to_array(nullif(x.numbers, ''), ' '), '{}')
FROM unnest(%(buildings)s::integer[], %(made_from)s::text[], %(numbers)s::text[]) AS x (building_id, made_from, numbers)
ON CONFLICT (building_id) DO UPDATE SET made_from = excluded.made_from, numbers = excluded.numbers
"""
INSERT_UNITS = """
INSERT INTO unit_numbers (unit, numbers, last)
SELECT x.unit, coalesce(string_to_array(nullif(x.numbers, ''), ' '), '{}'), x.last
FROM unnest(%(units)s::text[], %(numbers)s::text[], %(last)s::text[]) AS x (unit, numbers, last)
"""
ANALYZE_INDEX = "ANALYZE place_word, place_gram, building_word, building_numbers, unit_numbers"

# Words with most of the pieces. A piece that very many words have says little: of it only so many are looked at.
SELECT_WORDS = """
SELECT w.place_word_id, w.word, w.syllables
FROM (
  SELECT g.place_word_id, count(*) AS pieces
  FROM unnest(%(grams)s::text[]) AS a (gram)
  CROSS JOIN LATERAL (SELECT x.place_word_id FROM place_gram AS x WHERE x.gram = a.gram LIMIT %(of_piece)s) AS g
  GROUP BY g.place_word_id
  ORDER BY pieces DESC, g.place_word_id
  LIMIT %(limit)s
) AS f
JOIN place_word AS w USING (place_word_id)
"""
_IN_STATION: LiteralString = "(%(everywhere)s OR u.station = %(own_station)s)"
# Each word that was asked counts by the likest of the words that a building has; then the numbers decide.
SELECT_BUILDINGS: LiteralString = (
    """
SELECT n.building_id, n.numbers, u.building_name AS name, u.address, (f.likeness / %(asked)s)::float8 AS likeness
FROM (
  SELECT m.building_id, sum(m.likeness) AS likeness
  FROM (
    SELECT x.building_id, a.nth, max(a.likeness) AS likeness
    FROM unnest(%(words)s::integer[], %(nths)s::integer[], %(likeness)s::float8[]) AS a (place_word_id, nth, likeness)
    JOIN building_word AS x USING (place_word_id)
    GROUP BY x.building_id, a.nth
  ) AS m
  GROUP BY m.building_id
) AS f
JOIN building_numbers AS n USING (building_id)
JOIN building_place AS u USING (building_id)
CROSS JOIN LATERAL (
  SELECT count(*) AS met FROM unnest(n.numbers) AS k (number) WHERE k.number = ANY (%(numbers)s::text[])
) AS k
WHERE """
    + _IN_STATION
    + """
ORDER BY f.likeness DESC, k.met DESC, n.building_id
LIMIT %(limit)s
"""
)
SELECT_BUILDINGS_BY_NUMBERS: LiteralString = (
    """
SELECT n.building_id, n.numbers, u.building_name AS name, u.address, 0::float8 AS likeness
FROM building_numbers AS n
JOIN building_place AS u USING (building_id)
CROSS JOIN LATERAL (
  SELECT count(*) AS met FROM unnest(n.numbers) AS k (number) WHERE k.number = ANY (%(numbers)s::text[])
) AS k
WHERE n.numbers && %(numbers)s::text[] AND """
    + _IN_STATION
    + """
ORDER BY (n.numbers[cardinality(n.numbers)] = %(house)s::text) IS TRUE DESC, k.met DESC, n.building_id
LIMIT %(limit)s
"""
)
SELECT_UNITS = "SELECT v.unit FROM unit_numbers AS v WHERE v.last = %(last)s ORDER BY v.unit LIMIT %(limit)s"
# The server does not see by itself that only numbers of the same buildings are needed, and reads those of the city.
_DOORS: LiteralString = """
SELECT h.home_id, h.building_id, n.numbers || v.numbers AS numbers, u.building_name AS name, u.address
FROM home AS h
JOIN unit_numbers AS v USING (unit)
JOIN building_numbers AS n USING (building_id)
JOIN building_place AS u USING (building_id)
WHERE """
SELECT_DOORS: LiteralString = (
    _DOORS
    + """
h.unit = ANY (%(units)s::text[]) AND h.building_id = ANY (%(buildings)s::integer[])
  AND n.building_id = ANY (%(buildings)s::integer[]) AND """
    + IN_SCOPE
    + """
LIMIT %(limit)s
"""
)
SELECT_DOORS_ANYWHERE: LiteralString = (
    _DOORS
    + """
h.unit = ANY (%(units)s::text[]) AND """
    + IN_SCOPE
    + """
LIMIT %(limit)s
"""
)
SELECT_DOORS_OF: LiteralString = (
    _DOORS
    + """
h.building_id = ANY (%(buildings)s::integer[]) AND n.building_id = ANY (%(buildings)s::integer[]) AND """
    + IN_SCOPE
    + """
ORDER BY array_position(%(buildings)s::integer[], h.building_id), h.code
LIMIT %(limit)s
"""
)
SELECT_BY_CODE: LiteralString = (
    """
SELECT h.home_id, h.code_key = %(code)s AS is_whole
FROM home AS h
JOIN building_place AS u USING (building_id)
WHERE h.code_key >= %(code)s AND h.code_key < %(code)s || U&'\\+10FFFF' AND """
    + IN_SCOPE
    + """
ORDER BY h.code_key
LIMIT %(limit)s
"""
)
SELECT_BY_BUILDING_CODE: LiteralString = (
    """
SELECT h.home_id, false AS is_whole
FROM home AS h
JOIN building_place AS u USING (building_id)
WHERE h.building_id = (SELECT b.building_id FROM building AS b WHERE b.code_key = %(code)s LIMIT 1) AND """
    + IN_SCOPE
    + """
ORDER BY h.code_key
LIMIT %(limit)s
"""
)
SELECT_BY_PERSON: LiteralString = (
    """
SELECT h.home_id, p.kind, p.is_whole
FROM person.homes_of(%(telephones)s, %(beginning)s, %(names)s, %(said)s, %(now)s) AS p
JOIN home AS h USING (home_id)
JOIN building_place AS u USING (building_id)
WHERE """
    + IN_SCOPE
)
# A ticket of a case names no home, so who complained is not found this way.
SELECT_BY_CALLER: LiteralString = (
    """
SELECT h.home_id, 'caller' AS kind, bool_or(k.contact_key = %(beginning)s) AS is_whole
FROM (
  SELECT c.ticket_id, c.contact_key FROM ticket_contact AS c
  WHERE c.contact_key >= %(beginning)s AND c.contact_key < %(beginning)s || '~'
  LIMIT %(limit)s
) AS k
JOIN ticket AS t USING (ticket_id)
JOIN home AS h ON h.home_id = t.home_id
JOIN building_place AS u ON u.building_id = h.building_id
WHERE """
    + IN_SCOPE
    + """
GROUP BY h.home_id
"""
)
SELECT_FOUND: LiteralString = (
    """
SELECT
  h.home_id, h.code AS home, u.building, u.building_name, u.address, h.unit, u.station,
  state_name(s.state) AS state
FROM home AS h
JOIN building_place AS u USING (building_id)
JOIN home_state AS s USING (home_id)
WHERE h.home_id = ANY (%(homes)s::integer[]) AND """
    + IN_SCOPE
)
SELECT_PEOPLE = "SELECT name, channel, address FROM person.people_of(%(home_id)s, %(now)s)"


class BuildingText(NamedTuple):
    """A building whose name or address is not the one that it can be found by."""

    building_id: int
    name: str
    address: str


class IndexedBuilding(NamedTuple):
    """A building with the words and numbers that it is found by, and the text that they were made from."""

    building_id: int
    made_from: str
    words: Sequence[str]
    numbers: Sequence[str]


class KnownWord(NamedTuple):
    """A word of the names and addresses of buildings."""

    place_word_id: int
    word: str
    syllables: str


class LikelyBuilding(NamedTuple):
    """A building with the numbers of its address and name; `likeness` of its words to those asked, 0 to 1."""

    building_id: int
    numbers: list[str]
    name: str
    address: str
    likeness: float


class Door(NamedTuple):
    """A home with the numbers, name and address of its building, and the numbers of its door."""

    home_id: int
    building_id: int
    numbers: list[str]
    name: str
    address: str


def stale_buildings(conn: Connection, form: str) -> list[BuildingText]:
    """Return the buildings that are not found by what they are called now; `form` names how texts are taken apart."""
    with conn.cursor(row_factory=class_row(BuildingText)) as cur:
        return cur.execute(SELECT_STALE, {"form": form}).fetchall()


def new_units(conn: Connection) -> list[str]:
    """Return the doors of homes that have not been taken apart."""
    return [unit for (unit,) in conn.execute(SELECT_NEW_UNITS)]


def known_words(conn: Connection, words: Sequence[str]) -> set[str]:
    """Return those of the words that are known."""
    return {word for (word,) in conn.execute(SELECT_KNOWN_WORDS, {"words": list(words)})}


def add_words(conn: Connection, syllables: Mapping[str, str], grams: Sequence[tuple[str, str]]) -> None:
    """Add words with their syllables, and the pieces (gram, word) by which they are found."""
    conn.execute(INSERT_WORDS, {"words": list(syllables), "syllables": list(syllables.values())})
    values = {"grams": [gram for gram, _ in grams], "words": [word for _, word in grams]}
    conn.execute(INSERT_GRAMS, values)


def put_buildings(conn: Connection, buildings: Sequence[IndexedBuilding]) -> None:
    """Replace what buildings are found by; their words are known. Words that no building has any more go."""
    keys = [building.building_id for building in buildings]
    conn.execute(DELETE_BUILDING_WORDS, {"buildings": keys})
    pairs = [(one.building_id, word) for one in buildings for word in dict.fromkeys(one.words)]
    values: dict[str, Any] = {"buildings": [key for key, _ in pairs], "words": [word for _, word in pairs]}
    conn.execute(INSERT_BUILDING_WORDS, values)
    made_from, numbers = [one.made_from for one in buildings], [" ".join(one.numbers) for one in buildings]
    conn.execute(PUT_NUMBERS, {"buildings": keys, "made_from": made_from, "numbers": numbers})
    conn.execute(DELETE_UNUSED_WORDS)


def add_units(conn: Connection, units: Mapping[str, tuple[Sequence[str], str]]) -> None:
    """Add doors with their numbers, and the last of these that is no letter."""
    numbers = [" ".join(found) for found, _ in units.values()]
    values = {"units": list(units), "numbers": numbers, "last": [last for _, last in units.values()]}
    conn.execute(INSERT_UNITS, values)


def analyze(conn: Connection) -> None:
    """Let the planner know how large what was written is."""
    conn.execute(ANALYZE_INDEX)


def words(conn: Connection, grams: Sequence[str], of_piece: int, limit: int) -> list[KnownWord]:
    """Return the words that share most of the pieces."""
    with conn.cursor(row_factory=class_row(KnownWord)) as cur:
        return cur.execute(SELECT_WORDS, {"grams": list(grams), "of_piece": of_piece, "limit": limit}).fetchall()


def buildings(
    conn: Connection, scope: Scope, likely: Sequence[tuple[int, int, float]], numbers: Sequence[str], limit: int
) -> list[LikelyBuilding]:
    """Return the buildings of some words in the caller's stations, likest first.

    Args:
        likely: key of a word, number of the asked word that it is like, and how much.
    """
    asked = len({nth for _, nth, _ in likely})
    columns = {name: [one[nth] for one in likely] for nth, name in enumerate(("words", "nths", "likeness"))}
    values = {**scope.parameters(), **columns, "asked": max(asked, 1), "numbers": list(numbers), "limit": limit}
    with conn.cursor(row_factory=class_row(LikelyBuilding)) as cur:
        return cur.execute(SELECT_BUILDINGS, values).fetchall()


def buildings_by_numbers(
    conn: Connection, scope: Scope, numbers: Sequence[str], house: str | None, limit: int
) -> list[LikelyBuilding]:
    """Return the buildings in the caller's stations that have most of the numbers; first those that end in `house`."""
    values = {**scope.parameters(), "numbers": list(numbers), "house": house, "limit": limit}
    with conn.cursor(row_factory=class_row(LikelyBuilding)) as cur:
        return cur.execute(SELECT_BUILDINGS_BY_NUMBERS, values).fetchall()


def units(conn: Connection, last: str, limit: int) -> list[str]:
    """Return the doors, as homes have them, with this last number."""
    return [unit for (unit,) in conn.execute(SELECT_UNITS, {"last": last, "limit": limit})]


def doors(
    conn: Connection, scope: Scope, units: Sequence[str], buildings: Sequence[int] | None, limit: int
) -> list[Door]:
    """Return the homes in scope with one of the doors, in some buildings or (None) anywhere."""
    values = {**scope.parameters(), "units": list(units), "buildings": list(buildings or ()), "limit": limit}
    with conn.cursor(row_factory=class_row(Door)) as cur:
        return cur.execute(SELECT_DOORS_ANYWHERE if buildings is None else SELECT_DOORS, values).fetchall()


def doors_of(conn: Connection, scope: Scope, buildings: Sequence[int], limit: int) -> list[Door]:
    """Return the homes in scope of some buildings, building by building."""
    values = {**scope.parameters(), "buildings": list(buildings), "limit": limit}
    with conn.cursor(row_factory=class_row(Door)) as cur:
        return cur.execute(SELECT_DOORS_OF, values).fetchall()


def by_code(conn: Connection, scope: Scope, code: str, limit: int) -> list[Row]:
    """Return the homes in scope whose code begins so (lower case), or that are in the building of this code."""
    values = {**scope.parameters(), "code": code, "limit": limit}
    return fetch(conn, SELECT_BY_CODE, values) or fetch(conn, SELECT_BY_BUILDING_CODE, values)


@dataclass(frozen=True, kw_only=True)
class PersonKeys:
    """Keys to look people up by: digits from behind, of which one is the `beginning` of others; names; sounds."""

    telephones: list[str] = field(default_factory=list)
    beginning: str | None = None
    names: list[str] = field(default_factory=list)
    said: str | None = None


def by_person(conn: Connection, scope: Scope, keys: PersonKeys, now: datetime) -> list[Row]:
    """Return the homes in scope of people, without who they are. For the desk; others find nobody."""
    return fetch(conn, SELECT_BY_PERSON, {**scope.parameters(), **asdict(keys), "now": now})


def by_caller(conn: Connection, scope: Scope, beginning: str, limit: int) -> list[Row]:
    """Return the homes in scope that somebody with this number, given from behind, has called about."""
    return fetch(conn, SELECT_BY_CALLER, {**scope.parameters(), "beginning": beginning, "limit": limit})


def found(conn: Connection, scope: Scope, homes: Sequence[int]) -> dict[int, Row]:
    """Return homes in scope with where they are and their state, by key."""
    rows = fetch(conn, SELECT_FOUND, {**scope.parameters(), "homes": list(homes)})
    return {row["home_id"]: row for row in rows}


def people(conn: Connection, home_id: int, now: datetime) -> list[Row]:
    """Return the people of a home and how to reach them. The caller records that they were shown."""
    with told_of_persons(conn):
        return fetch(conn, SELECT_PEOPLE, {"home_id": home_id, "now": now})
