"""Applications for heat: random walks over their moves against the regulation's sentences, and when heat is due."""

from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import policy_file
from domain.applications import (
    ROUTES,
    STEPS,
    ApplicationKind,
    clocks_of,
    missing_before,
    step_bar,
    steps_on_record,
    takes,
)
from domain.clocks import heat_due_from
from domain.move_bars import MoveBar
from domain.tickets import (
    CREW_MOVES,
    DISPATCH_MOVES,
    MOVES,
    EventKind,
    TicketClass,
    TicketState,
    allowed_moves,
    state_after,
)

SEED = policy_file.builtin("seed")
SHANGHAI = ZoneInfo("Asia/Shanghai")
APPLIED = TicketClass.APPLICATION
# The regulation's own sentences, each as: this never happens before that. Written down apart from the table of routes.
SENTENCES: list[tuple[str, str, set[Any]]] = [
    ("heat_on", "heat_notice", set(ApplicationKind)),  # 5(6) 没有接到供热通知单之前,不得私自供热
    ("heat_notice", "inspected", {"connect", "new_load"}),  # 5(3), 5(6) 验收合格
    ("heat_notice", "contract_signed", {"connect", "new_load"}),  # 5(3) 签订供用热合同
    ("heat_notice", "fees_settled", {"new_load"}),  # 5(6) 热费、增容配套费、外网施工费
    ("area_notice", "inspected", {"change_area", "new_load"}),  # 5(5) 公司验收合格后
    ("heat_off", "approved", {"stop"}),  # 5(5) 审批后
    ("heat_on", "approved", {"resume"}),
    ("approved", "fees_settled", {"stop", "resume"}),  # 6(1) 进行热费结算
    ("done", "fees_settled", {"change_name", "change_area"}),
    ("done", "area_notice", {"change_area"}),
]


def walk(kind: ApplicationKind, wishes: list[tuple[EventKind, bool, bool]]) -> list[dict[str, Any]]:
    """Try moves one after the other, and return the events of those that are taken."""
    state, events = TicketState.OPEN, list[dict[str, Any]]()
    for wish, passed, is_last in wishes:
        after = state_after(state, wish, APPLIED)
        if after is None or not takes(kind, wish) or step_bar(kind, steps_on_record(events), wish) is not None:
            continue
        data = {"passed": passed, "stage": "completion" if is_last else "intermediate"}
        events.append({"kind": wish.value, "data": data})
        state = after
    return events


WISHES = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.booleans(), st.booleans()), max_size=60)


@settings(max_examples=300)
@given(kind=st.sampled_from(list(ApplicationKind)), wishes=WISHES)
def test_no_walk_breaks_a_sentence_of_the_regulation(
    kind: ApplicationKind, wishes: list[tuple[EventKind, bool, bool]]
) -> None:
    events = walk(kind, wishes)
    for i, event in enumerate(events):
        told = [(e["kind"], e["data"]) for e in events[:i]]
        assert event["kind"] in ("plan_answered", "plan_refused") or "plan_answered" in dict(told)  # 5(2)
        for what, before, kinds in SENTENCES:
            if event["kind"] == what and kind in kinds:
                proofs = [data for name, data in told if name == before]
                if before == "inspected":
                    proofs = [data for data in proofs if data["stage"] == "completion"][-1:]
                    proofs = [data for data in proofs if data["passed"]]
                assert proofs, (what, before)
    once = [e["kind"] for e in events if e["kind"] not in ("inspected", "contract_offered")]
    assert len(once) == len(set(once))


@pytest.mark.parametrize("kind", list(ApplicationKind))
def test_every_kind_comes_to_its_end(kind: ApplicationKind) -> None:
    """All that is open is taken; in so many rounds as there are steps everything stands, and the ticket is done."""
    wishes = [(step, True, True) for _ in ROUTES[kind] for step in ROUTES[kind]]
    events = walk(kind, wishes)
    assert steps_on_record(events) == set(ROUTES[kind])
    assert {e["kind"] for e in events} & {"heat_on", "heat_off", "done"} == {events[-1]["kind"]}


@settings(max_examples=100)
@given(kind=st.sampled_from(list(ApplicationKind)), wishes=WISHES)
def test_a_bar_says_what_is_missing(kind: ApplicationKind, wishes: list[tuple[EventKind, bool, bool]]) -> None:
    standing = steps_on_record(walk(kind, wishes))
    for step, needs in ROUTES[kind].items():
        missing = {need for need in needs if need not in standing}
        assert missing_before(kind, standing, step) == missing
        assert (step_bar(kind, standing, step) is MoveBar.NOT_YET) == bool(missing)


def test_an_inspection_that_failed_is_made_again_and_one_that_heat_rests_on_is_not() -> None:
    told = iter(count())
    events: list[dict[str, Any]] = [{"kind": "plan_answered", "data": {}}]

    def inspect(*, passed: bool) -> None:
        events.append({"kind": "inspected", "data": {"stage": "completion", "passed": passed, "nth": next(told)}})

    inspect(passed=True)
    inspect(passed=False)
    connect = ApplicationKind.CONNECT
    assert EventKind.INSPECTED not in steps_on_record(events)
    inspect(passed=True)
    assert step_bar(connect, steps_on_record(events), EventKind.INSPECTED) is None
    events += [{"kind": kind, "data": {}} for kind in ("contract_offered", "contract_signed")]
    assert step_bar(connect, steps_on_record(events), EventKind.INSPECTED) is MoveBar.STANDS


def test_repairs_have_no_step_of_an_application_and_applications_none_of_a_repair() -> None:
    steps = STEPS - {EventKind.DONE}
    for state in TicketState:
        for other in set(TicketClass) - {APPLIED}:
            assert not steps & set(allowed_moves(state, other))
    assert {EventKind.REWORK, EventKind.REOPENED, EventKind.CONFIRMED, EventKind.PART_USED}.isdisjoint(
        move for state in TicketState for move in allowed_moves(state, APPLIED)
    )
    assert steps <= DISPATCH_MOVES
    assert steps & CREW_MOVES == {EventKind.INSPECTED, EventKind.HEAT_ON, EventKind.HEAT_OFF}
    assert all(MOVES[step].shown is not None for step in steps)


def test_homes_have_heat_at_once_and_others_within_their_term() -> None:
    assert clocks_of(ApplicationKind.CONNECT, is_home=True) == {"plan_answer", "heat_at_once"}
    assert clocks_of(ApplicationKind.CONNECT, is_home=False) == {"plan_answer", "heat_on"}
    assert clocks_of(ApplicationKind.STOP, is_home=True) == {"plan_answer"}
    named = {name for kind in ApplicationKind for home in (True, False) for name in clocks_of(kind, is_home=home)}
    assert named == SEED.versions[-1].clocks["application"].keys()


@settings(max_examples=100)
@given(minutes=st.integers(0, 800 * 24 * 60))
def test_heat_is_due_from_the_first_day_of_a_season_on(minutes: int) -> None:
    """Found by looking at each day from now on; after the last season that is known nothing is put off."""
    now = datetime(2025, 6, 1, tzinfo=SHANGHAI) + timedelta(minutes=minutes)
    day, until = now.date(), date(2027, 12, 31)
    while day < until and not any(season.first <= day < season.end for season in SEED.seasons):
        day += timedelta(days=1)
    begins = heat_due_from(SEED, now)
    if day in (now.date(), until):
        assert begins == now
    else:
        assert begins == datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
