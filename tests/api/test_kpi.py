"""The figures of a month, and who sees which."""

import pytest

from alerts.figures import kpi
from domain.kpi import Month
from tests.api import town
from tests.api.conftest import POLICY, Api
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only

INSERT_DAYS = """
INSERT INTO ledger
SELECT home_id, '2026-01-14', 43200000000, 43200000000, 0, 0, 0, 0, 0, 3600000000000, 17, 'p', true, NULL
FROM home WHERE home_id = ANY (%s)
"""


@pytest.fixture
def counted(api: Api) -> Api:
    """A town of two stations whose January was counted."""
    homes = [
        town.home(api.conn, "mine", station="North"),
        town.home(api.conn, "far", building="B2", station="South"),
    ]
    api.conn.execute(INSERT_DAYS, (homes,))
    api.conn.execute("INSERT INTO kpi_stale VALUES (0, '2026-01-01')")
    kpi.count(api.conn, Month.parse("2026-01"), POLICY.zone, NOW)
    return api


def test_the_company_and_its_stations(counted: Api) -> None:
    answer = counted.get("/v1/kpi", counted.token("supervisor"), month="2026-01").json()
    assert (answer["month"], answer["counted_at"]) == ("2026-01", "2026-01-15T04:00:00Z")
    assert [each["station"] for each in answer["figures"]] == [None, "North", "South"]
    heat = [each["heat"] for each in answer["figures"]]
    assert [h["homes"] for h in heat] == [2, 1, 1]
    assert [(h["cold_s"], h["rate_by_time"], h["rate_by_homes"], h["coverage"]) for h in heat] == [
        (86_400.0, 0.5, 0.0, 1.0), (43_200.0, 0.5, 0.0, 1.0), (43_200.0, 0.5, 0.0, 1.0),
    ]  # fmt: skip


def test_the_present_month_is_the_default(counted: Api) -> None:
    token = counted.token("dispatcher")
    assert counted.get("/v1/kpi", token).json() == counted.get("/v1/kpi", token, month="2026-01").json()


def test_a_crew_sees_its_own_station_alone(counted: Api) -> None:
    answer = counted.get("/v1/kpi", counted.token("crew", station="North"), month="2026-01").json()
    assert [(each["station"], each["heat"]["homes"]) for each in answer["figures"]] == [("North", 1)]


def test_customers_do_not_see_figures(counted: Api) -> None:
    assert counted.get("/v1/kpi", counted.token("customer", "mine"), month="2026-01").status_code == 403


def test_a_month_that_nobody_counted_says_so(counted: Api) -> None:
    answer = counted.get("/v1/kpi", counted.token(), month="2024-02").json()
    assert answer["counted_at"] is None
    assert [each["desk"]["tickets"] for each in answer["figures"]] == [0]


@pytest.mark.parametrize("month", ["2026-1", "2026-13", "January", "2026-01-01"])
def test_what_is_no_month_is_refused(counted: Api, month: str) -> None:
    answer = counted.get("/v1/kpi", counted.token(), month=month)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "month"
