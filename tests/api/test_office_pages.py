"""Pages of the office over HTTP: forms change what the API changes, and show what stands in the way of it."""

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from store.base import access
from store.sensors import unknown_rows
from store.sensors.unknown_rows import HeardSensor
from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import browser, member, sealed, session_of
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only
WHY = "notice 17"
AT = "2026-01-14T08:00"
RIGHTS = {"right-read": "yes", "right-write": "yes"}


class Desk:
    """An administrator at a browser."""

    def __init__(self, client: httpx.Client, token: str) -> None:
        self.client, self.token = client, token

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of the page of a home, or another."""
        return self.client.post(path, data=sealed(self.token, **fields))

    def version(self, home: str = "H1") -> str:
        """Return the version that the page of a home shows."""
        found = re.search(r'name="version" value="(\w+)"', self.client.get(f"/desk/homes/{home}").text)
        assert found
        return found[1]


@pytest.fixture
def desk(plain_api: Api) -> Iterator[Desk]:
    """Two homes with a sensor in the first, and an administrator."""
    first = town.home(plain_api.conn, "H1")
    town.home(plain_api.conn, "H2")
    town.sensor(plain_api.conn, first, "S1")
    token = session_of(plain_api.conn, member(plain_api.conn, "admin"))
    with browser(plain_api, token) as client:
        yield Desk(client, token)


def test_a_home_is_found_and_its_record_changed(desk: Desk) -> None:
    assert 'href="/desk/homes/H1"' in desk.send("/desk/registry", q="H1").text
    assert "Nothing found" in desk.send("/desk/registry", q="\x00nowhere").text
    fields = {"building": "B1", "unit": "", "class": "bungalow", "contract_limit": "18", "reason": WHY}
    answer = desk.send("/desk/homes/H1/facts", version=desk.version(), **fields)
    assert answer.headers["location"] == "/desk/homes/H1?done=facts#facts"
    page = desk.client.get("/desk/homes/H1?done=facts").text
    assert "The facts are saved" in page
    assert "18 °C at least" in page
    answer = desk.send("/desk/homes/H1/heat", version=desk.version(), status="stopped", since=AT, reason=WHY)
    assert answer.status_code == 303
    assert 'datetime="2026-01-14T08:00+08:00"' in desk.client.get("/desk/homes/H1").text


def test_what_somebody_else_changed_is_shown_and_not_overwritten(desk: Desk) -> None:
    read = desk.version()
    fields = {"building": "B1", "class": "multistorey", "reason": WHY}
    assert desk.send("/desk/homes/H1/facts", version=read, unit="2", **fields).status_code == 303
    answer = desk.send("/desk/homes/H1/facts", version=read, unit="3", **fields)
    assert answer.status_code == 409
    assert "Somebody has changed this record" in answer.text
    assert 'value="3"' in answer.text
    assert desk.version() in answer.text


def test_faults_stand_beside_their_fields(desk: Desk) -> None:
    fields = {"building": "B9", "unit": "1", "class": "multistorey", "reason": "<b>because</b>"}
    answer = desk.send("/desk/homes/H1/facts", version=desk.version(), **fields)
    assert (answer.status_code, 'id="facts-building-fault"' in answer.text) == (422, True)
    assert "<b>because" not in answer.text
    assert desk.send("/desk/homes/H9/facts", version="0" * 16, **fields).status_code == 404
    assert desk.client.get("/desk/homes/%00").status_code == 404


def test_a_sensor_that_is_elsewhere_asks_before_it_moves(desk: Desk) -> None:
    fields = {"sensor": "S1", "since": AT, "room": "r", "room_kind": "bedroom", "reason": WHY}
    answer = desk.send("/desk/homes/H2/sensors", version=desk.version("H2"), **fields)
    assert answer.status_code == 409
    assert 'name="moved_from" value="H1"' in answer.text
    answer = desk.send("/desk/homes/H2/sensors", version=desk.version("H2"), moved_from="H1", **fields)
    assert answer.status_code == 303
    assert desk.send("/desk/homes/H2/sensors/end", version=desk.version("H2"), sensor="S1", at="2026-01-14T09:00",
                     reason=WHY).status_code == 303  # fmt: skip


def test_a_sensor_that_was_heard_is_placed_at_a_home(desk: Desk, plain_api: Api) -> None:
    """The list of unknown sensors leads to the form of the home, which has what is known of the sensor."""
    heard = HeardSensor("new-<9>", "t/new-9", "GW 1", {"temperature": 20.5}, None, NOW)
    unknown_rows.note(plain_api.conn, [heard])
    plain_api.conn.commit()
    wanted = {"sensor": "new-<9>", "gateway": "GW 1"}
    assert 'value="new-&lt;9&gt;"' in desk.client.get("/desk/unknown-sensors").text
    missing = desk.client.get("/desk/unknown-sensors/place", params={**wanted, "home": "H9"})
    assert (missing.status_code, "There is no home H9" in missing.text) == (404, True)
    answer = desk.client.get("/desk/unknown-sensors/place", params={**wanted, "home": " H2 "})
    page = desk.client.get(answer.headers["location"]).text
    assert re.search(r'name="sensor" type="text" value="new-&lt;9&gt;"', page)
    assert re.search(r'name="gateway" type="text" value="GW 1"', page)
    assert re.search(r"<details open>\s*<summary>Install", page)
    assert "\x00" not in desk.client.get("/desk/homes/H2?sensor=%00").text


def test_contacts_are_shown_for_a_reason_and_changed(desk: Desk) -> None:
    assert "revealed" not in desk.client.get("/desk/homes/H1").text
    assert desk.send("/desk/homes/H1/contacts/reveal", reason="").status_code == 422
    page = desk.send("/desk/homes/H1/contacts/reveal", reason="to agree on a visit").text
    (read,) = re.findall(r'id="revealed">.*?name="version" value="(\w+)"', page, re.DOTALL)
    row = {"channel-0": "phone", "address-0": "13800000001", "name-0": "李娜", "language-0": "zh", "agreed-0": "now"}
    empty = {"channel-1": "phone", "address-1": "", "language-1": "zh"}
    answer = desk.send("/desk/homes/H1/contacts", version=read, reason=WHY, **row, **empty)
    assert answer.headers["location"] == "/desk/homes/H1?done=contacts#contacts"
    again = desk.send("/desk/homes/H1/contacts", version=read, reason=WHY, **{**row, "address-0": "13900000002"})
    assert again.status_code == 409
    assert "13800000001" in again.text
    assert 'value="13900000002"' in again.text
    wrong = desk.send("/desk/homes/H1/contacts", version=read, reason=WHY, **{**row, "address-0": "call me"})
    assert wrong.status_code in (409, 422)


def test_a_token_is_made_shown_once_and_ended(desk: Desk, plain_api: Api) -> None:
    fields = {"role": "customer", "homes": "H1\r\nH2", "label": "<i>flat</i>", "days": "30", "reason": WHY}
    page = desk.client.post("/desk/tokens", data=sealed(desk.token, **fields, **RIGHTS))
    (token,) = re.findall(r'id="secret">(hearth_[\w-]+)<', page.text)
    assert f"/home?token={token}" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert plain_api.get("/v1/homes/H2", token).status_code == 200
    listed = desk.client.get("/desk/tokens").text
    assert token not in listed
    assert "<i>flat" not in listed
    (number,) = re.findall(r"/desk/tokens/(\d+)/end", listed)
    assert desk.send(f"/desk/tokens/{number}/end", reason="").status_code == 422
    assert desk.send(f"/desk/tokens/{number}/end", reason=WHY).status_code == 303
    assert plain_api.get("/v1/homes/H2", token).status_code == 401
    assert desk.send(f"/desk/tokens/{number}/end", reason=WHY).status_code == 404
    assert token not in str(plain_api.conn.execute("SELECT array_agg(detail) FROM audit").fetchone())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"role": "customer"}, "a customer's token needs at least one home"),
        ({"role": "crew"}, "a crew's token needs a station"),
        ({"role": "crew", "station": "Nowhere"}, "no substation belongs to a station Nowhere"),
        ({"role": "customer", "homes": "H9"}, "there is no home H9"),
        ({"role": "dispatcher", "days": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_token_that_cannot_be_is_refused(desk: Desk, fields: dict[str, str], said: str) -> None:
    answer = desk.send("/desk/tokens", reason=WHY, **fields, **RIGHTS)
    assert (answer.status_code, said in answer.text.replace("&#39;", "'")) == (422, True)


def test_a_token_does_not_outlast_the_access_of_its_maker(desk: Desk, plain_api: Api) -> None:
    plain_api.conn.execute("UPDATE staff SET active_to = %s", (NOW + timedelta(days=20),))
    plain_api.conn.commit()
    for days, status in (("", 403), ("21", 403), ("19", 200)):
        answer = desk.send("/desk/tokens", role="dispatcher", reason=WHY, days=days, **RIGHTS)
        assert (answer.status_code, "your own access ends earlier" in answer.text) == (status, status == 403)


def test_a_token_is_made_once_however_often_its_form_is_sent(desk: Desk, plain_api: Api) -> None:
    form = sealed(desk.token, role="dispatcher", reason=WHY, **RIGHTS)
    assert 'id="secret"' in desk.client.post("/desk/tokens", data=form).text
    again = desk.client.post("/desk/tokens", data=form)
    assert (again.status_code, 'id="secret"' in again.text) == (409, False)
    (number,) = plain_api.conn.execute("SELECT token_id FROM token WHERE staff_id IS NULL").fetchall()
    assert f"token {number[0]} was made then and shown once" in again.text


def test_a_session_is_no_token_that_can_be_ended_here(desk: Desk, plain_api: Api) -> None:
    (number,) = plain_api.conn.execute("SELECT token_id FROM token WHERE staff_id IS NOT NULL").fetchone() or (0,)
    assert desk.send(f"/desk/tokens/{number}/end", reason=WHY).status_code == 404
    assert desk.client.get("/desk/tokens").status_code == 200


def test_nobody_gives_rights_away_that_they_lack(desk: Desk, plain_api: Api) -> None:
    grant = access.TokenGrant(access.Role.ADMIN, rights=[access.Right.READ, access.Right.WRITE])
    token = access.create(plain_api.conn, grant, NOW)
    for rights, status in ((["read", "reveal"], 403), (["read"], 201)):
        answer = plain_api.post("/v1/tokens", token, role="dispatcher", reason=WHY, rights=rights)
        assert answer.status_code == status, answer.text
    made = answer.json()["token"]
    assert plain_api.post("/v1/homes/H1/contacts/reveal", made, reason=WHY).status_code == 403
    items = plain_api.get("/v1/tokens", token, limit=1).json()
    assert items["items"][0]["rights"] == ["read"]
    assert items["next"]
