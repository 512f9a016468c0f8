"""Applications for heat by the API: a customer applies, follows and signs; leaders alone issue the papers."""

import pytest

from tests.api import town
from tests.api.conftest import Api
from tests.api.office import PASSED, Office


@pytest.fixture
def office(api: Api) -> Office:
    return Office(api)


def test_a_family_applies_signs_and_is_warm(office: Office) -> None:
    one = office.applied()
    assert (one["kind"], one["state"], one["moves"]) == ("connect", "open", [])  # moves are for the staff
    assert "plan_answered" in office.read(one)["moves"]
    office.move(one, "plan_answered", plan="a valve")
    office.move(one, "inspected", office.crew, **PASSED)
    offered = office.move(one, "contract_offered", contract="C-7", terms="18 degrees")
    seq = max(event["seq"] for event in offered["events"])
    path = f"/v1/applications/{one['number']}/signature"
    assert office.api.post(path, office.dispatcher, offer=seq).status_code == 403
    assert office.api.post(path, office.user, offer=seq - 1).status_code == 409
    assert office.api.post(path, office.user, offer=seq).status_code == 201
    office.move(one, "heat_notice", status=403)
    office.move(one, "heat_on", office.crew, status=409, filled=True, no_leaks=True, confirmation="A-1")
    office.move(one, "heat_notice", office.lead)
    assert office.read(one, office.user)["heat_notice"] == "N00000001"
    assert office.move(one, "heat_on", office.crew, filled=True, no_leaks=True, confirmation="A-1")["state"] == "done"
    assert office.api.get("/v1/homes/B1-101", office.user).json()["heat_status"] == "on"
    told = office.api.get("/v1/applications/figures", office.dispatcher).json()["figures"]
    assert [(row["kind"], row["received"], row["answered_in_time"], row["warm_in_time"]) for row in told] == [
        ("connect", 1, 1, 1)
    ]
    kinds = [
        row for (row,) in office.api.conn.execute("SELECT kind FROM outbox WHERE audience = 'user' ORDER BY outbox_id")
    ]
    assert kinds == ["ticket_opened", "ticket_answered", "contract_offered", "heat_notice", "ticket_done"]


def test_what_cannot_be_applied_for_is_refused(office: Office) -> None:
    office.applied()
    assert "T00000001" in office.applied(status=409)["detail"]
    office.applied(status=422, kind="new_load")
    office.applied(status=422, kind="change_area")
    office.applied(status=422, documents=[])
    for area in ("10000000", "1E+7", "NaN", "-1", "0", "1E-3"):
        office.applied(status=422, kind="change_area", area_m2=area)
    office.applied(kind="change_area", area_m2="1.5E+3")
    told = office.api.conn.execute("SELECT data ->> 'area_m2' FROM ticket_event ORDER BY event_id DESC LIMIT 1")
    assert told.fetchone() == ("1500",)
    other = office.api.token("customer", "B1-101")
    listed = office.api.get("/v1/applications?view=unanswered", other).json()["items"]
    assert [row["number"] for row in listed] == ["T00000002", "T00000001"]


def test_a_customer_of_another_home_neither_reads_nor_signs(office: Office) -> None:
    town.home(office.api.conn, "other")
    one, other = office.applied(), office.api.token("customer", "other")
    office.move(one, "plan_answered", plan="a valve")
    seq = max(event["seq"] for event in office.move(one, "contract_offered", contract="C", terms="t")["events"])
    assert office.api.get(f"/v1/applications/{one['number']}", other).status_code == 404
    assert office.api.post(f"/v1/applications/{one['number']}/signature", other, offer=seq).status_code == 404
    office.applied(other, status=404)
    office.move(one, "plan_refused", status=409, reason="late")  # it is answered


def test_neighbours_of_a_stop_are_shown_to_the_desk(office: Office) -> None:
    one = office.applied(kind="stop")
    assert office.read(one)["neighbours"] == []
    assert office.read(one, office.user)["neighbours"] is None


def test_a_new_load_is_of_a_building(office: Office) -> None:
    body = {"building": "B1", "documents": ["drawings"], "area_m2": "900.5"}
    answer = office.api.post("/v1/applications", office.dispatcher, **body)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["building"], answer.json()["home"], answer.json()["area_m2"]) == ("B1", None, "900.50")
    assert office.api.post("/v1/applications", office.dispatcher, **{**body, "building": "B9"}).status_code == 422
