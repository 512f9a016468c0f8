"""Files of an archive and its manifest: to the bits, merged by what was first, and each flipped byte is found."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from archives import layout, manifest
from archives.layout import READINGS, SUBSTATION_READINGS, ArchiveKind
from archives.manifest import ArchiveBroken
from archives.merging import merge
from archives.place import ArchivePlace
from archives.reading import JUDGED, ReadingArchive
from tests.unit.archives.months import CITY, START, rows, sealed


def same(found: NDArray[np.void], wanted: NDArray[np.void]) -> bool:
    """Return whether two arrays are equal to the bit."""
    return found.dtype == wanted.dtype and found.tobytes() == wanted.tobytes()


@pytest.fixture
def place(tmp_path: Path) -> ArchivePlace:
    return ArchivePlace(tmp_path.as_uri())


def test_what_is_read_is_what_was_written_to_the_bit(place: ArchivePlace) -> None:
    first, second = rows([1, 2, 5], days=2), rows([7, 9], days=2, seed=2)
    first["temperature"][:3] = [-0.0, np.float32(17.999998), np.nan]
    archive = sealed(place, [(0, "base", first), (1, "base", second)])
    end = START + timedelta(days=2, seconds=3)
    assert same(archive.read(range(10), START, end), np.concatenate((first, second)))
    of_2 = first[first["sensor_id"] == 2]
    assert same(archive.read([9, 2, 3], START, end), np.concatenate((of_2, second[192:])))
    noon = START + timedelta(hours=12)
    some = archive.read([2], noon, noon + timedelta(hours=1), JUDGED)
    assert some.dtype.names == JUDGED
    assert len(some) == 4
    shards = zip(archive.shards(), (first, second), strict=True)
    assert all(same(shard.read(START, end), part) for shard, part in shards)


def test_days_that_were_sealed_one_by_one_and_what_came_late_are_one_history(place: ArchivePlace) -> None:
    days = [rows([1, 2, 3], day, seed=day) for day in range(3)]
    late = days[0][5:8].copy()
    late["temperature"] += 1  # was said otherwise before: the first stays
    late["humidity"][:] = 44  # completes what was absent
    late["measured_at"][2] += 1  # is new
    archive = sealed(place, [(0, "base", day) for day in days] + [(0, "amendment", late)])
    found = archive.read([1, 2, 3], START, START + timedelta(days=4))
    wanted = np.concatenate(days)
    wanted = wanted[np.lexsort((wanted["measured_at"], wanted["sensor_id"]))]
    for nth in (5, 6):
        if np.isnan(wanted["humidity"][nth]):
            wanted["humidity"][nth] = 44
    assert same(found, np.concatenate((wanted[:8], late[2:], wanted[8:])))


def test_a_reading_that_had_no_temperature_is_received_when_it_gets_one() -> None:
    (first, second) = (rows([1])[:1] for _ in range(2))
    first["temperature"], first["humidity"], first["quality"] = np.nan, 40, 0
    second["humidity"], second["received_at"], second["quality"] = 50, first["received_at"] + 9, 2
    (found,) = merge(READINGS, [first, second])
    assert (found["humidity"], found["temperature"]) == (40, second["temperature"][0])
    assert (found["received_at"], found["quality"]) == (second["received_at"][0], 2)


def test_bits_of_a_substation_go_with_their_values() -> None:
    first = np.zeros(1, SUBSTATION_READINGS.dtype)
    for name in SUBSTATION_READINGS.quantities:
        first[name] = np.nan
    second = first.copy()
    first["flow"], first["implausible"] = 3, 0
    second["flow"], second["heat_power"], second["implausible"] = 4, 9, 16 | 32
    (found,) = merge(SUBSTATION_READINGS, [first, second])
    assert (found["flow"], found["heat_power"], found["implausible"]) == (3, 9, 32)


@given(st.data())
def test_any_split_into_parts_is_the_same_history(data: st.DataObject) -> None:
    whole = rows([1, 4, 6], every_s=14_400)
    cut = data.draw(st.lists(st.integers(0, 3), min_size=len(whole), max_size=len(whole)))
    again = data.draw(st.lists(st.booleans(), min_size=len(whole), max_size=len(whole)))
    parts = [whole[(np.array(cut) == part) | (np.array(again) if part == 3 else False)] for part in range(4)]
    assert same(merge(READINGS, parts), whole)


@pytest.mark.parametrize("kind", [READINGS, SUBSTATION_READINGS])
def test_every_column_travels(kind: ArchiveKind) -> None:
    told = np.zeros(3, kind.dtype)
    told["sensor_id"], told["measured_at"] = [1, 1, 2], [-1, 999, 1_000_001]
    told["received_at"] = [-5, 2**40, 7]
    for nth, name in enumerate(kind.quantities):
        told[name] = [nth, np.nan, -0.0]
    told[kind.code], told["self_timed"] = [127, 0, 3], [True, False, True]
    assert same(layout.to_rows(kind, layout.to_columns(kind, layout.to_table(kind, told))), told)


def test_a_manifest_that_was_changed_is_named(place: ArchivePlace, tmp_path: Path) -> None:
    sealed(place, [(0, "base", rows([1])), (0, "base", rows([1], 1))])
    for number in (1, 2):
        path = tmp_path / manifest.entry_name(CITY, number)
        whole = path.read_bytes()
        for at in range(0, len(whole), 7):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(ArchiveBroken, match=f"{number:08}.json"):
                ReadingArchive.open(place, CITY)
        path.write_bytes(whole)


def test_an_entry_follows_the_one_before(place: ArchivePlace) -> None:
    archive = sealed(place, [(0, "base", rows([1]))])
    with pytest.raises(ArchiveBroken, match="is there already"):
        manifest.add(place, CITY, archive.entries[0])
    manifest.add(place, CITY, replace(archive.entries[0], number=2, previous="0" * 64))
    with pytest.raises(ArchiveBroken, match="does not follow"):
        archive.refreshed()


def test_a_reader_is_never_given_other_values(place: ArchivePlace, tmp_path: Path) -> None:
    archive = sealed(place, [(0, "base", rows([1, 2]))])
    (path,) = tmp_path.rglob("*.parquet")
    whole = path.read_bytes()
    first = archive.read([1, 2], START, START + timedelta(days=2))
    for at in range(4, len(whole) // 2, 101):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            found = archive.shards()[0].read(START, START + timedelta(days=2))
        except OSError:
            continue
        assert same(found, first), at
    path.write_bytes(whole)
