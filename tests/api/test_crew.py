"""The work of crews: moves with the time at which they were made, each once, and the pages of their phones."""

import base64
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from api.pages import visit
from tests.api import town
from tests.api.conftest import Api
from tests.api.desk import HOUR, MINUTE, Desk
from tests.api.operations import INSERT_CASE
from tests.api.staff import browser, member, sealed, session_of
from tests.api.town import NOW
from tests.conftest import ANSWER_S, PLAIN_HTTP
from tests.pictures import drawn, encoded, pdf

pytestmark = pytest.mark.plain_only

JSON = {"Accept": "application/json"}
SIGNATURE = "data:image/png;base64," + base64.b64encode(encoded(form="PNG")).decode()
SET_PLACE = "UPDATE building SET lat = 41.8, lon = 123.4, address = '青年大街1号'"


class Crew:
    """A person of a crew, in a browser without any looks."""

    def __init__(self, api: Api, client: httpx.Client, token: str) -> None:
        self.api, self.client, self.token = api, client, token

    def get(self, path: str) -> httpx.Response:
        self.api.conn.commit()
        return self.client.get(path)

    def version(self, number: str) -> str:
        return str(re.findall(r'name="version" value="(\d+)"', self.get(f"/crew/jobs/{number}").text)[0])

    def post(self, path: str, **fields: str) -> httpx.Response:
        self.api.conn.commit()
        return self.client.post(path, data=sealed(self.token, **fields))

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Post as the script does."""
        self.api.conn.commit()
        return self.client.post(path, data=sealed(self.token, **fields), headers=JSON)

    def move(self, number: str, kind: str, **fields: str) -> httpx.Response:
        version = fields.pop("version", None) or self.version(number)
        return self.post(f"/crew/jobs/{number}", move=kind, version=version, **fields)

    def photo(self, path: str, content: bytes, **fields: str) -> httpx.Response:
        self.api.conn.commit()
        files = {"file": ("photo", content, "image/jpeg")}
        return self.client.post(path, data=sealed(self.token, **fields), files=files)


@pytest.fixture
def desk(plain_api: Api) -> Desk:
    return Desk(plain_api)


@pytest.fixture
def crew(desk: Desk) -> Iterator[Crew]:
    token = session_of(desk.api.conn, member(desk.api.conn, "crew", "li.na", station="North"))
    with browser(desk.api, token) as client:
        yield Crew(desk.api, client, token)


def events(desk: Desk, number: str, token: str | None = None) -> list[dict[str, Any]]:
    return list(desk.api.get(f"/v1/tickets/{number}", token or desk.dispatcher).json()["events"])


def kinds(desk: Desk, number: str) -> list[str]:
    return [event["kind"] for event in events(desk, number)]


def at(moment: datetime) -> str:
    return moment.isoformat()


def test_a_move_tells_when_it_was_made_and_stops_clocks_when_it_came(desk: Desk) -> None:
    ticket = desk.opened("leak")
    opened = NOW
    desk.api.clock.now = NOW + 3 * HOUR
    made = desk.move(ticket, "arrived", desk.crew, made_at=at(opened + 20 * MINUTE))
    event = made["events"][-1]
    assert (event["at"], event["data"]["made_at"]) == ("2026-01-15T07:00:00Z", "2026-01-15T04:20:00+00:00")
    clock = desk.clocks(made)["on_site"]
    assert clock["met_at"] == "2026-01-15T07:00:00Z"
    assert clock["breached_at"] is not None  # nobody can say afterwards to have come in time
    seen = events(desk, ticket["number"], desk.user)
    assert seen[-1]["data"] == {"made_at": "2026-01-15T04:20:00+00:00"}
    ahead = desk.move(ticket, "remark", desk.crew, remark="x", made_at=at(desk.api.clock.now + 4 * MINUTE))
    assert ahead["events"][-1]["data"]["made_at"] == "2026-01-15T07:00:00+00:00"


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (9 * 24 * HOUR + 6 * MINUTE, "in the future"),
        (2 * 24 * HOUR - MINUTE, "more than a week ago"),
        (-MINUTE, "before the ticket was opened"),
    ],
)
def test_the_time_of_a_move_has_bounds(desk: Desk, made: timedelta, why: str) -> None:
    ticket = desk.opened("leak")
    desk.api.clock.now = NOW + 9 * 24 * HOUR
    for kind, body in (("arrived", {}), ("user_said", {"text": "it drips"})):
        answer = desk.move(ticket, kind, desk.crew, status=422, made_at=at(NOW + made), **body)
        assert [(one["parameter"], why in one["detail"]) for one in answer["errors"]] == [("made_at", True)]
    assert kinds(desk, ticket["number"]) == ["opened"]


@pytest.mark.parametrize(
    ("recorded", "made"), [(NOW, NOW + timedelta(seconds=1)), (NOW, NOW - 3 * HOUR), (NOW + 8 * 24 * HOUR, NOW)]
)
def test_the_database_bounds_the_time_of_a_move(desk: Desk, recorded: datetime, made: datetime) -> None:
    ticket, _ = town.ticket(desk.api.conn, desk.home)  # opened two hours ago
    with pytest.raises(psycopg.errors.CheckViolation, match="cannot have been made"):
        desk.api.conn.execute(town.INSERT_EVENT, (ticket, 90, recorded, "arrived", Jsonb({"made_at": at(made)})))


def test_a_late_move_is_not_about_work_that_was_undone_since(desk: Desk) -> None:
    ticket = desk.opened("leak")
    desk.move(ticket, "done", desk.crew)
    desk.api.clock.now = NOW + 2 * HOUR
    desk.move(ticket, "rework", reason="it drips again")
    desk.api.clock.now = NOW + 3 * HOUR
    refused = desk.move(ticket, "done", desk.crew, status=409, made_at=at(NOW + HOUR))
    assert "undone" in refused["detail"]
    desk.move(ticket, "remark", desk.crew, remark="a note may be of any time", made_at=at(NOW + HOUR))
    desk.move(ticket, "done", desk.crew, made_at=at(NOW + 2 * HOUR + MINUTE))


def test_what_a_user_said_before_the_work_was_done_does_not_undo_it(desk: Desk) -> None:
    ticket = desk.opened("leak")
    desk.api.clock.now = NOW + 2 * HOUR
    desk.move(ticket, "done", desk.crew, made_at=at(NOW + HOUR))
    desk.api.clock.now = NOW + 3 * HOUR
    before = desk.move(ticket, "user_said", desk.crew, says="persists", made_at=at(NOW + HOUR - MINUTE))
    assert before["state"] == "done"
    since = desk.move(ticket, "user_said", desk.crew, says="persists", made_at=at(NOW + HOUR + MINUTE))
    assert since["state"] == "open"


def test_what_is_sent_again_under_its_key_is_once(desk: Desk) -> None:
    ticket = desk.opened("leak")
    desk.api.conn.commit()
    path = f"/v1/tickets/{ticket['number']}/events"

    def send(token: str, key: str) -> int:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        body = {"kind": "remark", "remark": "seen"}
        return desk.api.client.post(path, json=body, headers=headers).status_code

    assert [send(desk.crew, "one-of-mine") for _ in range(3)] == [201] * 3
    assert send(desk.dispatcher, "one-of-mine") == 201  # a key is of its sender
    assert send(desk.crew, "another-one") == 201
    assert send(desk.crew, "short") == 422
    assert kinds(desk, ticket["number"]) == ["opened", "remark", "remark", "remark"]


def test_a_move_sent_again_is_one_though_its_maker_was_renamed(desk: Desk, crew: Crew) -> None:
    number = desk.opened("leak")["number"]
    note = {"move": "remark", "version": "999999999", "remark": "seen", "once": "0123456789abcdef"}
    for name in ("Li Na", "Li Nana"):
        desk.api.conn.execute("UPDATE staff SET name = %s WHERE sign_in_name = 'li.na'", [name])
        assert crew.send(f"/crew/jobs/{number}", **note).json() == {"done": "remark"}
    assert kinds(desk, number) == ["opened", "remark"]


def test_a_cause_is_one_of_the_list_and_is_told_in_both_languages(desk: Desk) -> None:
    listed = desk.api.get("/v1/causes", desk.crew).json()["items"]
    assert {"code": "riser_air", "zh": "立管气堵", "en": "air in the riser"} in listed
    assert listed[-1]["code"] == "other"
    ticket = desk.opened()
    made = desk.move(ticket, "cause_found", desk.crew, cause="riser_air")
    told = {"cause": "riser_air", "zh": "立管气堵", "en": "air in the riser"}
    assert made["events"][-1]["data"] == told
    desk.move(ticket, "part_used", desk.crew, part="DN20 valve", count=2)
    seen = [(event["kind"], event["data"]) for event in events(desk, ticket["number"], desk.user)]
    assert seen[-2:] == [("cause_found", told), ("part_used", {"part": "DN20 valve", "count": 2})]
    lines = desk.api.get(f"/v1/tickets/{ticket['number']}/receipt", desk.user, language="en").json()["lines"]
    assert {"label": "Cause found", "value": "air in the riser"} in lines
    assert {"label": "Parts used", "value": "DN20 valve × 2"} in lines
    page = desk.api.client.get("/home", headers={"Cookie": f"{visit.COOKIE}={desk.user}", "Accept-Language": "en"}).text
    assert "air in the riser" in page
    assert "DN20 valve × 2" in page
    for cause in ("magic", "R", "x" * 41):
        desk.move(ticket, "cause_found", desk.crew, status=422, cause=cause)
    for count in (0, 1_000, 1.5):
        desk.move(ticket, "part_used", desk.crew, status=422, part="x", count=count)


def test_a_crew_does_a_job_on_its_pages(desk: Desk, crew: Crew) -> None:
    number = desk.opened("leak", contact="13900000000")["number"]
    desk.api.conn.execute(SET_PLACE)
    page = crew.get("/crew").text
    assert f'href="/crew/jobs/{number}"' in page
    page = crew.get(f"/crew/jobs/{number}").text
    assert "geo:41.800000,123.400000" in page
    assert "coordinate=wgs84" in page
    assert "coord_type=wgs84" in page
    assert "13900000000" not in page
    shown = crew.post(f"/crew/jobs/{number}/contact", reason="visit").text
    assert 'href="tel:13900000000"' in shown
    job = f"/crew/jobs/{number}"
    for kind, fields in (
        ("accepted", {"responsible": "Li Na"}),
        ("contacted", {}),
        ("arrived", {"made_at": at(NOW)}),
        ("cause_found", {"cause": "leak"}),
        ("part_used", {"part": "O-ring"}),
        ("responsibility", {"responsibility": "user", "paid": "yes"}),
        ("confirmed", {"drawn": SIGNATURE}),
        ("done", {"result": "tight"}),
    ):
        answer = crew.move(number, kind, **fields)
        assert (answer.status_code, answer.headers.get("location")) == (303, f"{job}?done={kind}"), answer.text
    made = desk.api.get(f"/v1/tickets/{number}", desk.dispatcher).json()
    assert made["responsible"] == "Li Na"
    (attached,) = (event["data"] for event in made["events"] if event["kind"] == "attached")
    assert (attached["kind"], attached["for_user"]) == ("signature", True)
    assert made["confirmation"] == f"{number}-{attached['file']}"
    assert {event["actor"].partition(" (")[2] for event in made["events"][1:]} == {"Li Na)"}
    page = crew.get(f"{job}?done=done").text
    assert f"/crew/tickets/{number}/files/{attached['file']}/thumbnail" in page
    assert crew.get(f"/crew/tickets/{number}/files/{attached['file']}/thumbnail").status_code == 200


def test_a_measurement_is_signed_on_the_glass_and_filed_once(desk: Desk, crew: Crew) -> None:
    number = desk.opened()["number"]
    desk.api.clock.now = NOW + 2 * HOUR
    form = {"celsius": "19,5", "room_kind": "living", "room": "", "instrument": "T7", "drawn": SIGNATURE,
            "made_at": at(NOW + HOUR), "once": "0123456789abcdef"}  # fmt: skip
    path = f"/crew/jobs/{number}/measurements"
    for _ in range(2):
        assert crew.send(path, **form).json() == {"done": "measured"}
    (record,) = desk.api.get("/v1/homes/B1-101/measurements", desk.dispatcher).json()["items"]
    assert (record["celsius"], record["room"], record["measurer"]) == (19.5, "living", "Li Na")
    assert (record["measured_at"], record["filed_late"]) == ("2026-01-15T05:00:00Z", False)
    assert re.fullmatch(rf"{number}-\d+", record["signature"])
    refused = crew.send(path, **{**form, "celsius": "warm", "once": "f" * 16})
    assert refused.status_code == 422
    assert refused.json()["detail"]
    assert "19,5" not in refused.text


def test_a_phone_is_told_why_a_move_is_not_taken_and_each_is_made_once(desk: Desk, crew: Crew) -> None:
    number = desk.opened("leak")["number"]
    version, job = crew.version(number), f"/crew/jobs/{number}"
    arrived = {"move": "arrived", "version": version, "made_at": at(NOW)}
    for _ in range(3):
        assert crew.send(job, **arrived, once="0123456789abcdef").json() == {"done": "arrived"}
    assert kinds(desk, number) == ["opened", "arrived"]
    # Others work on the ticket meanwhile; only what ends it is a reason against what the phone has kept.
    desk.move({"number": number}, "remark", remark="the user called")
    done = {"move": "done", "version": version, "once": "1" * 16, "made_at": at(NOW)}
    assert crew.send(job, **done).json() == {"done": "done"}
    desk.move({"number": number}, "void", reason="a test")
    late = crew.send(job, **{**done, "once": "2" * 16})
    assert late.status_code == 409
    assert late.json()["detail"]
    as_page = crew.post(job, **{**done, "once": "3" * 16})
    assert as_page.status_code == 409
    assert 'id="refused"' in as_page.text
    note = {"move": "remark", "version": "999999999", "remark": "it was tight", "once": "4" * 16}
    assert crew.send(job, **note).status_code in (200, 409)
    state = crew.get("/crew/state").json()
    assert state["now"] == at(NOW)
    assert set(state["seal"]) == {"key", "code"}


def test_a_crew_sees_the_jobs_of_its_station_and_no_complaint(desk: Desk, crew: Crew) -> None:
    api = desk.api
    far = town.home(api.conn, "B9-101", building="B9", station="South")
    _, south = town.ticket(api.conn, far)
    case = api.conn.execute(INSERT_CASE, {"station": "North", "at": NOW}).fetchone()
    assert case is not None
    mine, other = desk.opened("leak")["number"], desk.opened("repair", new=True)["number"]
    crew.move(mine, "accepted", responsible="Li Na")
    page = crew.get("/crew").text
    own, _, rest = page.partition('id="others-title"')
    assert mine in own
    assert other in rest
    assert other not in own
    for number in (south, case[0], "T99999999"):
        assert number not in page
        assert crew.get(f"/crew/jobs/{number}").status_code == 404
        assert crew.send(f"/crew/jobs/{number}", move="remark", remark="x", version="1").status_code == 404
        assert crew.photo(f"/crew/tickets/{number}/files", encoded()).status_code == 404
        assert crew.get(f"/crew/tickets/{number}/files/1").status_code == 404


def test_a_job_of_a_building_has_a_way_and_no_measurement(desk: Desk, crew: Crew) -> None:
    body = {"class": "leak", "building": "B1", "description": "in the cellar"}
    number = desk.api.post("/v1/tickets", desk.dispatcher, **body).json()["number"]
    page = crew.get(f"/crew/jobs/{number}")
    assert page.status_code == 200
    assert 'id="measure"' not in page.text
    assert "geo:" not in page.text  # neither coordinates nor an address are on record
    desk.api.conn.execute("UPDATE building SET address = '青年大街1号 & more'")
    assert "geo:0,0?q=%E9%9D%92" in crew.get(f"/crew/jobs/{number}").text
    refused = crew.send(f"/crew/jobs/{number}/measurements", celsius="19", room_kind="living", instrument="T7")
    assert refused.status_code == 404
    for drawn_on in ("data:image/png;base64,AAAA", "data:image/svg+xml;base64,AAAA", "data:image/png;base64,%%%"):
        answer = crew.send(f"/crew/jobs/{number}", move="confirmed", version=crew.version(number), drawn=drawn_on)
        assert answer.status_code in (415, 422)
    assert kinds(desk, number) == ["opened"]


def test_photos_are_sent_from_the_pages_of_crews_and_of_the_desk(desk: Desk, crew: Crew) -> None:
    number = desk.opened("leak")["number"]
    answer = crew.photo(f"/crew/tickets/{number}/files", encoded(), kind="photo", for_user="yes")
    assert answer.headers["location"] == f"/crew/jobs/{number}?done=attached"
    assert crew.photo(f"/crew/tickets/{number}/files", encoded(), kind="photo", for_user="yes").status_code == 303
    broken = crew.photo(f"/crew/tickets/{number}/files", b"not a picture")
    assert broken.status_code == 415
    assert 'id="refused"' in broken.text
    token = session_of(desk.api.conn, member(desk.api.conn, sign_in_name="wang", name="Wang"))
    with browser(desk.api, token) as client:
        at_desk = Crew(desk.api, client, token)
        path = f"/desk/tickets/{number}/files"
        sent = at_desk.photo(path, pdf(b"<</Type/Catalog>>"), kind="scan")
        assert sent.headers.get("location") == f"/desk/tickets/{number}?done=attached", sent.text
        page = at_desk.get(f"/desk/tickets/{number}").text
        photo, scan = (event["data"] for event in events(desk, number)[1:])
        assert (photo["kind"], photo["for_user"], scan["kind"], scan["for_user"]) == ("photo", True, "scan", False)
        assert f'src="{path}/{photo["file"]}/thumbnail"' in page
        assert f'href="{path}/{scan["file"]}"' in page
        assert at_desk.get(f"{path}/{photo['file']}").headers["content-type"] == "image/jpeg"
        assert at_desk.photo(path, b"MZ").status_code == 415
        for made, status in ((at(NOW - HOUR), 422), ("yesterday", 400)):
            assert at_desk.photo(path, encoded(drawn(9, 9)), made_at=made).status_code == status
        unsealed = client.post(path, files={"file": ("photo", encoded(), "image/jpeg")})
        assert unsealed.status_code == 403


def test_a_phone_installs_the_pages_and_forgets_them_at_sign_out(crew: Crew) -> None:
    page = crew.get("/crew")
    assert "worker-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    with httpx.Client(base_url=crew.client.base_url, trust_env=False, verify=PLAIN_HTTP, timeout=ANSWER_S) as anybody:
        for language in ("zh", "en"):
            manifest = anybody.get(f"/pages/crew/{language}.webmanifest").json()
            assert (manifest["scope"], manifest["start_url"]) == ("/crew", "/crew")
            for icon in manifest["icons"]:
                assert anybody.get(icon["src"]).headers["content-type"] == "image/png"
        worker = anybody.get("/pages/crew/worker.js")
        assert worker.headers["service-worker-allowed"] == "/crew"
        assert worker.headers["content-type"].startswith("text/javascript")
        scripts = re.findall(r'(?:href|src)="(/pages/at/\w+/[\w-]+\.js)"', page.text)
        answers = [anybody.get(path) for path in scripts]
        assert {one.headers["cache-control"] for one in answers} == {"public, max-age=31536000, immutable"}
        imported = set(re.findall(r'from "\./([\w-]+\.js)"', "".join(one.text for one in answers)))
        assert imported | {"crew.js"} == {path.rpartition("/")[2] for path in scripts}  # what the phone keeps
        older = anybody.get(f"/pages/at/0/{scripts[0].rpartition('/')[2]}")  # of a page that was kept
        assert (older.status_code, older.headers["location"]) == (307, scripts[0])
        assert anybody.get("/pages/at/0/crew.py").status_code == 404
        assert anybody.get("/crew").status_code == 303
        assert anybody.get("/crew/state", headers={"Sec-Fetch-Dest": "empty"}).status_code == 401
        assert anybody.get("/crew/state", headers=JSON).status_code == 401  # a browser that does not say what for
    for onward, leads in (("/crew/jobs/T1", "/crew/jobs/T1"), ("//elsewhere.example", "/crew")):
        assert crew.get(f"/crew/begin?person=7&next={onward}").headers["location"] == leads
    left = crew.post("/sign-out")
    assert left.headers["clear-site-data"] == '"cache", "storage"'
