"""Cold spells as records on site tell of them, against a plain reading of the rule."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.measurement import MeasurementRecord, Spell, spells
from domain.states import HomeState, Severity

NOON = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def record(
    hour: int, state: HomeState, room: str = "living", milli: int = 17_000, covered: bool = False
) -> MeasurementRecord:
    return MeasurementRecord(hour + 1, room, NOON + hour * HOUR, milli, state, covered)


def told(found: list[Spell]) -> list[tuple[int, int | None]]:
    """Return (start, end) of spells in hours."""
    return [((one.start - NOON) // HOUR, None if one.end is None else (one.end - NOON) // HOUR) for one in found]


def test_a_cold_record_opens_and_a_warm_one_of_the_same_room_ends() -> None:
    assert told(spells([record(0, HomeState.COLD)], {})) == [(0, None)]
    assert told(spells([record(0, HomeState.COLD), record(5, HomeState.WARM)], {})) == [(0, 5)]
    assert told(spells([record(0, HomeState.COLD), record(5, HomeState.FAIR)], {})) == [(0, 5)]
    assert told(spells([record(0, HomeState.COLD), record(5, HomeState.SHORT)], {})) == [(0, None)]
    assert told(spells([record(0, HomeState.COLD), record(5, HomeState.WARM, "bedroom")], {})) == [(0, None)]


def test_every_room_that_was_cold_has_to_be_measured_again() -> None:
    both = [record(0, HomeState.COLD, "a"), record(1, HomeState.SEVERE, "b", 15_000), record(2, HomeState.WARM, "a")]
    (one,) = spells(both, {})
    assert (one.end, one.severity, one.severe_at, one.lowest_milli) == (None, Severity.SEVERE, NOON + HOUR, 15_000)
    assert told(spells([*both, record(3, HomeState.WARM, "b"), record(4, HomeState.COLD, "b")], {})) == [
        (0, 3),
        (4, None),
    ]


def test_a_covered_record_belongs_to_another_flag() -> None:
    assert spells([record(0, HomeState.COLD, covered=True)], {}) == []
    assert told(spells([record(0, HomeState.COLD, covered=True), record(1, HomeState.COLD)], {})) == [(1, None)]


def test_after_the_end_that_something_else_made_a_cold_record_is_a_new_spell() -> None:
    ended = {NOON: NOON + 2 * HOUR}
    assert told(spells([record(0, HomeState.COLD), record(1, HomeState.COLD)], ended)) == [(0, None)]
    assert told(spells([record(0, HomeState.COLD), record(2, HomeState.COLD)], ended)) == [(0, None), (2, None)]


STATES = st.sampled_from(
    [HomeState.NOT_JUDGED, HomeState.WARM, HomeState.FAIR, HomeState.SHORT, HomeState.COLD, HomeState.SEVERE]
)


@given(st.lists(st.tuples(STATES, st.sampled_from("ab"), st.booleans()), max_size=12))
def test_as_the_rule_reads(said: list[tuple[HomeState, str, bool]]) -> None:
    records = [record(nth, state, room, 14_000 + nth, covered) for nth, (state, room, covered) in enumerate(said)]
    # A room is cold after a record if its last one that says anything was cold and not covered; a home if any room is.
    cold = []
    for nth in range(len(records)):
        last = {r.room: r for r in records[: nth + 1] if (r.state >= HomeState.COLD and not r.covered) or
                r.state in (HomeState.WARM, HomeState.FAIR)}  # fmt: skip
        cold.append(any(r.state >= HomeState.COLD for r in last.values()))
    before = [False, *cold]
    starts = [nth for nth in range(len(records)) if cold[nth] and not before[nth]]
    ends = [nth for nth in range(len(records)) if before[nth] and not cold[nth]]
    expected = [(start, next((end for end in ends if end > start), None)) for start in starts]
    assert told(spells(records, {})) == expected
