"""Tables of the registry by HTTP: compared, applied as compared, and refused with the place of what is wrong."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
import xlsxwriter

from api.office import uploads
from domain.files import MOST_BYTES
from registry import importing
from registry.importing import UTC
from store.registry import registry_rows, upload_rows
from tests.api import town
from tests.api.conftest import Api, served_database
from tests.api.staff import browser, member, sealed, session_of
from tests.api.town import NOW
from tests.conftest import ANSWER_S, Database, Servers, fresh_database

pytestmark = pytest.mark.plain_only
WHY = "list of May"
BUILDINGS = "code,substation,name,address\nB1,S-North,Old,\n"
HOMES = "code,building,unit,class,heat_status,status_since,contract_limit\n"
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
CONTACTS = "home,channel,address,language,consent,resident,name\nH1,phone,13800000000,zh,,,赵敏\n"


@dataclass
class Office:
    """A supervisor's client, over the town that a test has changed so far."""

    api: Api
    token: str

    def send(self, name: str, content: str | bytes, **query: str) -> httpx.Response:
        """Send a table as the body of a request."""
        data = content.encode() if isinstance(content, str) else content
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/octet-stream"}
        return self.api.client.post(
            "/v1/registry/uploads", content=data, params={"name": name, **query}, headers=headers
        )

    def apply(self, told: dict[str, Any], token: str | None = None) -> httpx.Response:
        """Apply a table as it was compared."""
        path = f"/v1/registry/uploads/{told['sha256']}/apply"
        return self.api.post(path, token or self.token, version=told["version"], reason=WHY)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the database."""
        self.api.conn.rollback()
        return self.api.conn.execute(statement.encode()).fetchall()


@pytest.fixture(scope="module")
def town_api(servers: Servers) -> Iterator[Api]:
    """A home and a sensor in it; each test uses codes of its own."""
    databases = fresh_database(servers.of("plain"), "plain")
    database: Database = next(databases)
    with served_database(database) as api:
        api.client.timeout = httpx.Timeout(60)
        town.sensor(api.conn, town.home(api.conn, "H1"), "T1")
        yield api
    next(databases, None)


@pytest.fixture
def office(town_api: Api) -> Office:
    """A supervisor with a token."""
    token = town_api.token("supervisor")
    town_api.conn.commit()
    return Office(town_api, token)


def workbook(**sheets: list[list[object]]) -> bytes:
    """Return a workbook with these worksheets."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
    return out.getvalue()


def test_a_table_is_compared_field_by_field_and_then_applied(office: Office) -> None:
    before = office.ask("SELECT version FROM registry_version")
    text = HOMES + "H1,B1,1-101,multistorey,on,,18.5\nA1,B1,1,bungalow,on,,\n"
    told = office.send("D:\\lists\\..\\住户.csv", text.encode("gb18030")).json()
    read = {"how": "UTF-8, separated by commas", "how_zh": "UTF-8，以逗号分隔"}
    assert told["tables"] == [{"table": "住户.csv", **read}]
    assert told["homes"] == {"rows": 2, "added": 1, "changed": 1, "unchanged": 0}
    assert told["added"] == [{"kind": "homes", "code": "A1"}]
    assert told["changes"] == [
        {"kind": "homes", "code": "H1", "field": "unit", "before": "1", "after": "1-101"},
        {"kind": "homes", "code": "H1", "field": "contract", "before": None, "after": "18.5 °C"},
    ]
    assert office.ask("SELECT version FROM registry_version") == before
    assert office.ask("SELECT count(*) FROM home WHERE code = 'A1'") == [(0,)]
    done = office.apply(told)
    assert (done.status_code, done.json()["waits_until"]) == (200, None)
    assert office.ask("SELECT unit, contract_limit FROM home WHERE code = 'H1'") == [("1-101", 18.5)]
    ((actor, detail),) = office.ask("SELECT actor, detail FROM audit WHERE detail ? 'done'")
    assert (actor[:5], detail["reason"], detail["sha256"]) == ("token", WHY, told["sha256"])
    assert detail["done"]["changes_count"] == 2
    again = office.apply(told)
    assert (again.status_code, "applied" in again.json()["detail"]) == (409, True)
    same = office.send("homes.csv", text).json()
    assert (same["homes"]["unchanged"], same["changes"], same["added"]) == (2, [], [])


def test_what_was_compared_is_what_is_applied(office: Office) -> None:
    told = office.send("buildings.csv", BUILDINGS).json()
    other = office.api.token("admin")
    assert office.apply(told, other).status_code == 409  # another's upload is nobody's business
    office.api.conn.execute("UPDATE building SET name = 'Renamed' WHERE code = 'B1'")
    office.api.conn.commit()
    answer = office.apply(told)
    assert (answer.status_code, "changed since" in answer.json()["detail"]) == (409, True)
    assert office.ask("SELECT name FROM building WHERE code = 'B1'") == [("Renamed",)]
    now = office.send("buildings.csv", BUILDINGS).json()
    assert now["version"] != told["version"]
    assert office.apply(now).status_code == 200
    assert office.ask("SELECT name FROM building WHERE code = 'B1'") == [("Old",)]


