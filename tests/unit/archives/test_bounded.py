"""Memory that reading an archive takes: it does not grow with the city."""

import tracemalloc
from datetime import timedelta

import numpy as np
import pytest

from archives import manifest
from archives.columns import JUDGED_ROW, ShardReader
from archives.footers import KeptFooters
from archives.layout import READINGS
from archives.place import ArchivePlace
from archives.reading import ReadingArchive
from tests.unit.archives.months import START, rows, sealed

SHARDS, DAYS = 12, 20
NONE = np.empty(0, JUDGED_ROW)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> ReadingArchive:
    """A city of shards of two sensors each, with a file each."""
    place = ArchivePlace(tmp_path_factory.mktemp("city").as_uri())
    parts = [(nth, "base", rows([2 * nth, 2 * nth + 1], days=DAYS)) for nth in range(SHARDS)]
    return sealed(place, parts)


def test_a_reader_keeps_nothing_of_the_shards_that_it_has_left(archive: ReadingArchive) -> None:
    reader, held = ShardReader(archive.shards(READINGS)), list[int]()
    tracemalloc.start()
    try:
        for nth in range(SHARDS):
            found = reader.good(np.array([2 * nth, 2 * nth + 1], np.int32), START, START + timedelta(days=DAYS), NONE)
            assert len(np.unique(found.sensor)) == 2
            del found
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    one = 2 * DAYS * 96 * 16  # bytes of a file's readings in memory
    assert held[0] > one  # the last group of a file is kept
    assert held[-1] < held[0] + 2 * one


def test_what_a_reader_has_left_it_reads_again(archive: ReadingArchive) -> None:
    reader, span = ShardReader(archive.shards(READINGS)), (START, START + timedelta(days=DAYS))
    first = np.array([0, 1], np.int32)
    said = [reader.good(sensors, *span, NONE).rows for sensors in (first, np.array([8], np.int32), first)]
    assert len(said[0]) > 1_000
    assert (said[0] == said[2]).all()


def names(archive: ReadingArchive) -> list[str]:
    return [manifest.file_name(shard.utility, shard.files[0].path) for shard in archive.shards(READINGS)]


def test_footers_are_kept_up_to_so_many_groups_and_those_asked_for_lately(archive: ReadingArchive) -> None:
    place, paths, footers = archive.shards(READINGS)[0].place, names(archive), KeptFooters(groups=3)
    found = [footers.of(place, path) for path in paths[:3]]
    assert [one.metadata.num_row_groups for one in found] == [1, 1, 1]
    assert footers.of(place, paths[0]) is found[0]
    footers.of(place, paths[3])
    assert len(footers) == 3
    assert footers.of(place, paths[0]) is found[0]
    assert footers.of(place, paths[1]) is not found[1]


def test_a_footer_that_is_larger_than_all_may_be_is_kept_alone(archive: ReadingArchive) -> None:
    place, (path, *_), footers = archive.shards(READINGS)[0].place, names(archive), KeptFooters(groups=0)
    assert footers.of(place, path) is footers.of(place, path)
