"""The page of the network, for everybody."""

from datetime import timedelta

import pytest

from tests.api import town
from tests.api.conftest import Api
from tests.api.people import INSERT_OUTAGE, INSERT_PLACE, people
from tests.api.town import NOW
from tests.pages.conftest import DESKTOP, PHONE, Visitors


@pytest.mark.parametrize(("language", "size"), [("zh", PHONE), ("en", DESKTOP)], ids=["zh", "en"])
def test_everybody_sees_outages_and_shares(api: Api, visitor: Visitors, language: str, size: dict[str, int]) -> None:
    people(api.conn, "North", warm=20, cold=4, unknown=1)
    people(api.conn, "East", warm=15, cold=15)
    people(api.conn, "West", warm=9)
    hour = timedelta(hours=1)
    outage = town.one(api.conn, INSERT_OUTAGE, ("fault", NOW - hour, NOW + 5 * hour, NOW))
    api.conn.execute(INSERT_PLACE, (outage, "North"))
    api.conn.commit()
    person = visitor(language, size)
    assert person.go("/status").status == 200
    rows = person.page.locator("tbody tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [
        [{"zh": "全网", "en": "Whole network"}[language], "60", "70\u00a0%", "30\u00a0%", "0\u00a0%"],
        ["S-East", "30", "50\u00a0%", "50\u00a0%", "0\u00a0%"],
        [
            {"zh": "其他片区\nS-North、S-West", "en": "Other areas\nS-North, S-West"}[language],
            "30",
            "85\u00a0%",
            "10\u00a0%",
            "5\u00a0%",
        ],
    ]
    assert "17:00" in person.page.inner_text("section:has(#outages)")
    person.keep(f"status-{language}")
    person.is_well()
    person.page.set_viewport_size({"width": 320, "height": 640})
    person.fits()


def test_one_area_alone_is_told_once(api: Api, visitor: Visitors) -> None:
    people(api.conn, "North", warm=20)
    people(api.conn, "West", warm=9)
    api.conn.commit()
    person = visitor()
    person.go("/status")
    assert person.page.locator("tbody tr").count() == 1


def test_where_there_is_nothing_to_tell_it_says_so(api: Api, visitor: Visitors) -> None:
    person = visitor()
    person.go("/status")
    assert "No outages, current or planned." in person.page.inner_text("main")
    assert "Too few homes" in person.page.inner_text("main")
    person.is_well()
