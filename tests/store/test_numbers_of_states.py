"""Meanings of numbers in SQL are those of the domain."""

import psycopg
import pytest

from domain.quality import Quality
from domain.states import HomeState, Severity

SELECT_STATE = """
SELECT
  state_name(%(state)s::smallint), is_known(%(state)s::smallint), is_warm(%(state)s::smallint),
  is_short(%(state)s::smallint), is_breach(%(state)s::smallint)
"""
COLD_RECORDS = "EXPLAIN SELECT FROM measurement AS m WHERE is_breach(m.state) AND m.signature IS NOT NULL AND {}"


@pytest.mark.parametrize("state", list(HomeState))
def test_a_state_says_the_same_in_sql(connection: psycopg.Connection, state: HomeState) -> None:
    assert connection.execute(SELECT_STATE, {"state": int(state)}).fetchone() == (
        state.shown,
        state >= HomeState.WARM,
        state in (HomeState.WARM, HomeState.FAIR),
        state >= HomeState.SHORT,
        state >= HomeState.COLD,
    )


@pytest.mark.parametrize("severity", list(Severity))
def test_a_severity_has_the_same_name_in_sql(connection: psycopg.Connection, severity: Severity) -> None:
    row = connection.execute("SELECT severity_name(%s::smallint)", (int(severity),)).fetchone()
    assert row == (severity.name.lower(),)


@pytest.mark.parametrize("quality", list(Quality))
def test_only_a_good_quality_is_good_in_sql(connection: psycopg.Connection, quality: Quality) -> None:
    row = connection.execute("SELECT is_good(%s::smallint)", (int(quality),)).fetchone()
    assert row == (quality is Quality.GOOD,)


def test_a_name_for_a_number_still_lets_an_index_be_used(connection: psycopg.Connection) -> None:
    connection.execute("SET LOCAL enable_seqscan = off")
    plan = connection.execute(COLD_RECORDS.format("m.measured_at > now()").encode()).fetchall()
    assert "measurement_cold" in str(plan), plan
