"""Pieces of one sensor's history are put end to end, and merged only where two tell of the same time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from archives.layout import READINGS, to_rows
from archives.merging import end_to_end, merge
from tests.unit.archives.months import rows


@given(st.data())
def test_pieces_end_to_end_are_what_merging_all_of_them_is(data: st.DataObject) -> None:
    whole = rows([7], every_s=7_200, seed=3)
    pieces = []
    for nth in range(data.draw(st.integers(0, 4))):
        low, high = sorted(data.draw(st.tuples(st.integers(0, 12), st.integers(0, 12))))
        piece = whole[low:high].copy()
        piece["temperature"] += nth
        piece["humidity"][data.draw(st.integers(0, 12)) :] = np.nan
        pieces.append({name: piece[name] for name in READINGS.dtype.names or ()})
    found = end_to_end(READINGS, pieces)
    at = np.concatenate([np.empty(0, np.int64), *(piece["measured_at"] for piece in found)])
    assert (at[1:] > at[:-1]).all()
    wanted = merge(READINGS, [to_rows(READINGS, piece) for piece in pieces])
    assert b"".join(to_rows(READINGS, piece).tobytes() for piece in found) == wanted.tobytes()


def test_only_the_time_in_doubt_is_merged() -> None:
    whole = rows([7], every_s=7_200)
    first, second, third = (
        {name: part[name] for name in READINGS.dtype.names or ()} for part in (whole[:6], whole[4:8], whole[8:])
    )
    found = end_to_end(READINGS, [third, first, second])
    assert [len(piece["measured_at"]) for piece in found] == [4, 8]
    assert found[0]["measured_at"].base is not None  # as it was read
    assert [len(piece["measured_at"]) for piece in end_to_end(READINGS, [third, first])] == [6, 4]
