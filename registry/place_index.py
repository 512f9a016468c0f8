"""The index of places: names, addresses and doors of the registry, taken apart so that homes are found by them."""

from collections.abc import Iterable, Sequence

from psycopg import Connection

from registry.addresses import WrittenAddress, grams, last_number, taken_apart
from registry.spelling import spelt
from store.registry import search_rows
from store.registry.search_rows import BuildingText, IndexedBuilding

# Raised when texts are taken apart otherwise, or words are found by other pieces: every building is then taken again.
FORM = "2\n"
AT_A_TIME = 2_000


def bring_up(conn: Connection) -> int:
    """Take apart what is new or called otherwise, and return the number of its buildings; the caller commits.

    The registry is locked against other imports.
    """
    stale = search_rows.stale_buildings(conn, FORM)
    for low in range(0, len(stale), AT_A_TIME):
        _put(conn, stale[low : low + AT_A_TIME])
    units = {unit: _door(taken_apart(unit)) for unit in search_rows.new_units(conn)}
    if units:
        search_rows.add_units(conn, units)
    if stale or units:
        search_rows.analyze(conn)
    return len(stale)


def _put(conn: Connection, stale: Sequence[BuildingText]) -> None:
    taken = [_indexed(building) for building in stale]
    _add_words(conn, sorted({word for building in taken for word in building.words}))
    search_rows.put_buildings(conn, taken)


def _indexed(building: BuildingText) -> IndexedBuilding:
    """Take a building apart; its address comes before its name, as people say them."""
    address, name = taken_apart(building.address), taken_apart(building.name)
    return IndexedBuilding(
        building.building_id,
        f"{FORM}{building.name}\n{building.address}",
        (*address.words, *name.words),
        (*address.numbers, *name.numbers),
    )


def _add_words(conn: Connection, words: Iterable[str]) -> None:
    known = search_rows.known_words(conn, list(words))
    new = [spelt(word) for word in words if word not in known]
    pieces = [(gram, spelling.word) for spelling in new for gram in sorted(grams(spelling))]
    if new:
        search_rows.add_words(conn, {spelling.word: " ".join(spelling.syllables) for spelling in new}, pieces)


def _door(unit: WrittenAddress) -> tuple[Sequence[str], str]:
    return unit.numbers, last_number(unit.numbers)
