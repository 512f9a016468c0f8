"""Batches of homes become tasks that keep all cores busy up to the end."""

from hypothesis import given
from hypothesis import strategies as st

from alerts.judging.batches import TASK_BATCHES, in_turns


def _batches_until_done(sizes: list[int], cores: int) -> int:
    """Let cores take one task after the other, each when it is free; return when the last one ends."""
    free = [0] * cores
    for size in sizes:
        free[free.index(min(free))] += size
    return max(free)


@given(st.integers(0, 300), st.integers(1, 70))
def test_cores_end_within_a_batch_of_each_having_an_equal_part(count: int, cores: int) -> None:
    batches = [[nth] for nth in range(count)]
    tasks = in_turns(batches, cores)
    assert [batch for task in tasks for batch in task] == batches
    assert all(1 <= len(task) <= TASK_BATCHES for task in tasks)
    assert _batches_until_done([len(task) for task in tasks], cores) <= count / cores + 1
