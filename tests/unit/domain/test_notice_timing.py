"""Times of notices: against a clock that is walked minute by minute, and against floods of all shapes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.notice_timing import Bundling, Made, WaitingNotices, bundle, quiet_until
from domain.notices import NoticeRules

NOON = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
SPAN = timedelta(seconds=600)


def rules(quiet_from: time = time(22), quiet_to: time = time(7), count: int = 10) -> NoticeRules:
    return NoticeRules(
        quiet_from=quiet_from,
        quiet_to=quiet_to,
        digest_count=count,
        digest_span_s=600,
        give_up_s=86_400,
        outage_announce_s=28_800,
        outage_clause="9(3)",
    )


def quiet_at(rule: NoticeRules, at: datetime, zone: ZoneInfo) -> bool:
    """Return whether the text of the local clock lies between those of the policy."""
    clock = at.astimezone(zone).strftime("%H:%M:%S")
    opens, closes = rule.quiet_from.strftime("%H:%M:%S"), rule.quiet_to.strftime("%H:%M:%S")
    return opens <= clock < closes if opens < closes else clock >= opens or clock < closes


CLOCK = st.times().map(lambda t: t.replace(second=0, microsecond=0))
# Around both changes of the clocks in Berlin, in a zone without any, and in one half an hour off.
MOMENT = st.sampled_from([datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)]).flatmap(
    lambda first: st.integers(0, 36 * 3600).map(lambda s: first + timedelta(seconds=s))
)
ZONE = st.sampled_from(["Europe/Berlin", "Asia/Shanghai", "Asia/Kolkata", "Australia/Lord_Howe"]).map(ZoneInfo)


@given(CLOCK, CLOCK, MOMENT, ZONE)
def test_quiet_hours_end_at_the_first_second_that_is_not_quiet(
    opens: time, closes: time, at: datetime, zone: ZoneInfo
) -> None:
    if opens == closes:
        return
    rule = rules(opens, closes)
    until = quiet_until(rule, at, zone)
    if until is None:
        assert not quiet_at(rule, at, zone)
        return
    assert quiet_at(rule, at, zone)
    assert not quiet_at(rule, until, zone)
    # Quiet hours begin and end at whole minutes: no pause of them fits between two looks.
    minutes = int((until - at) / timedelta(minutes=1))
    steps = [at + timedelta(minutes=m) for m in range(minutes + 1)] + [until - timedelta(seconds=1)]
    assert all(quiet_at(rule, step, zone) for step in steps if at <= step < until)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-01-15T22:00:00+08:00", "2026-01-16T07:00:00+08:00"),
        ("2026-01-16T06:59:59+08:00", "2026-01-16T07:00:00+08:00"),
        ("2026-01-16T07:00:00+08:00", None),
        ("2026-01-15T21:59:59+08:00", None),
    ],
)
def test_quiet_hours_are_half_open(at: str, until: str | None) -> None:
    found = quiet_until(rules(), datetime.fromisoformat(at), ZoneInfo("Asia/Shanghai"))
    assert found == (datetime.fromisoformat(until) if until else None)


def waiting(count: int, since: datetime = NOON, urgent: bool = False) -> WaitingNotices:
    return WaitingNotices(count, since, urgent)


@pytest.mark.parametrize(
    ("given_waiting", "lately", "expected"),
    [
        (waiting(10), [], Bundling.ALONE),
        (waiting(11), [], Bundling.TOGETHER),
        (waiting(1), [Made(NOON, 1)] * 9, Bundling.ALONE),
        (waiting(1), [Made(NOON, 1)] * 10, Bundling.WAIT),
        (waiting(1, urgent=True), [Made(NOON, 1)] * 10, Bundling.WAIT),  # ten messages are the limit for everybody
        (waiting(1, urgent=True), [Made(NOON, 25)], Bundling.TOGETHER),
        (waiting(1), [Made(NOON, 25)], Bundling.WAIT),
        (waiting(11), [Made(NOON, 25)], Bundling.WAIT),  # a digest within the span is enough
        (waiting(11), [Made(NOON - SPAN, 25)], Bundling.TOGETHER),
        (waiting(1, NOON - SPAN), [Made(NOON - SPAN + timedelta(seconds=1), 25)], Bundling.TOGETHER),
    ],
)
def test_more_than_ten_in_ten_minutes_are_one_digest(
    given_waiting: WaitingNotices, lately: list[Made], expected: Bundling
) -> None:
    assert bundle(rules(), given_waiting, lately, NOON) is expected


ARRIVALS = st.lists(st.tuples(st.integers(0, 3000), st.booleans(), st.integers(1, 30)), max_size=40)


@given(ARRIVALS, st.integers(2, 12), st.integers(1, 30))
def test_a_flood_is_told_in_few_messages_and_nothing_is_lost_or_late(
    arrivals: list[tuple[int, bool, int]], count: int, step_s: int
) -> None:
    rule = rules(count=count)
    made: list[Made] = []
    told = 0
    held: list[tuple[datetime, bool]] = []
    for second in range(0, 3000 + 601 + step_s, step_s):
        now = NOON + timedelta(seconds=second)
        for at, urgent, how_many in arrivals:
            if second - step_s < at <= second:
                held += [(now, urgent)] * how_many
        if not held:
            continue
        what = bundle(rule, WaitingNotices(len(held), min(at for at, _ in held), any(u for _, u in held)), made, now)
        if what is Bundling.WAIT:
            assert all(now - at < SPAN for at, _ in held)
            continue
        made += [Made(now, 1)] * len(held) if what is Bundling.ALONE else [Made(now, len(held))]
        told += len(held)
        held = []
    assert not held
    assert told == sum(how_many for _, _, how_many in arrivals) == sum(message.notices for message in made)
    for message in made:
        assert sum(message.at <= other.at < message.at + SPAN for other in made) <= count
