"""Another file with other seasons or another calendar: all else stays, and the days judged otherwise are named."""

import tomllib
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import policy_file
from domain.policy import Season
from domain.policy_draft import NotWritable, judged_otherwise, redrafted
from domain.working_days import WorkingCalendar

DAY = timedelta(days=1)
WINTER = Season(first=date(2025, 11, 1), end=date(2026, 4, 1))
CALENDAR = WorkingCalendar(frozenset({date(2027, 1, 1)}), frozenset({date(2027, 1, 2)}), frozenset({2027}))
FIRST = date(2026, 1, 1)


@pytest.mark.parametrize("name", policy_file.builtin_names())
def test_nothing_else_changes_in_a_built_in_policy(name: str) -> None:
    text = policy_file.builtin_text(name)
    made = redrafted(text, (WINTER,), CALENDAR)
    lines = [line for line in text.splitlines() if not line.startswith("seasons")]
    assert [line for line in made.splitlines() if not line.startswith("seasons")][: len(lines)] == lines
    policy = policy_file.load(made, "draft")
    assert policy.seasons == (WINTER,)
    assert policy.calendar == CALENDAR
    assert redrafted(made, None, WorkingCalendar()).rstrip() == redrafted(text, (WINTER,), None).rstrip()


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("seasons = [ # ends ] early\n  {from = 2020-01-01, to = 2021-01-01}, # ]\n] # kept\na = 1\n",
         "seasons = [{from = 2025-11-01, to = 2026-04-01}] # kept\na = 1\n"),
        ("note = '''\nseasons = [1]\n'''\nseasons = []\n",
         None),  # which of them it is cannot be told by a look at the line
        ("[[seasons]]\nfrom = 2020-01-01\nto = 2021-01-01\n", None),
        ("seasons = [\n]\n", "seasons = [{from = 2025-11-01, to = 2026-04-01}]\n"),
        ("[version]\nseasons = [1]\n", None),
    ],
)  # fmt: skip
def test_seasons_are_found_however_they_are_written_or_refused(text: str, made: str | None) -> None:
    tomllib.loads(text)
    if made is None:
        with pytest.raises(NotWritable):
            redrafted(text, (WINTER,), None)
    else:
        assert redrafted(text, (WINTER,), None) == made


def test_a_calendar_is_replaced_where_it_stands() -> None:
    old = "[calendar] # old\nyears = [\n  2026,\n]\nholidays = [2026-01-01]\n"
    text = f"a = 1\n\n{old}\n# of the next one\n[[version]]\nb = 2\n"
    table = "[calendar]\nyears = [2027]\nholidays = [2027-01-01]\nworkdays = [2027-01-02]\n"
    assert redrafted(text, None, CALENDAR) == f"a = 1\n\n{table}\n# of the next one\n[[version]]\nb = 2\n"
    assert redrafted(text, None, WorkingCalendar()) == "a = 1\n\n\n# of the next one\n[[version]]\nb = 2\n"
    assert redrafted("a = 1\n", None, CALENDAR) == f"a = 1\n\n{table}"
    assert redrafted("a = 1\n", None, WorkingCalendar()) == "a = 1\n"
    with pytest.raises(NotWritable):
        redrafted("calendar = {years = [2026]}\n", None, CALENDAR)


SEASONS = st.lists(
    st.tuples(st.integers(-5, 40), st.integers(1, 20)).map(
        lambda of: Season(first=FIRST + of[0] * DAY, end=FIRST + sum(of) * DAY)
    ),
    max_size=3,
)


@given(SEASONS, SEASONS, st.integers(0, 45), st.integers(0, 45))
def test_the_days_that_change_are_those_of_one_list_alone(
    before: list[Season], after: list[Season], low: int, high: int
) -> None:
    first, last = FIRST + low * DAY, FIRST + high * DAY

    def judged(seasons: list[Season], day: date) -> bool:
        return any(season.first <= day < season.end for season in seasons)

    asked = [first + n * DAY for n in range((last - first).days + 1)]
    wanted = {day: judged(after, day) for day in asked if judged(before, day) != judged(after, day)}
    spans = judged_otherwise(before, after, first, last)
    told = {one.first + n * DAY: one.judged for one in spans for n in range((one.last - one.first).days + 1)}
    assert told == wanted
    assert sum((one.last - one.first).days + 1 for one in spans) == len(wanted)
    joined = [(a, b) for a, b in pairwise(spans) if a.last + DAY == b.first]
    assert all(a.judged != b.judged for a, b in joined)
