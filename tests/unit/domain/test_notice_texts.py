"""Texts of notices: every kind has its own, and every text can be written."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.notice_rendering import NOT_KNOWN, audiences, digest, render
from domain.notices import URGENT, Audience, NoticeKind
from domain.tickets import TicketClass
from domain.words.notices import COUNTED, NOT_TOLD, STAFF, USER, WORDS

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 1, 15, 23, 30, tzinfo=UTC)
FACTS = {
    "ticket": "T00000007",
    "class": "cold",
    "priority": 2,
    "home": "B1-101",
    "where": "Garden 3 B1-101",
    "station": "North",
    "responsible": "crew 2",
    "at": AT,
    "answer": "the valve was shut",
    "for_what": "a valve",
    "amount": "120.50",
    "contract": "C-7",
    "notice": "N00000003",
    "clock": "on_site",
    "due_at": AT.isoformat(),
    "year": 2028,
    "place": "S-7",
    "homes": 48,
    "incident": "I00000003",
    "alarm": "supply_low",
    "what": "ticket 7",
    "outage": "U00000001",
    "area": "S-7",
    "reason": "a burst pipe",
    "begins_at": AT,
    "expected_end": AT,
    "restored_at": AT,
    "explanation": "the pipe was replaced",
    "seal": "812:5f0c",
    "key": "4fd3",
    "signature": "c2lnbmVk",
}
EVERY = [(kind, audience) for kind in NoticeKind for audience in sorted(audiences(kind))]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("kind", "audience"), EVERY)
def test_every_kind_is_written_for_every_audience(kind: NoticeKind, audience: Audience, language: str) -> None:
    text = render(kind, audience, language, FACTS, ZONE)
    whole = text.subject + text.body
    assert text.subject
    assert text.body
    assert NOT_KNOWN not in whole  # every field has its fact
    assert "{" not in whole
    assert "\n" not in text.subject
    if language == "zh":
        assert re.search(r"[一-鿿]", text.body)
        assert re.search(r"[一-鿿]", text.subject)
    else:
        assert not re.search(r"[一-鿿]", whole)


def test_every_kind_has_a_text_for_somebody_and_a_name_in_digests() -> None:
    assert set(STAFF) | set(USER) == set(NoticeKind)
    assert set(COUNTED) == set(NoticeKind)
    assert set(NoticeKind) >= URGENT


def test_every_class_of_tickets_has_a_name() -> None:
    assert set(WORDS["class"]) == set(TicketClass)


def test_both_languages_name_the_same_facts() -> None:
    for wording in [*STAFF.values(), *USER.values()]:
        for text in wording:
            fields = [sorted(set(re.findall(r"{(\w+)}", one))) for one in text]
            assert fields[0] == fields[1], text


def test_texts_for_the_staff_name_no_door() -> None:
    for wording in STAFF.values():
        assert not re.search(r"{(unit|address|phone|name)}", " ".join([*wording.subject, *wording.body]))


def test_times_are_those_of_the_local_clock() -> None:
    assert "2026-01-16 07:30" in render(NoticeKind.OUTAGE_RESTORED, Audience.USER, "en", FACTS, ZONE).body


def test_what_is_not_known_is_a_dash_and_braces_are_only_text() -> None:
    text = render(NoticeKind.TICKET_ANSWERED, Audience.USER, "en", {"answer": "{ticket} {0}\r\nBcc: x"}, ZONE)
    assert text.body == f"About ticket {NOT_KNOWN} ({NOT_KNOWN}): {{ticket}} {{0}}\r\nBcc: x"


def test_terms_that_leave_something_open_say_so() -> None:
    facts = {**FACTS, "for_what": NOT_TOLD, "amount": NOT_TOLD}
    for language, what, amount in (
        ("zh", "维修", "由维修人员当面告知"),
        ("en", "the repair", "the crew will tell you"),
    ):
        body = render(NoticeKind.TERMS_TOLD, Audience.USER, language, facts, ZONE).body
        assert what in body
        assert amount in body


def test_a_digest_counts_all_and_shows_the_first() -> None:
    kinds = [NoticeKind.CLOCK_BREACHED] * 2 + [NoticeKind.TICKET_OPENED] * 23
    first = [render(kind, Audience.DISPATCH, "en", FACTS, ZONE) for kind in kinds[:3]]
    text = digest(kinds, first, "en")
    assert text.subject == "25 notices"
    assert "new tickets 23; overdue 2" in text.body
    assert text.body.count("\n- ") == 3
    assert "22 more" in text.body
    assert digest(kinds, first, "zh").subject == "25 条通知"
