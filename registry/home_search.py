"""Finding a home by what a caller says: an address or a part of it, a door, a code, a name, a telephone number.

What is there is looked up by pieces that the database has indexed, all of it bounded; what was found is then ranked
here. The best are codes and telephone numbers as a whole, then their beginnings, then addresses by likeness.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg import Connection

from registry.addresses import (
    LEAST_LIKENESS,
    LONGEST_QUERY,
    SaidWord,
    WrittenAddress,
    grams_asked,
    house_of,
    is_han,
    last_number,
    likeness,
    numbers_met,
    plain,
    taken_apart,
    telephone,
)
from registry.spelling import person_name, spelt
from store.base.access import Scope
from store.registry import search_rows
from store.registry.search_rows import Door, LikelyBuilding, PersonKeys

MOST = 20  # homes of an answer
MOST_OF_PIECE = 3_000  # words looked at for one piece
MOST_WORDS = 60  # looked at by letters, for each word that was typed
MOST_LIKELY_WORDS = 20
MOST_BUILDINGS = 500
MOST_BY_NUMBERS = 100  # buildings, where no word was typed
NEAREST_BUILDINGS = 4  # of which all homes are looked at
MOST_UNITS = 100
MOST_DOORS = 1_000
SHORTEST_NUMBER = 7  # digits of a telephone number without its area
# How sure a way is: the share of an address is 1 at most.
WHOLE_CODE, WHOLE_NUMBER, WHOLE_NAME, CODE_BEGINS, NUMBER_ENDS, NAME_BEGINS, NAME_SOUNDS = (
    4.0,
    4.0,
    2.5,
    2.0,
    3.0,
    1.5,
    0.85,
)
NEARLY = 0.8  # of the best address; what is less like it is not shown
OF_WORDS = 0.6  # of a score by words and numbers


class FoundBy(StrEnum):
    """The way in which a home was found."""

    CODE = "code"
    TELEPHONE = "telephone"
    NAME = "name"
    ADDRESS = "address"


@dataclass(frozen=True)
class HomeMatch:
    """A home that was found, how, and how sure that is."""

    home_id: int
    by: FoundBy
    score: float


@dataclass(frozen=True)
class HomeSearch:
    """A search: what was typed, by a caller of a scope. `people`: names and telephone numbers are looked up too."""

    asked: str
    scope: Scope
    now: datetime
    people: bool


def find(conn: Connection, search: HomeSearch) -> list[dict[str, Any]]:
    """Return the homes in scope that were likely meant, surest first, each with where it is and its state."""
    asked = search.asked[:LONGEST_QUERY]
    ways = [*_by_code(conn, search, asked), *_by_people(conn, search, asked)]
    if not any(way.score >= WHOLE_CODE for way in ways):
        ways += _by_address(conn, search, taken_apart(asked))
    best = _best(ways)
    rows = search_rows.found(conn, search.scope, [way.home_id for way in best])
    shown = [{**rows[way.home_id], "by": way.by, "score": way.score} for way in best if way.home_id in rows]
    return sorted(shown, key=lambda row: (-row.pop("score"), _in_order(row["home"])))[:MOST]


def _best(ways: Iterable[HomeMatch]) -> list[HomeMatch]:
    """Return each home once, by its surest way; some more than are shown, among which their codes decide."""
    surest: dict[int, HomeMatch] = {}
    for way in ways:
        if way.home_id not in surest or way.score > surest[way.home_id].score:
            surest[way.home_id] = way
    return sorted(surest.values(), key=lambda way: -way.score)[: 5 * MOST]


def _in_order(code: str) -> list[tuple[int, str]]:
    """Return a key that orders codes as people count: 9 before 10."""
    numbers = taken_apart(code).numbers
    return [(len(number), number) for number in numbers] + [(0, code)]


def _by_code(conn: Connection, search: HomeSearch, asked: str) -> list[HomeMatch]:
    code = plain(asked).strip()
    rows = search_rows.by_code(conn, search.scope, code, MOST) if code else []
    return [HomeMatch(row["home_id"], FoundBy.CODE, WHOLE_CODE if row["is_whole"] else CODE_BEGINS) for row in rows]


def _by_people(conn: Connection, search: HomeSearch, asked: str) -> list[HomeMatch]:
    if not search.people:
        return []
    if digits := telephone(asked):
        backwards = digits[::-1]
        shorter = [backwards[:n] for n in range(SHORTEST_NUMBER, len(backwards))]
        rows = search_rows.by_person(
            conn, search.scope, PersonKeys(telephones=shorter, beginning=backwards), search.now
        ) + search_rows.by_caller(conn, search.scope, backwards, MOST)
        return [
            HomeMatch(row["home_id"], FoundBy.TELEPHONE, WHOLE_NUMBER if row["is_whole"] else NUMBER_ENDS)
            for row in rows
        ]
    name = person_name(asked)
    if len(name) < 2 or any(sign.isdigit() for sign in name):
        return []
    keys = PersonKeys(names=[name], said=spelt(name).said if is_han(name) else name)
    rows = search_rows.by_person(conn, search.scope, keys, search.now)
    return [HomeMatch(row["home_id"], FoundBy.NAME, _of_name(row)) for row in rows]


def _of_name(row: dict[str, Any]) -> float:
    if row["kind"] != "name":
        return NAME_SOUNDS
    return WHOLE_NAME if row["is_whole"] else NAME_BEGINS


def _by_address(conn: Connection, search: HomeSearch, asked: WrittenAddress) -> list[HomeMatch]:
    likely = _likely_words(conn, asked.words)
    if asked.words and not likely:
        return []
    if likely:
        buildings = search_rows.buildings(conn, search.scope, likely, asked.numbers, MOST_BUILDINGS)
    elif numbers := _of_building(asked):
        buildings = search_rows.buildings_by_numbers(conn, search.scope, numbers, asked.house, MOST_BY_NUMBERS)
    else:
        buildings = []
    share = len({nth for _, nth, _ in likely}) / max(len(asked.words), 1)
    of = {one.building_id: one.likeness for one in buildings}
    doors = _in_house(asked, _doors(conn, search.scope, asked, buildings))
    scores = [_of_address(asked, share * of.get(door.building_id, 0.0), door) for door in doors]
    least = NEARLY * max(scores, default=0.0)
    pairs = zip(doors, scores, strict=True)
    return [HomeMatch(door.home_id, FoundBy.ADDRESS, score) for door, score in pairs if score >= least]


def _of_building(asked: WrittenAddress) -> Sequence[str]:
    """Return the numbers that may be of a building: all but the last, which may be a door."""
    return asked.numbers if asked.is_house_last else asked.numbers[:-1]


def _in_house(asked: WrittenAddress, doors: list[Door]) -> list[Door]:
    """Keep the homes of buildings with the number that was said to be the building's; where none has it, all."""
    if asked.house is None:
        return doors
    return [door for door in doors if house_of(door.name, door.address) == asked.house] or doors