def test_two_people_apply_one_after_the_other(office: Office) -> None:
    second = Office(office.api, office.api.token("admin"))
    rows = "id,home,room,room_kind,interval_s\nG1,H1,a,living,600\n"
    office.api.conn.commit()
    one, two = office.send("sensors.csv", rows).json(), second.send("sensors.csv", rows).json()
    assert office.apply(one).status_code == 200
    assert second.apply(two).status_code == 409


def applying(person: Office, told: dict[str, Any]) -> int:
    """Apply a table while the connection of the test holds what it holds."""
    headers, body = {"Authorization": f"Bearer {person.token}"}, {"version": told["version"], "reason": WHY}
    path = f"/v1/registry/uploads/{told['sha256']}/apply"
    return person.api.client.post(path, json=body, headers=headers).status_code


def test_of_two_who_apply_at_the_same_instant_one_hears_of_the_other(office: Office) -> None:
    second = Office(office.api, office.api.token("admin"))
    town.home(office.api.conn, "C1")
    office.api.conn.commit()
    lists = (HOMES + "C1,B1,one,bungalow,on,,\nC2,B1,1,bungalow,on,,\n", HOMES + "C1,B1,two,bungalow,on,,\n")
    told = [one.send("homes.csv", text).json() for one, text in zip((office, second), lists, strict=True)]
    office.api.conn.commit()
    registry_rows.lock(office.api.conn)  # an import that is under way
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(applying, one, of) for one, of in zip((office, second), told, strict=True)]
        end = monotonic() + ANSWER_S
        while office.api.conn.execute(WAITING).fetchone() != (2,):
            assert monotonic() < end
            sleep(0.05)
        office.api.conn.commit()
        answers = [one.result() for one in asked]
    assert sorted(answers) == [200, 409]
    by_first = [("C1", "one"), ("C2", "1")]
    held = office.ask("SELECT code, unit FROM home WHERE code IN ('C1', 'C2') ORDER BY code")
    assert held == (by_first if answers[0] == 200 else [("C1", "two")])


