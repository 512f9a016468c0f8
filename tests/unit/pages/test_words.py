"""Every sentence of the pages is there in both languages, with the same fields, and is said somewhere."""

import re
from pathlib import Path
from string import Formatter

import pytest
from markupsafe import Markup

from api.pages.render import ALL_WORDS, say
from domain.policy_file import builtin, builtin_names
from domain.tickets import CLOCK_NAMES, TicketState

PAGES = Path(__file__).parents[3] / "api" / "pages"
STAFF = Path(__file__).parents[3] / "api" / "staff"
DESK = Path(__file__).parents[3] / "api" / "desk_pages"
DEMO = Path(__file__).parents[3] / "hearth" / "demo"  # whose doors are pages, too
SOURCES = "".join(
    p.read_text(encoding="utf-8")
    for p in (*PAGES.rglob("*"), *STAFF.glob("*.py"), *DESK.glob("*.py"), *DEMO.glob("*.py"))
    if p.suffix in (".py", ".html") and p.stem != "words"
)
# Keys that are put together: their beginning is in the source.
BEGINNINGS = (
    "state_",
    "ticket_",
    "clock_",
    "will_",
    "promise_",
    "why_",
    "trouble_",
    "form_",
    "room_",
    "at_",
    "fault_",
    "door_",
    "refund_mine_",
    "refund_state_",
    "refund_col_",
    "refund_done_",
    "refund_paper_",
    "office_rules",
    "office_upload",
    "upload_",
    "office_trial",
    "trial_",
    "rules_",
    "desk_",  # tests/unit/pages/test_desk_words.py
    "role_",
    "case_",  # the same
    "sup_",
    "crew_",  # the same
    "measure_",  # the same
    "rota_",  # the same
    "outage_",  # the same
    "incident_",  # the same
    "insight_",  # the same
    "peers_is_",
    "peers_response_",
    "peers_solution_",
    "map_",  # the same
    "office_class_",
    "office_contact_",
    "office_done_",
    "office_exposure_",
    "office_heat_",
    "office_right_",
    "office_room_",
    "office_tokens",
    "call_by_",
    "call_place_",
    "call_channel_",
    "call_class_",
    "call_kind_",
    "wechat_kind_",
    "done_",
    "event_",
    "rule_",
    "my_says_",
    "my_reaction_",
    "my_part_",
    "my_file_",
)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(ALL_WORDS.keys() - {"sentence_gap"}))
def test_both_languages_say_the_same(key: str) -> None:
    text = ALL_WORDS[key]
    assert text.zh
    assert text.en
    assert fields(text.zh) == fields(text.en)
    assert not re.search(r"[<>&]", text.zh + text.en)  # they are markup as they stand
    assert not re.search("[\u4e00-\u9fff]", text.en) or key == "other_language"


def test_every_sentence_is_said() -> None:
    said = set(re.findall(r"(?<=['\"])\w+(?=['\"])", SOURCES))
    assert [key for key in ALL_WORDS if key not in said and not key.startswith(BEGINNINGS)] == []


def test_what_can_be_the_case_has_its_words() -> None:
    assert {f"ticket_{state}" for state in TicketState} <= ALL_WORDS.keys()
    for name in CLOCK_NAMES | {"call_back"}:
        assert {f"clock_{name}", f"will_{name}"} <= ALL_WORDS.keys()
    known = {
        clock for name in builtin_names() for v in builtin(name).versions for c in v.clocks.values() for clock in c
    }
    assert known <= CLOCK_NAMES


def test_sentences_are_filled_in_as_markup_does_it() -> None:
    values = ("<b>", Markup("<i>"), 3, 2.5, "&", "{x}", None)
    for key, text in ALL_WORDS.items():
        for language in ("zh", "en"):
            sentence = getattr(text, language)
            names = [name for _, name, spec, turned in Formatter().parse(sentence) if name and not spec and not turned]
            for turn in range(len(values)):
                fields = {name: values[(nth + turn) % len(values)] for nth, name in enumerate(names)}
                assert say(language, key, **fields) == Markup(sentence).format(**fields), key


FULL_STOPS = tuple("。！？；")
SPACED = re.compile(r"say\('(\w+)'[^{}]*\) \}\}(?:\{% endif %\})? (?:\{\{|\{% if|<a)")


def test_sentences_in_chinese_have_no_space_between_them() -> None:
    """A template that puts two sentences side by side has `say('sentence_gap')` between them."""
    assert (say("zh", "sentence_gap"), say("en", "sentence_gap")) == ("", " ")
    templates = [path.read_text(encoding="utf-8") for path in PAGES.rglob("*.html")]
    spaced = [name for text in templates for name in SPACED.findall(text) if name in ALL_WORDS]
    assert spaced
    assert [name for name in spaced if ALL_WORDS[name].zh.endswith(FULL_STOPS)] == []