def _likely_words(conn: Connection, words: Sequence[str]) -> list[tuple[int, int, float]]:
    """Return known words like those that were typed: key, number of the typed one, likeness."""
    likely: list[tuple[int, int, float]] = []
    for nth, word in enumerate(words):
        asked = spelt(word)
        known = search_rows.words(conn, sorted(grams_asked(asked)), MOST_OF_PIECE, MOST_WORDS)
        alike = [
            (one.place_word_id, nth, likeness(asked, SaidWord(one.word, tuple(one.syllables.split())))) for one in known
        ]
        found = sorted((one for one in alike if one[2] >= LEAST_LIKENESS), key=lambda one: -one[2])
        likely += [one for one in found[:MOST_LIKELY_WORDS] if one[2] >= 0.75 * found[0][2]]
    return likely


def _doors(conn: Connection, scope: Scope, asked: WrittenAddress, buildings: Sequence[LikelyBuilding]) -> list[Door]:
    """Return the homes to rank: those with the door that was typed, then those of the likeliest buildings."""
    found: list[Door] = []
    last = "" if asked.is_house_last else last_number(asked.numbers)
    if last and (units := search_rows.units(conn, last, MOST_UNITS)):
        if buildings:
            keys = [building.building_id for building in buildings]
            found += search_rows.doors(conn, scope, units, keys, MOST_DOORS)
        if not asked.words:
            found += search_rows.doors(conn, scope, units, None, MOST)
    nearest = sorted(buildings, key=lambda one: -_near(asked, one))[:NEAREST_BUILDINGS]
    if nearest and (len(found) < MOST or not last):
        found += search_rows.doors_of(conn, scope, [one.building_id for one in nearest], MOST_DOORS)
    return found


def _near(asked: WrittenAddress, building: LikelyBuilding) -> float:
    is_named = asked.house is not None and house_of(building.name, building.address) == asked.house
    return is_named + building.likeness + numbers_met(asked.numbers, building.numbers)


def _of_address(asked: WrittenAddress, words: float, door: Door) -> float:
    if not asked.numbers:
        return words
    met = numbers_met(asked.numbers, door.numbers)
    return OF_WORDS * words + (1 - OF_WORDS) * met if asked.words else met
