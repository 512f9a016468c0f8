"""Days are judged again out of the archive as they were out of the table, also where nothing is on record of them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from alerts.judging.batches import in_archive
from alerts.judging.history import History
from alerts.judging.old_readings import old_readings
from alerts.judging.rejudge import RejudgeOutcome, Rejudging
from alerts.judging.sealed_days import SealedDays
from archives.history import OneHistory
from archives.place import ArchivePlace
from archives.reading import ReadingArchive
from domain import policy_file
from domain.instants import to_us
from tests.conftest import Database
from tests.store.archivist import BEGIN, DAY, Archivist, drop, settle
from tests.store.histories import finish, record

DAYS = 6
NOW = BEGIN + DAYS * DAY
FIRST = BEGIN.date()
STATE = """
SELECT home_id, state, state_since, breach_since, severe_since, warm_since, lowest, flag_id
FROM home_state ORDER BY home_id
"""
POLICY = policy_file.builtin("seed")


@pytest.fixture
def desk(plain_database: Database, tmp_path: Path) -> Iterator[Archivist]:
    with plain_database.connect(autocommit=True) as conn:
        desk = Archivist(conn, ArchivePlace(tmp_path.as_uri()))
        desk.settle_in()
        for noon in range(0, 24 * DAYS, 6):
            said = [(hour, BEGIN + timedelta(hours=hour)) for hour in range(noon, noon + 6, 2)]
            cold = [("s1", at, 16.0 + hour % 11 / 2) for hour, at in said]
            warm = [("s2", at, 21.0 if hour < 60 else 17.0) for hour, at in said]
            desk.say(*cold, *warm, now=said[-1][1] + timedelta(seconds=2))
        settle(conn, NOW)
        finish(desk, NOW)
        yield desk


def again(desk: Archivist, archive: ReadingArchive, days: int = 4) -> RejudgeOutcome:
    """Judge all homes again, as a worker of `hearth recheck` does."""
    sealed, outcome, history = SealedDays(archive), RejudgeOutcome(), History(POLICY, OneHistory(archive))
    for task in in_archive(desk.conn, [1, 2], archive, days):
        for homes in task:
            with desk.conn.transaction():
                judging = Rejudging(desk.conn, history, NOW)
                outcome.add(judging.days(homes, FIRST, FIRST + days * DAY, sealed.source))
    return outcome


def nothing(outcome: RejudgeOutcome) -> bool:
    return (outcome.days, outcome.changes) == (0, [])


def test_what_is_sealed_is_not_looked_for_in_the_table(desk: Archivist) -> None:
    archive = desk.sealed(NOW)
    before, state = record(desk), desk.rows(STATE)
    drop(desk.conn, archive, NOW)
    assert len(desk.table()) < DAYS * 24
    for days in (2, 4, DAYS + 2):
        assert nothing(again(desk, archive, days)), days
    assert (record(desk), desk.rows(STATE)) == (before, state)


def test_what_came_late_for_sealed_days_counts_before_it_is_sealed(desk: Archivist) -> None:
    archive = desk.sealed(NOW)
    desk.say(*(("s2", BEGIN + timedelta(hours=3, minutes=nth), 12.0) for nth in range(0, 300, 20)), now=NOW)
    finish(desk, NOW)
    before = record(desk)
    assert nothing(again(desk, archive))
    settle(desk.conn, NOW + DAY)
    assert nothing(again(desk, desk.sealed(NOW + timedelta(minutes=1))))
    assert record(desk) == before


def test_an_empty_ledger_is_settled_by_the_span_and_the_rest_goes_on_from_its_end(desk: Archivist) -> None:
    archive, (flags, days) = desk.sealed(NOW), record(desk)
    state = desk.rows(STATE)
    assert any(flag["cleared_at"] for flag in flags)
    assert any(flag["cleared_at"] is None for flag in flags)
    desk.conn.execute("ALTER TABLE ledger DISABLE TRIGGER USER")  # records stay, else
    desk.conn.execute("DELETE FROM ledger")
    desk.conn.execute("ALTER TABLE ledger ENABLE TRIGGER USER")
    outcome = again(desk, archive)
    assert outcome.changes == []
    # Home 1 breaches at the end of the span, or home 2 does: only the ones that do have later days.
    found = record(desk)
    assert found[0] == flags
    span = [day for day in days if day["day"] < FIRST + 4 * DAY]
    assert [day for day in found[1] if day["day"] < FIRST + 4 * DAY] == span
    assert all(day in days for day in found[1])
    assert desk.rows(STATE) == state
    assert again(desk, archive).days == 0


@pytest.mark.parametrize("read", [1, 2])
def test_what_is_in_memory_explains_flags_as_files_do(desk: Archivist, read: int) -> None:
    """Of the first sensor alone or of both, over a part of the days: what it does not cover whole comes from files."""
    archive, asked = (
        desk.sealed(NOW),
        [(home, BEGIN + timedelta(hours=2 + 5 * n)) for home in (1, 2) for n in range(28)],
    )
    drop(desk.conn, archive, NOW)
    instants, files = [(home, to_us(at)) for home, at in asked], OneHistory(archive)
    with desk.conn.transaction():
        brief = Rejudging(desk.conn, History(POLICY, files), NOW).brief(np.array([1, 2], np.int32), FIRST)
        source = SealedDays(archive).source(desk.conn, brief)
        source.said(np.unique(brief.stays["sensor_id"]).tolist()[:read], BEGIN + DAY, BEGIN + 3 * DAY)
        memory = files.having_read([span._replace(told=span.told.part(0, 0)) for span in source.read])
        nothing, known, expected = (
            old_readings(desk.conn, one, instants, 3.0) for one in (memory, files.having_read(source.read), files)
        )
    assert known.since == expected.since
    rows, by_files = (set(zip(*told[:3], strict=True)) for told in (known, expected))
    assert rows == by_files
    assert 0 < len(nothing.sensor_id) < len(known.sensor_id)  # it is the memory that is asked
