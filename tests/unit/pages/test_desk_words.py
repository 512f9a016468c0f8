"""The words of the desk's pages: everything in both languages, every move with a form and a key."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from api.desk.moves import MODELS
from api.desk_pages.case_forms import FOLLOW_KEYS
from api.desk_pages.contact import REASONS
from api.desk_pages.measuring import MeasuringView
from api.desk_pages.move_forms import MOVE_KEYS, SentMove, fields_of, read_move, told_in
from api.desk_pages.time_left import Urgency, time_left
from api.desk_pages.timeline import shown_events
from api.http.language import Language
from api.pages.render import ALL_WORDS, CREW_SCRIPTS, Times
from api.words import pages
from api.words.answers import ANSWERS
from api.words.calls import CALL_WORDS
from api.words.cases import CASE_WORDS, FOLLOW_TEXTS, FOLLOWED_TEXTS
from api.words.crew import CREW_WORDS, SCRIPT_WORDS
from api.words.desk import DATA_TEXTS, DESK_WORDS, EVENT_TEXTS, MOVE_TEXTS, PROOFS, SOURCES
from api.words.exchange import PEER_WORDS
from api.words.files import FILE_WORDS
from api.words.insight import INSIGHT_WORDS
from api.words.maps import MAP_WORDS
from api.words.measurements import DUE_TEXTS, MEASURE_WORDS, WORTH_TEXTS
from api.words.office import OFFICE_WORDS
from api.words.outages import OUTAGE_WORDS
from api.words.refund_pages import REFUND_WORDS
from api.words.rota import ROTA_WORDS
from api.words.rules import RULES_WORDS
from api.words.staff import STAFF_WORDS
from api.words.supervision import SUP_WORDS
from api.words.telling import MY_WORDS
from api.words.trials import TRIAL_WORDS
from api.words.uploads import UPLOAD_WORDS
from api.words.wechat import WECHAT_WORDS
from domain.care import CareEnd
from domain.cases import CASE_CLASSES, FollowUp
from domain.measurement import DueReason, RecordWorth
from domain.move_bars import MoveBar
from domain.policy_file import builtin
from domain.states import ClearReason
from domain.tickets import (
    DISPATCH_MOVES,
    MOVES,
    DelayReason,
    EventKind,
    Proof,
    TicketClass,
    TicketSource,
    TicketState,
)
from domain.words.text import Text
from store.tickets.case_rows import CaseView
from store.tickets.queue_rows import QueueView
from tests.api.town import NOW

API = Path(__file__).parents[3] / "api"
SOURCE = "".join(
    path.read_text(encoding="utf-8")
    for folder in ("desk_pages", "crew", "pages/templates/desk", "pages/templates/crew")
    for path in (API / folder).iterdir()
    if path.suffix in (".py", ".html")
)
# Keys that are put together.
BEGINNINGS = (
    "desk_app_", "desk_apps_", "desk_figure_",
    "desk_view_", "desk_none_", "desk_state_", "desk_priority_", "desk_need_", "desk_bar_", "desk_field_",
    "desk_option_", "desk_reason_", "desk_identity_", "desk_span_",
    "desk_actor_", "desk_file_", "crew_way_", "crew_room_",
    "case_view_", "case_field_", "case_hint_", "measure_view_", "measure_field_", "measure_hint_",
    "outage_state_", "outage_kind_", "outage_place_", "outage_text_", "outage_notice_", "outage_move_",
    "incident_state_", "incident_kind_", "incident_close_", "incident_left_", "map_state_", "map_move_", "map_area_",
    "map_select_", "rota_weekday_", "rota_step_", "rota_done_",
)  # fmt: skip
ZONE = builtin("seed").zone


def test_a_key_is_one_of_the_desk() -> None:
    assert [key for key in DESK_WORDS if not key.startswith("desk_")] == []
    assert [key for key in CALL_WORDS if not key.startswith("call_")] == []
    assert [key for key in CASE_WORDS if not key.startswith("case_")] == []
    assert [key for key in MEASURE_WORDS if not key.startswith("measure_")] == []
    assert [key for key in ROTA_WORDS if not key.startswith("rota_") and key != "to_rota"] == []
    assert [key for key in OUTAGE_WORDS if not key.startswith(("outage_", "outages_", "incident_", "incidents_"))] == []
    assert [key for key in MAP_WORDS if not key.startswith("map_")] == []
    assert [key for key in MY_WORDS if not key.startswith("my_")] == []
    assert [key for key in CREW_WORDS if not key.startswith("crew_")] == []
    assert [key for key in FILE_WORDS if not key.startswith("desk_file_")] == []
    assert [key for key in OFFICE_WORDS if not key.startswith("office_")] == []
    assert [key for key in INSIGHT_WORDS if not key.startswith("insight_")] == []
    staff = (STAFF_WORDS, DESK_WORDS, CALL_WORDS, CASE_WORDS, MEASURE_WORDS, OUTAGE_WORDS, ROTA_WORDS, MAP_WORDS)
    assert [key for key in REFUND_WORDS if not key.startswith("refund_")] == []
    assert [key for key in PEER_WORDS if not key.startswith("peers_")] == []
    assert [key for key in WECHAT_WORDS if not key.startswith("wechat_")] == []
    own = (FILE_WORDS, OFFICE_WORDS, UPLOAD_WORDS, TRIAL_WORDS, RULES_WORDS, WECHAT_WORDS)
    others = (SUP_WORDS, MY_WORDS, CREW_WORDS, *own)
    assert len(ALL_WORDS) == sum(map(len, (pages.WORDS, INSIGHT_WORDS, REFUND_WORDS, PEER_WORDS, *staff, *others)))


def test_every_sentence_is_said() -> None:
    named = set(re.findall(r"['\"](\w+)['\"]", SOURCE))  # a key, or what follows `desk_` in one put together
    script = "".join((API / "pages/static" / name).read_text(encoding="utf-8") for name in CREW_SCRIPTS)
    assert {f"crew_{word}" for word in re.findall(r"\bwords\.(\w+)", script)} == set(SCRIPT_WORDS)
    named |= set(SCRIPT_WORDS)
    several = (
        *DESK_WORDS, *CASE_WORDS, *MEASURE_WORDS, *OUTAGE_WORDS, *MAP_WORDS, *CREW_WORDS, *FILE_WORDS,
        *(ROTA_WORDS.keys() - {"to_rota"}),
    )  # fmt: skip
    unused = [key for key in several if not key.startswith(BEGINNINGS)]
    parts = ("desk_", "outage_", "rota_")
    assert [key for key in unused if not {key, *(key.removeprefix(part) for part in parts)} & named] == []


def test_what_can_be_the_case_has_its_words() -> None:
    assert {f"desk_view_{view}" for view in QueueView} | {
        f"desk_none_{view}" for view in QueueView
    } <= DESK_WORDS.keys()
    assert {f"desk_state_{state}" for state in TicketState} <= DESK_WORDS.keys()
    assert {f"desk_bar_{bar}" for bar in MoveBar} <= DESK_WORDS.keys()
    assert {
        f"desk_need_{need}" for need in ("done", "proof", "reply", "call_back", "confirmation")
    } <= DESK_WORDS.keys()
    assert {f"desk_reason_{reason}" for reason in REASONS} <= DESK_WORDS.keys()
    assert EVENT_TEXTS.keys() == set(EventKind)
    assert MOVE_TEXTS.keys() == DISPATCH_MOVES
    assert SOURCES.keys() == set(TicketSource)
    assert PROOFS.keys() == set(Proof)
    assert {f"case_view_{view}" for view in CaseView} <= CASE_WORDS.keys()
    assert FOLLOW_TEXTS.keys() == FOLLOWED_TEXTS.keys() == FOLLOW_KEYS.keys() == set(FollowUp)
    assert {f"measure_view_{view}" for view in MeasuringView} <= MEASURE_WORDS.keys()
    assert DUE_TEXTS.keys() == set(DueReason)
    assert WORTH_TEXTS.keys() == set(RecordWorth)
    assert {text for answer in ANSWERS.values() for text in answer.of} <= set(TicketClass)


def test_every_move_has_a_form_and_a_key_of_its_own() -> None:
    assert MODELS.keys() == MOVE_KEYS.keys() == DISPATCH_MOVES
    others = set("jkqh/?.") | set("12345678") | {"n"}
    for named in TicketClass:  # a page shows the moves of one class
        mine = [key for kind, key in MOVE_KEYS.items() if named in MOVES[kind].classes]
        if named is TicketClass.APPLICATION:  # heat is either given or taken
            mine.remove(MOVE_KEYS[EventKind.HEAT_OFF])
        assert len({*mine, *others}) == len(mine) + len(others)
        # of one page, which is no list: j and k have nothing to move in
        keys = [*mine, *(FOLLOW_KEYS.values() if named in CASE_CLASSES else ())]
        assert len(set(keys)) == len(keys)
    for kind in DISPATCH_MOVES:
        for one in fields_of(kind):
            assert f"desk_field_{one.name}" in DESK_WORDS
            if one.kind == "choice" and not set(one.options) & set(DelayReason):
                assert {f"desk_option_{option}" for option in one.options} <= DESK_WORDS.keys()
    data = {one.name for kind in DISPATCH_MOVES for one in fields_of(kind)} - {"contact", "declined"}
    assert data <= DATA_TEXTS.keys()  # the timeline tells what was written


def test_the_fields_of_a_form_are_those_of_the_api() -> None:
    said = {one.name: (one.kind, one.required) for one in fields_of(EventKind.DELAYED)}
    made_at = {"made_at": ("time", False), "remark": ("words", False)}
    assert said == {"reason": ("choice", True), "explanation": ("words", True), **made_at}
    said = {one.name: (one.kind, one.required) for one in fields_of(EventKind.RESPONSIBILITY)}
    terms = {"for_what": ("line", False), "amount": ("number", False)}
    assert said == {"responsibility": ("choice", True), "paid": ("yes_no", True), **terms, **made_at}
    said = {one.name: (one.kind, one.required) for one in fields_of(EventKind.APPOINTMENT)}
    assert said == {"appointment_at": ("time", True), **made_at}
    said = {one.name: (one.kind, one.required) for one in fields_of(EventKind.PART_USED)}
    assert said == {"part": ("line", True), "count": ("count", False), **made_at}
    remark = [(one.name, one.required) for one in fields_of(EventKind.REMARK)]
    assert remark == [("remark", True), ("made_at", False)]


def test_wished_times_are_a_field_of_a_form() -> None:
    said = {one.name: (one.kind, one.required) for one in fields_of(EventKind.USER_SAID)}
    assert said["times"] == ("times", False)
    told = {"times": "2026-01-16 morning,2026-01-17 evening"}
    made = read_move(EventKind.USER_SAID, told, ZONE)
    times = [{"day": "2026-01-16", "part": "morning"}, {"day": "2026-01-17", "part": "evening"}]
    assert made.data() == {"times": times}  # type: ignore[union-attr]
    assert not read_move(EventKind.USER_SAID, {"times": "", "text": "later"}, ZONE).data().get("times")  # type: ignore[union-attr]
    for wrong in ("2026-01-16", "2026-01-16 noon", "tomorrow morning", ",", ",".join(["2026-01-16 morning"] * 13)):
        assert isinstance(read_move(EventKind.USER_SAID, {"times": wrong}, ZONE), dict), wrong
    sent = SentMove(kind=EventKind.USER_SAID, version=1, key="", told=told)
    assert told_in(sent, "zh") == [("方便上门的时间", "2026-01-16 上午、2026-01-17 晚上")]


def test_a_form_is_read_as_a_body_is() -> None:
    made = read_move(EventKind.APPOINTMENT, {"appointment_at": "2026-01-16T09:30", "remark": " "}, ZONE)
    assert made.data() == {"appointment_at": "2026-01-16T09:30:00+08:00"}  # type: ignore[union-attr]
    made = read_move(EventKind.RESPONSIBILITY, {"responsibility": "user", "paid": "no"}, ZONE)
    assert made.data() == {"responsibility": "user", "paid": False}  # type: ignore[union-attr]
    for kind, told, fault in (
        (EventKind.APPOINTMENT, {"appointment_at": "tomorrow"}, "appointment_at"),
        (EventKind.APPOINTMENT, {"appointment_at": "9999-12-31T23:59"}, "appointment_at"),
        (EventKind.CALLED_BACK, {"satisfied": "maybe"}, "satisfied"),
        (EventKind.REPLIED, {"text": "x", "channel": "pigeon"}, "channel"),
        (EventKind.REPLIED, {"text": "x" * 2001, "channel": "phone"}, "text"),
        (EventKind.REMARK, {}, "remark"),
        (EventKind.ASSIGNED, {}, "assigned"),
    ):
        faults = read_move(kind, told, ZONE)
        assert isinstance(faults, dict)
        assert isinstance(faults[fault], Text)


@pytest.mark.parametrize(
    ("seconds", "urgency", "en", "zh"),
    [
        (0, Urgency.LATE, "under 1 min late", "超时 不到 1 分钟"),
        (-59, Urgency.LATE, "under 1 min late", "超时 不到 1 分钟"),
        (-3600, Urgency.LATE, "1 h late", "超时 1 小时"),
        (59, Urgency.SOON, "under 1 min left", "剩 不到 1 分钟"),
        (29 * 60 + 59, Urgency.SOON, "29 min left", "剩 29 分钟"),
        (30 * 60, Urgency.NEAR, "30 min left", "剩 30 分钟"),
        (5400, Urgency.NEAR, "1 h 30 min left", "剩 1 小时 30 分"),
        (7200, Urgency.CALM, "2 h left", "剩 2 小时"),
        (48 * 3600, Urgency.CALM, "2 days left", "剩 2 天"),
    ],
)
def test_time_left_in_words(seconds: int, urgency: Urgency, en: str, zh: str) -> None:
    due = NOW + timedelta(seconds=seconds)
    assert time_left("en", due, NOW) == (urgency, en)
    assert time_left("zh", due, NOW) == (urgency, zh)
    assert time_left("en", None, NOW).urgency is Urgency.NONE


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        *((kind, reason) for kind in (EventKind.RECOVERED, EventKind.FLAG_ENDED) for reason in ClearReason),
        *((kind, reason) for kind in (EventKind.HEALED, EventKind.JOB_ENDED) for reason in CareEnd),
        *((EventKind.DELAYED, reason) for reason in DelayReason),
    ],
)
def test_the_timeline_has_words_for_the_reasons_of_machines(language: Language, kind: EventKind, reason: str) -> None:
    event = {"seq": 2, "at": NOW, "kind": kind.value, "actor": "hearth", "data": {"reason": str(reason)}}
    ((_, shown),) = shown_events([event], language, Times(language, ZONE, NOW), "/files")[0].says
    assert shown != reason
    assert "_" not in shown


def test_the_timeline_names_the_ticket_before_by_its_number() -> None:
    event = {"seq": 1, "at": NOW, "kind": "opened", "actor": "hearth", "data": {"follows": 112}}
    times = Times("en", ZONE, NOW)
    assert shown_events([event], "en", times, "/files")[0].says == [("Follows", "T00000112")]
    ((_, link),) = shown_events([event], "en", times, "/files", linked=True)[0].says
    assert link == '<a href="/desk/tickets/T00000112">T00000112</a>'
