"""The feed of changes: notes by triggers, and reading on from a snapshot."""

from datetime import datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.incidents import IncidentKind
from store.figures import live_feed
from store.figures.live_feed import FeedPosition, Snapshot
from tests.api import town
from tests.api.town import NOW
from tests.conftest import Database

XIDS = st.integers(3, 40)
INSERT_INCIDENT = """
INSERT INTO incident (kind, substation_id, station, ticket_id, why, opened_at) VALUES (%s, 1, 'North', %s, '{}', %s)
"""


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    xmin, xmax = sorted((draw(XIDS), draw(XIDS)))
    inside = st.frozensets(st.integers(xmin, xmax - 1)) if xmin < xmax else st.just(frozenset[int]())
    return Snapshot(xmin, xmax, draw(inside))


@given(snapshots(), snapshots(), st.integers(0, 10**15))
def test_a_place_is_read_as_it_was_written(one: Snapshot, other: Snapshot, upto: int) -> None:
    assert Snapshot.parse(str(one)) == one
    assert FeedPosition.parse(str(FeedPosition.all(one))) == FeedPosition.all(one)
    within = one.later(other)
    told = FeedPosition(one if within is other else other, within, upto)
    assert FeedPosition.parse(str(told)) == (told if told.before != within else FeedPosition.all(within))


@pytest.mark.parametrize(
    "text",
    ["", "x", "1", "10:16", "10:16:12,", "16:10:", "10:16:20", "10:16:/5", "10:16://5", "10:16:/10:16:/-1"],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a "):
        FeedPosition.parse(text)


@given(st.text(st.sampled_from("0123456789:,/x- "), max_size=40) | st.text(max_size=20))
def test_what_is_read_as_a_place_is_one(text: str) -> None:
    try:
        place = FeedPosition.parse(text)
    except ValueError:
        return
    assert str(FeedPosition.parse(str(place))) == str(place)


def test_the_server_reads_a_snapshot_as_we_do(plain_database: Database) -> None:
    with plain_database.connect() as conn:
        snapshot = Snapshot(10, 16, frozenset({10, 13}))
        seen = conn.execute(
            "SELECT x, pg_visible_in_snapshot(x::text::xid8, %s::pg_snapshot) FROM generate_series(1, 20) AS x",
            (str(snapshot),),
        ).fetchall()
    assert seen == [(x, snapshot.sees(x)) for x in range(1, 21)]


def noted(conn: psycopg.Connection) -> list[tuple[str, str]]:
    """Return what was noted since the last time."""
    rows = conn.execute("SELECT kind, what FROM live_event ORDER BY live_event_id").fetchall()
    conn.execute("DELETE FROM live_event")
    return rows


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("severity = 2, severe_at = now()", ["worsened"]),
        ("suspended_at = now()", ["suspended"]),
        ("cleared_at = now(), clear_reason = 'recovered'", ["cleared"]),
        ("cleared_at = now(), clear_reason = 'withdrawn'", ["withdrawn"]),
        ("cold_since = now()", ["corrected"]),
        ("lowest = 3", []),
    ],
)
def test_what_changes_of_a_flag(database: Database, change: str, what: list[str]) -> None:
    with database.connect() as conn:
        home = town.home(conn)
        town.flag(conn, home, town.ticket(conn, home)[0])
        assert noted(conn) == [("ticket", "opened"), ("flag", "raised")]
        conn.execute(f"UPDATE flag SET {change}".encode())
        assert noted(conn) == [("flag", each) for each in what]


def test_a_flag_goes_on_and_one_is_found_when_it_is_over(database: Database) -> None:
    with database.connect() as conn:
        home = town.home(conn)
        ticket, _ = town.ticket(conn, home)
        town.flag(conn, home, ticket, suspended_at=NOW)
        conn.execute("UPDATE flag SET suspended_at = NULL")
        town.flag(conn, home, ticket, since=NOW - timedelta(days=1), cleared_at=NOW)
        assert noted(conn)[1:] == [("flag", "raised"), ("flag", "resumed"), ("flag", "found")]


def test_what_changes_of_an_incident(database: Database) -> None:
    with database.connect() as conn:
        ticket, _ = town.ticket(conn, town.home(conn))
        conn.execute(INSERT_INCIDENT, (IncidentKind.COLD_HOMES, ticket, NOW))
        conn.execute("UPDATE incident SET recovering_since = now()")
        conn.execute("UPDATE incident SET recovering_since = NULL, calm_since = NULL")
        conn.execute("UPDATE incident SET calm_since = now()")
        conn.execute("UPDATE incident SET closed_at = now(), close_reason = 'recovered'")
        assert [what for kind, what in noted(conn) if kind == "incident"] == [
            "opened",
            "recovering",
            "relapsed",
            "closed",
        ]


def test_a_transaction_sends_word_once(database: Database) -> None:
    with database.connect(autocommit=True) as ear, database.connect() as conn:
        live_feed.listen(ear)
        for code in ("a", "b", "c"):
            home = town.home(conn, code)
            town.flag(conn, home, town.ticket(conn, home)[0])
        conn.commit()
        assert live_feed.wait(ear, 5)
        assert not live_feed.wait(ear, 0.2)
        conn.execute("UPDATE home_state SET state = 3")
        conn.commit()
        assert not live_feed.wait(ear, 0.2)


def test_the_past_is_forgotten_and_who_was_there_cannot_go_on(database: Database) -> None:
    with database.connect() as conn, psycopg.connect(database.url_as("watch")) as watch:
        began = live_feed.now(conn)
        town.ticket(conn, town.home(conn))
        conn.commit()
        assert len(live_feed.untold(conn, FeedPosition.all(began), 10).changes) == 1
        assert live_feed.forget(watch, datetime.now(NOW.tzinfo) - timedelta(hours=1), 10) == 0
        assert live_feed.untold(conn, FeedPosition.all(began), 10).lost is None
        assert live_feed.forget(watch, datetime.now(NOW.tzinfo) + timedelta(hours=1), 10) == 1
        watch.commit()
        assert live_feed.untold(conn, FeedPosition.all(began), 10).lost == "too_old"
        assert live_feed.untold(conn, FeedPosition.all(live_feed.now(conn)), 10).lost is None
