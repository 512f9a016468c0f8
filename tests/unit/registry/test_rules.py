"""Rules between columns and between lines."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.registry import RegisteredHome, RegisteredSensor, RegisteredSubstation
from registry import rules
from registry.csv_file import FileLine
from registry.rules import Registered

HOME = RegisteredHome("H1", "B1", "1-101", "multistorey", "on", None, None, None, None)
SENSOR = RegisteredSensor("S1", "H1", None, None, "living", "living", 60, 0.0, None, None)
DAY = datetime(2026, 1, 1, tzinfo=UTC)
SIX, NINE = time(6), time(21)


def faults(*rows: Registered) -> list[str]:
    lines: Sequence[FileLine[Registered]] = [FileLine(number, row) for number, row in enumerate(rows, 2)]
    return [f"{problem.line} {problem.column}: {problem.fault.en}" for problem in rules.problems("x.csv", lines)]


def day(number: int) -> datetime:
    return DAY + timedelta(days=number)


def test_rows_that_are_right() -> None:
    assert faults(HOME, HOME._replace(heat_status="stopped", status_since=DAY)) == []
    assert faults(HOME._replace(contract_limit=16.0, contract_from=NINE, contract_to=SIX)) == []  # crosses midnight
    assert faults(SENSOR._replace(valid_to=DAY), SENSOR._replace(home="H2", valid_from=DAY)) == []  # half-open
    assert faults(SENSOR._replace(home=None, substation="U1", room=None, room_kind=None)) == []


def test_a_place_has_both_coordinates_or_none() -> None:
    assert faults(RegisteredSubstation("U1", "One", "North", 40.0, None)) == ["2 lon: is empty, its other half is not"]


@pytest.mark.parametrize(
    ("contract", "found"),
    [
        ((18.0, SIX, None), "contract_to: is empty; a window needs both times; for all day leave both empty"),
        ((18.0, None, SIX), "contract_from: is empty; a window needs both times; for all day leave both empty"),
        ((None, SIX, NINE), "contract_limit: is empty, but the contract has a window"),
        ((18.0, SIX, SIX), "contract_to: is equal to contract_from; leave both empty for all day"),
    ],
)
def test_contracts(contract: tuple[float | None, time | None, time | None], found: str) -> None:
    limit, start, end = contract
    home = HOME._replace(contract_limit=limit, contract_from=start, contract_to=end)
    assert faults(home) == [f"2 {found}"]


def test_where_a_sensor_stands() -> None:
    both = "2 home: name either a home or a substation"
    assert faults(SENSOR._replace(substation="U1")) == [both]
    assert faults(SENSOR._replace(home=None)) == [both]
    assert faults(SENSOR._replace(room=None)) == ["2 room: is empty; a sensor in a home needs it"]
    assert faults(SENSOR._replace(home=None, substation="U1")) == [
        "2 room: must be empty for a sensor at a substation",
        "2 room_kind: must be empty for a sensor at a substation",
    ]


def test_codes_that_stand_twice() -> None:
    row = RegisteredSubstation("U1", "One", "North", None, None)
    assert faults(row, row._replace(code="U2"), row) == ["4 code: is also on line 2"]


def test_the_history_of_a_home() -> None:
    assert faults(HOME, HOME) == ["3 status_since: is the same as on line 2"]
    assert faults(HOME, HOME._replace(status_since=DAY, unit="x")) == [
        "3 code: differs from line 2 in more than its heat status"
    ]


def test_spans_of_a_sensor_do_not_overlap() -> None:
    spans = [(day(4), None), (None, day(5)), (day(1), day(2))]
    rows = [SENSOR._replace(valid_from=start, valid_to=end) for start, end in spans]
    assert faults(*rows) == [
        "4 valid_from: overlaps the time on line 3",
        "2 valid_from: overlaps the time on line 3",
    ]
    assert faults(SENSOR._replace(valid_from=DAY, valid_to=DAY)) == ["2 valid_to: is not after valid_from"]


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 4)), min_size=1, max_size=4))
def test_overlaps_are_found_as_by_comparing_all_pairs(spans: list[tuple[int, int]]) -> None:
    rows = [SENSOR._replace(valid_from=day(start), valid_to=day(start + days)) for start, days in spans]
    pairs = ((a, b) for at, a in enumerate(spans) for b in spans[at + 1 :])
    overlap = any(a[0] < b[0] + b[1] and b[0] < a[0] + a[1] for a, b in pairs)
    assert bool(faults(*rows)) == overlap
