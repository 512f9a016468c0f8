"""Pauses double from the first to the longest, and begin again after a success."""

from hypothesis import given
from hypothesis import strategies as st

from domain.backoff import Backoff, doubled


def test_pauses_double_up_to_the_longest_and_begin_again() -> None:
    backoff = Backoff(0.5, 3.0)
    assert [backoff.fail() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    backoff.succeed()
    assert (backoff.pause_s, backoff.fail(), backoff.pause_s) == (0.5, 0.5, 1.0)


@given(st.integers(-5, 10**9))
def test_any_number_of_attempts_has_a_pause(attempts: int) -> None:
    assert 1.0 <= doubled(1.0, attempts, 900.0) <= 900.0