def test_who_waits_too_long_for_another_import_can_apply_later(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LOCK_S", 1)
    told = office.send("buildings.csv", BUILDINGS + "L1,S-North,L,\n").json()
    office.api.conn.commit()
    registry_rows.lock(office.api.conn)
    assert applying(office, told) == 503
    office.api.conn.rollback()
    assert office.apply(told).status_code == 200


def test_what_was_edited_after_it_was_compared_is_not_overwritten(office: Office, tmp_path: Path) -> None:
    town.home(office.api.conn, "E1")
    office.api.conn.commit()
    home = office.send("homes.csv", HOMES + "E1,B1,of the list,bungalow,on,,\n").json()
    people = office.send("contacts.csv", CONTACTS.replace("H1", "E1")).json()
    record = office.api.get("/v1/homes/E1/registry", office.token).json()["version"]
    book = office.api.post("/v1/homes/E1/contacts/reveal", office.token, reason="called").json()["version"]
    one = {"channel": "phone", "address": "13900000009", "language": "zh", "name": "李娜"}
    for path, body in (
        ("registry", {"version": record, "unit": "2"}),
        ("contacts", {"version": book, "contacts": [one]}),
    ):
        assert office.api.post(f"/v1/homes/E1/{path}", office.token, **body, reason=WHY).status_code == 200
    assert [office.apply(told).status_code for told in (home, people)] == [409, 409]
    assert office.ask("SELECT unit FROM home WHERE code = 'E1'") == [("2",)]
    assert office.ask("SELECT name FROM person.contact WHERE address = '13900000009'") == [("李娜",)]
    now = office.send("homes.csv", HOMES + "E1,B1,of the list,bungalow,on,,\n").json()
    (tmp_path / "homes.csv").write_text(HOMES + "E1,B1,of the command,bungalow,on,,\n")
    with office.api.conn.transaction():
        importing.import_folder(office.api.conn, tmp_path, UTC, NOW)
    assert office.apply(now).status_code == 409
    assert office.ask("SELECT unit FROM home WHERE code = 'E1'") == [("of the command",)]


def test_a_workbook_brings_all_that_it_names_and_contacts_only_in_numbers(office: Office) -> None:
    data = workbook(
        buildings=[["code", "substation", "name"], ["W1", "S-North", "W"]],
        homes=[["code", "building", "class", "heat_status"], ["W1-1", "W1", "multistorey", "on"]],
        contacts=[["home", "channel", "address", "name"], ["W1-1", "phone", "13800000000", "赵敏"]],
    )
    answer = office.send("registry.xlsx", data)
    told = answer.json()
    assert (told["buildings"]["added"], told["homes"]["added"], told["contacts"]["added"]) == (1, 1, 1)
    assert "13800000000" not in answer.text
    assert office.ask("SELECT count(*) FROM person.contact WHERE name = '赵敏'") == [(0,)]
    assert office.apply(told).status_code == 200
    assert office.ask("SELECT address FROM person.contact WHERE name = '赵敏'") == [("13800000000",)]
    assert office.ask("SELECT count(*) FROM registry_upload WHERE name = 'registry.xlsx'") == [(0,)]
    logged = office.ask("SELECT count(*) FROM audit WHERE detail::text LIKE '%13800000000%'")
    assert logged == [(0,)]


def test_residents_and_ended_sensors_are_counted(office: Office) -> None:
    told = office.send("residents.csv", "home,resident,from,to\nH1,R-1,2026-01-01,\n").json()
    assert told["residents"] == {"added": 1, "removed": 0}
    ends = "id,home,room,room_kind,interval_s,valid_from,valid_to\nT1,H1,living,living,600,,2026-01-10\n"
    told = office.send("sensors.csv", ends).json()
    assert told["losses"]["sensors_ended"] == 1
    assert {change["field"] for change in told["changes"]} == {"to", "stays"}


def test_what_is_wrong_is_named_with_its_place(office: Office) -> None:
    text = HOMES + "X1,B1,1,castle,on,,\nX2,B9,1,bungalow,on,,\n" + "x\n" * 300
    answer = office.send("homes.csv", text)
    errors = answer.json()["errors"]
    assert (answer.status_code, len(errors)) == (422, 200)
    assert (errors[0]["parameter"], errors[1]["parameter"]) == ("homes.csv:2: class", "homes.csv:4")
    assert "302" in answer.json()["detail"]
    answer = office.send("contacts.csv", CONTACTS.replace("phone", "email"))
    assert (answer.status_code, "13800000000" in answer.text) == (422, False)
    assert answer.json()["errors"][0]["parameter"] == "contacts.csv:2: address"
    assert office.send("homes.csv", b"x" * (MOST_BYTES + 1)).status_code == 413
    assert office.send("homes.csv", b"").status_code == 422
    assert office.send("homes.csv", HOMES, encoding="../x").status_code == 422


def test_an_upload_waits_for_an_hour(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_rows, "MOST_WAITING", 1)
    first = office.send("buildings.csv", BUILDINGS + "K1,S-North,K,\n").json()
    office.api.clock.now += timedelta(seconds=1)
    second = office.send("buildings.csv", BUILDINGS + "K2,S-North,K,\n").json()
    assert office.apply(first).status_code == 409  # the second took its room
    office.api.clock.now += timedelta(hours=1)
    assert office.apply(second).status_code == 409
    office.api.clock.now = NOW


def test_the_page_shows_the_comparison_and_applies_it(office: Office) -> None:
    token = session_of(office.api.conn, member(office.api.conn, "supervisor", "wang.lei"))
    with browser(office.api, token) as client:
        client.timeout = httpx.Timeout(60)
        assert 'enctype="multipart/form-data"' in client.get("/desk/registry/uploads").text
        files = {"file": ("C:\\x\\buildings.csv", BUILDINGS + "<b> 1,S-North,Y1,\n")}
        refused = client.post("/desk/registry/uploads", data=sealed(token), files=files)
        assert (refused.status_code, "&lt;b&gt;" in refused.text) == (422, True)
        files = {"file": ("buildings.csv", BUILDINGS + "Y1,S-North,<i>,\n")}
        page = client.post("/desk/registry/uploads", data=sealed(token), files=files)
        assert (page.status_code, "Y1" in page.text, "<i>" in page.text) == (200, True, False)
        version = page.text.partition('name="version" value="')[2].partition('"')[0]
        path = page.text.partition('action="/desk/registry/uploads/')[2].partition('"')[0]
        no_reason = client.post(f"/desk/registry/uploads/{path}", data=sealed(token, version=version, reason=""))
        assert (no_reason.status_code, version in no_reason.text) == (422, True)
        done = client.post(f"/desk/registry/uploads/{path}", data=sealed(token, version=version, reason=WHY))
        assert (done.status_code, done.headers["location"]) == (303, "/desk/registry/uploads?done=true")
        assert "Applied" in client.get("/desk/registry/uploads?done=true").text
        gone = client.post(f"/desk/registry/uploads/{path}", data=sealed(token, version=version, reason=WHY))
        assert (gone.status_code, "no such file" in gone.text) == (409, True)
        nothing = client.post("/desk/registry/uploads", data=sealed(token), files={"file": ("", b"")})
        assert nothing.status_code == 422
    assert office.ask("SELECT name FROM building WHERE code = 'Y1'") == [("<i>",)]
