"""The paper of a dossier: words of others stay words, and each language has all of it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.policy_file import builtin
from domain.words.text import Text
from papers.dossier import paper
from papers.dossier.chart import TemperatureChart
from papers.dossier.paper import MOST_ROWS, DossierContents, render
from papers.words import dossier

SEED = builtin("seed")
START, DAY_US = 1_768_320_000_000_000, 86_400_000_000
HOSTILE = '#panic() $x$ \\ <b> "] #image("/etc/passwd")'
AT = datetime(2026, 1, 14, 3, tzinfo=UTC)
DAY: dict[str, Any] = {
    "day": date(2026, 1, 14), "compliant_s": 80_000.0, "cold_s": 6_400.0, "severe_s": 0.0, "unknown_s": 0.0,
    "not_judged_s": 0.0, "shortfall_s": 0.0, "min": 17.1, "mean": 18.0, "kelvin_hours": 1.5, "closed": True,
}  # fmt: skip


def contents(**changes: Any) -> DossierContents:
    plain: dict[str, Any] = {
        "home": {
            "code": HOSTILE, "building": HOSTILE, "class": "multistorey", "contract_limit": 20.0, "contract_from": None,
            "contract_to": None, "readings_kept_since": AT,
        },
        "heat": [{"since": None, "status": "on"}, {"since": AT, "status": "stopped"}],
        "first": date(2026, 1, 14),
        "end": date(2026, 1, 15),
        "view": "user",
        "counted": (AT, AT),
        "readings": {"count": 3, "last_measured_at": AT, "last_received_at": AT},
        "places": [(HOSTILE, HOSTILE, True), ("b", "other", False)],
        "rules": list(zip(SEED.labels, SEED.versions, strict=True)),
        "ledger": [DAY],
        "differing": [date(2026, 1, 14)],
        "flags": [
            {"cold_since": AT, "cleared_at": None, "clear_reason": None, "lowest": 17.1, "why": {"reason": HOSTILE},
             "ticket": None}
        ],
        "tickets": [
            {"number": HOSTILE, "class": "cold", "opened_at": AT, "done_at": None, "closed_at": None,
             "retrospective": True, "clocks": [{"name": "done", "breached_at": AT}, {"name": "x", "breached_at": AT}]}
        ],
        "measurements": [
            {"number": "M1", "measured_at": AT, "room": HOSTILE, "celsius": 17.0, "worth": "unsigned"}
        ],
        "outages": [
            {"number": "O1", "kind": "fault", "begins_at": AT, "restored_at": None, "cancelled_at": None,
             "reason": HOSTILE}
        ],
        "refunds": [
            {"number": "R1", "upto": date(2026, 1, 15), "rules": HOSTILE, "currency": "CNY", "total": "16.00",
             "paid": "0.00"}
        ],
        "chart": TemperatureChart(
            START, START + DAY_US, (START, START + DAY_US // 24), ZoneInfo("Asia/Shanghai"), [[]], [], []
        ),
    }  # fmt: skip
    return DossierContents(**{**plain, **changes})


@pytest.mark.parametrize("language", ["zh", "en"])
def test_words_of_others_stay_words_and_the_bytes_are_the_same_each_time(language: str) -> None:
    made = render(contents(), language)
    assert made.startswith(b"%PDF")
    assert render(contents(), language) == made


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_known_is_set_as_well(language: str) -> None:
    names = ("heat", "places", "rules", "ledger", "differing", "flags", "tickets", "measurements", "outages", "refunds")
    nothing: dict[str, Any] = {name: [] for name in names}
    silent = contents(**nothing, counted=None, readings={"count": 0, "last_measured_at": None,
                                                            "last_received_at": None})  # fmt: skip
    assert render(silent, language).startswith(b"%PDF")
    teller = paper._Teller(silent, language)
    assert teller.finding() == teller.said(dossier.FINDING_NONE)


def test_a_long_table_says_where_the_rest_is() -> None:
    rows = [DAY] * (MOST_ROWS + 7)
    days, _ = paper._Teller(contents(ledger=rows), "en")._days()
    assert len(days.rows) == MOST_ROWS
    assert "7 more rows in ledger.csv." in days.note


def test_a_sensor_of_two_rooms_is_one_line_of_the_chart() -> None:
    moved = contents(places=[("a", "living", True), ("a", "bedroom", True), ("b", "living", True)])
    assert [item["label"] for item in paper._Teller(moved, "en").legend()[:3]] == [
        "living, bedroom (a)",
        "living (b)",
        "day limit",
    ]


def test_every_text_has_both_languages() -> None:
    texts = [value for value in vars(dossier).values() if isinstance(value, Text)]
    maps = [value for value in vars(dossier).values() if isinstance(value, dict)]
    texts += [text for some in maps for text in some.values() if isinstance(text, Text)]
    assert len(texts) > 50
    for text in texts:
        assert text.zh
        assert text.en
        assert not any("一" <= letter <= "鿿" for letter in text.en)


def test_the_chart_ends_where_counting_does() -> None:
    whole = contents(chart=replace(contents().chart, counted=(START, START + DAY_US)))
    assert render(whole, "en") != render(contents(), "en")
