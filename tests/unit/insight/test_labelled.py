"""Labelled cases are of no home: each combination is that of several, whatever comes in, and nothing is made up."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from insight.labelled import DROPPED, OTHER, K, LabelledCase, anonymous, banded

EVIDENCE = {
    "sure": 0.9,
    "fell_k": 3.2,
    "since_h": 7.0,
    "beside": 3,
    "beside_fell": 2,
    "supply_lost": 0.13,
    "outdoor": -7.1,
}
FEW = st.sampled_from([None, "a", "b"])
CASES = st.lists(
    st.tuples(st.integers(0, 9), st.builds(LabelledCase, FEW, FEW, FEW, FEW, FEW, FEW, st.sampled_from("xyz"))),
    max_size=60,
)


def test_evidence_in_bands() -> None:
    assert banded("riser_air", "riser", EVIDENCE) == LabelledCase(
        "-10..-5", "6..24", "2..4", "most", ">=12", "riser", "riser_air"
    )
    least = {
        **EVIDENCE,
        "since_h": 0.0,
        "fell_k": -0.5,
        "beside": 0,
        "beside_fell": 0,
        "supply_lost": 0.0,
        "outdoor": None,
    }
    assert banded("valve", None, least) == LabelledCase(None, None, "<1", "none measured", "<5", None, "valve")
    assert banded("valve", "riser", None) == LabelledCase(None, None, None, None, None, "riser", "valve")


@given(CASES, st.integers(1, 6))
def test_each_combination_is_that_of_several_homes(cases: list[tuple[int, LabelledCase]], k: int) -> None:
    told = anonymous(cases, k)
    assert len(told.cases) + told.left_out == len(cases)
    # Each row that is told is one that came in, without some columns; and k homes at least look like it.
    for row, many in Counter(case[:-1] for case in told.cases).items():
        blank = [name for name, value in zip(LabelledCase._fields, row, strict=False) if value is None]
        fits = [
            (home, case)
            for home, case in cases
            if all(value is None or value == there for value, there in zip(row, case, strict=False))
        ]
        assert k <= many <= len(fits)
        assert len({home for home, _ in fits}) >= k, blank
    found = Counter(case.found for case in told.cases)
    for cause, many in found.items():
        came = sum(case.found == cause for _, case in cases)
        assert cause == OTHER or (k <= len({home for home, case in cases if case.found == cause}) and many <= came)


def test_a_day_nobody_shares_is_not_told_and_a_rare_cause_is_other() -> None:
    usual = LabelledCase("-10..-5", "<6", "2..4", "most", "<5", "riser", "riser_air")
    cases = [(home, usual) for home in range(K)]
    cold_day = (90, usual._replace(outdoor="-25..-20"))
    told = anonymous([*cases, cold_day])
    assert (told.cases, told.left_out) == ([usual] * K, 1)  # its other columns are those of one home, too
    many = [(100 + home, usual._replace(outdoor=f"{home}")) for home in range(K)]
    assert anonymous(many).cases == [usual._replace(outdoor=None)] * K
    often = anonymous([(1, usual)] * 50)  # of one home, however often
    assert (often.cases, often.left_out) == ([], 50)
    rare = anonymous([*cases, (7, usual._replace(found="flooded"))])
    assert sorted({case.found for case in rare.cases}) == [OTHER, "riser_air"]
    assert DROPPED[0] == "outdoor"
