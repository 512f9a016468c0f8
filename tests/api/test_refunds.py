"""Refunds by the API: a home's days in money, the same for both sides, sheets, two persons, and one payment a day."""

import csv
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection, errors
from psycopg.types.json import Jsonb

from alerts.evidence.check import Findings, check_records
from domain.errors import UsageError
from domain.policy import Season
from domain.refunds.rules import Deemed, Money
from domain.refunds.rules_file import pack
from papers.dossier.verify import verify
from papers.dossier.verify_refunds import look
from papers.refund_sheet import paper
from registry.exporting import export_folder
from registry.fees import import_fees
from store.base.access import Person
from store.refunds import refund_rows
from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import browser, member, sealed, session_of
from tests.api.town import NOW
from tests.store.at_once import until_one_waits

pytestmark = pytest.mark.plain_only

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = date(2025, 11, 15)
FEES = "home,season,area_m2,per_m2\nB1-101,2025-11-15,80.5,24.05\n"
INSERT_DAY = """
INSERT INTO ledger VALUES (%(home)s, %(day)s, %(warm)s, %(cold)s, 0, 0, 0, 0, %(heat)s, 0, %(lowest)s, 'p', true, NULL)
"""
DAY_US = 86_400_000_000


@pytest.fixture
def cold(api: Api, tmp_path: Path) -> Api:
    """A home that was cold on its season's days 2 to 4 and asked for a measurement on day 3; its fee came as a file."""
    api.app.state.surroundings = replace(api.app.state.surroundings, refunds=pack("luoyang"))
    home = town.home(api.conn)
    town.home(api.conn, "other")
    (tmp_path / "fees.csv").write_text(FEES, encoding="utf-8")
    assert import_fees(api.conn, tmp_path, ZONE) == 1
    for nth in range((date(2026, 1, 15) - FIRST).days):
        is_cold = nth in (2, 3, 4)
        cold_us = 3_600_000_000 * is_cold
        day = {"home": home, "day": FIRST + timedelta(days=nth), "cold": cold_us, "warm": DAY_US - cold_us}
        values = day | {"heat": 19_000 * DAY_US, "lowest": 17.0 if is_cold else 19.0}
        api.conn.execute(INSERT_DAY, values)
    asked = {"kind": "request", "at": "2025-11-18T09:00:00+08:00", "reference": "call 1"}
    assert api.post("/v1/homes/B1-101/refund-facts", api.token("dispatcher"), **asked).status_code == 201
    return api


def made(api: Api, **body: object) -> Any:
    return api.post("/v1/homes/B1-101/refund-sheets", api.token("supervisor"), **body)


def test_both_sides_see_the_same_days(cold: Api) -> None:
    told = cold.get("/v1/homes/B1-101/refund", cold.token("customer", "B1-101")).json()
    assert told == cold.get("/v1/homes/B1-101/refund", cold.token("supervisor")).json()
    # 1,936.03 a season of 121 days: 16.0002… a day, half of it
    assert (told["fee"], told["total"], told["missed"]) == ("1936.03", "16.00", {"not_started": "8.00"})
    assert [(d["day"], d["reason"], d["amount"]) for d in told["days"][1:5]] == [
        ("2025-11-16", "warm", "0.00"), ("2025-11-17", "not_started", "0.00"), ("2025-11-18", "cold", "8.00"),
        ("2025-11-19", "cold", "8.00"),
    ]  # fmt: skip
    assert told["words"] == "自 2025-11-15 起，2 天应退费，合计 16.00 CNY"
    assert cold.get("/v1/homes/other/refund", cold.token("supervisor")).status_code == 409  # no fee
    assert cold.get("/v1/homes/B1-101/refund", cold.token("customer", "other")).status_code == 404


def test_without_rules_no_refund_is_computed(cold: Api) -> None:
    cold.app.state.surroundings = replace(cold.app.state.surroundings, refunds=None)
    answer = cold.get("/v1/homes/B1-101/refund", cold.token("supervisor"))
    assert (answer.status_code, answer.json()["detail"]) == (409, "no refund rules are set: no refund is computed")


def person(api: Api, name: str) -> str:
    """Add a supervisor who has signed in; returns the token of the session."""
    token = session_of(api.conn, member(api.conn, "supervisor", name))
    api.conn.commit()
    return token


def test_two_tokens_of_one_person_are_nobody(cold: Api) -> None:
    approval = f"/v1/refund-sheets/{made(cold).json()['number']}/approval"
    for role in ("supervisor", "admin"):
        answer = cold.post(approval, cold.token(role))
        assert (answer.status_code, "by no token" in answer.json()["detail"]) == (409, True)
    asker = person(cold, "li.na")
    again = session_of(cold.conn, 1, "another browser")
    cold.conn.commit()
    assert [cold.post(approval, token).status_code for token in (asker, again)] == [201, 409]


def test_who_is_renamed_is_no_second_person(cold: Api) -> None:
    number = made(cold).json()["number"]
    staff = member(cold.conn, "supervisor")
    token = session_of(cold.conn, staff)
    with browser(cold, token) as client:
        page = f"/desk/refunds/{number}"
        assert client.post(f"{page}/approval", data=sealed(token)).status_code == 303
        cold.conn.execute("UPDATE staff SET name = 'Li Nana' WHERE staff_id = %s", [staff])
        cold.conn.commit()
        again = client.post(f"{page}/approval", data=sealed(token))
        assert again.status_code == 409
        assert f"{page}/approval" not in client.get(page).text
        assert client.post("/desk/refunds/approvals", data=sealed(token, **{"sheet-X": "on"})).status_code == 404
    assert cold.get(f"/v1/refund-sheets/{number}", cold.token("supervisor")).json()["approvals"] == 1


def test_a_sheet_is_approved_by_two_persons_and_paid_once(cold: Api) -> None:
    number = made(cold).json()["number"]
    assert made(cold).status_code == 409
    first, second = person(cold, "li.na"), person(cold, "wang.wei")
    approval, payments = f"/v1/refund-sheets/{number}/approval", "/v1/refund-payments"
    assert cold.post(approval, first).json()["approvals"] == 1
    assert cold.post(approval, first).status_code == 409
    assert cold.post(payments, first, sheets=[number]).status_code == 409
    assert cold.post(approval, second).json()["approvals"] == 2
    assert cold.post(approval, person(cold, "zhao.min")).status_code == 409
    paid = cold.post(payments, first, sheets=[number]).json()
    assert (paid["sheets"], paid["total"]) == (1, "16.00")
    file = cold.get(f"{payments}/{paid['id']}", first)
    assert hashlib.sha256(file.content).hexdigest() == paid["digest"]
    _, line, total = list(csv.reader(file.text.splitlines()))
    assert line[:7] == [number, "B1-101", "2025-11-18", "2025-11-19", "2", "16.00", "CNY"]
    assert line[7] == hashlib.sha256("|".join(line[:7]).encode()).hexdigest()[:16]
    assert total[5] == "16.00"
    assert cold.post(payments, first, sheets=[number]).status_code == 409
    assert cold.get(f"/v1/refund-sheets/{number}", cold.token("customer", "B1-101")).json()["paid"] == "16.00"
    with pytest.raises(errors.UniqueViolation, match="refund_paid_once"):
        cold.conn.execute(
            "INSERT INTO refund_paid SELECT d.home_id, d.day, d.refund_sheet_id, 1, d.amount FROM refund_day AS d "
            "JOIN refund_paid AS p USING (refund_sheet_id, day) "
        )
    cold.conn.rollback()
    fixed = made(cold, corrects=number, reason="the request was made a day earlier").json()
    assert (fixed["corrects"], fixed["state"]) == (number, "open")
    for token in (first, second):
        cold.post(f"/v1/refund-sheets/{fixed['number']}/approval", token)
    states = {one["number"]: one["state"] for one in cold.get("/v1/refund-sheets", first).json()["items"]}
    assert states == {number: "corrected", fixed["number"]: "settled"}  # its days were paid by the one before
    found = cold.get("/v1/refund-sheets", first, state="settled", home="B1-101").json()["items"]
    assert [one["number"] for one in found] == [fixed["number"]]
    assert [one["id"] for one in cold.get(payments, first).json()["items"]] == [paid["id"]]


def test_a_correction_that_moves_days_pays_no_more_than_its_total(cold: Api) -> None:
    """The cap is reached by other days than were paid: the difference is seen, and not paid once more."""
    rules = pack("luoyang")
    capped = replace(rules, versions=(replace(rules.versions[0], cap=Money(1600)),))
    cold.app.state.surroundings = replace(cold.app.state.surroundings, refunds=capped)
    persons = [person(cold, name) for name in ("li.na", "wang.wei")]

    def settled(number: str) -> str:
        for token in persons:
            assert cold.post(f"/v1/refund-sheets/{number}/approval", token).status_code == 201
        return str(cold.get(f"/v1/refund-sheets/{number}", persons[0]).json()["state"])

    number = made(cold).json()["number"]
    assert settled(number) == "approved"
    assert cold.post("/v1/refund-payments", persons[0], sheets=[number]).json()["total"] == "16.00"
    earlier = {"kind": "request", "at": "2025-11-17T09:00:00+08:00", "reference": "call 0"}
    assert cold.post("/v1/homes/B1-101/refund-facts", cold.token("dispatcher"), **earlier).status_code == 201
    fixed = made(cold, corrects=number, reason="they called a day earlier").json()
    assert fixed["total"] == "16.00"
    assert settled(fixed["number"]) == "settled"
    assert cold.post("/v1/refund-payments", persons[0], sheets=[fixed["number"]]).status_code == 409
    with pytest.raises(errors.CheckViolation, match="more would be paid"):
        cold.conn.execute(
            "INSERT INTO refund_paid SELECT d.home_id, d.day, d.refund_sheet_id, 1, d.amount FROM refund_day AS d "
            "WHERE d.amount > 0 AND NOT EXISTS (SELECT FROM refund_paid AS p WHERE p.day = d.day)"
        )
    cold.conn.rollback()


def test_two_who_approve_at_the_same_instant_are_two(cold: Api) -> None:
    number, second = made(cold).json()["number"], person(cold, "wang.wei")
    first = Person(member(cold.conn, "supervisor", "li.na"), "Li Na", "zh", 1, NOW)
    cold.conn.commit()
    refund_rows.approve(cold.conn, 1, first, NOW)
    with ThreadPoolExecutor(1) as pool:
        way, headers = f"/v1/refund-sheets/{number}/approval", {"Authorization": f"Bearer {second}"}
        other = pool.submit(cold.client.post, way, headers=headers)
        until_one_waits(cold.conn)
        cold.conn.commit()
        assert other.result().json()["approvals"] == 2


def test_what_was_noted_in_an_earlier_season_ends_with_it(cold: Api) -> None:
    """A request that nobody answered a year ago makes no day of this season cold; what was owed then excludes none."""
    rules = pack("luoyang")
    version = replace(
        rules.versions[0],
        unpaid_excluded=True,
        starts="proof",
        deemed=Deemed(within_s=3600, celsius=13.0, until_measured=True),
    )
    given = cold.app.state.surroundings
    policy = replace(
        given.policy, seasons=(Season(first=date(2024, 11, 15), end=date(2025, 3, 16)), *given.policy.seasons)
    )
    refunds = replace(rules, versions=(version,))
    cold.app.state.surroundings = replace(given, refunds=refunds, policy=policy)
    token = cold.token("dispatcher")
    take_back = cold.get("/v1/homes/B1-101/refund-facts", token).json()[0]
    assert cold.post(
        "/v1/homes/B1-101/refund-facts", token, kind="request", at=take_back["at"], reference="x",
        withdraws=take_back["id"],
    ).status_code == 201  # fmt: skip

    def total(**fact: str) -> str:
        if fact:
            assert cold.post("/v1/homes/B1-101/refund-facts", token, reference="x", **fact).status_code == 201
        return str(cold.get("/v1/homes/B1-101/refund", token).json()["total"])

    assert total() == "24.00"
    assert total(kind="request", at="2025-01-10T09:00:00+08:00") == "24.00"
    assert total(kind="unpaid", at="2025-01-10T09:00:00+08:00") == "24.00"
    assert total(kind="at_fault", at="2025-01-10T09:00:00+08:00", until="2025-11-18T00:00:00+08:00") == "16.00"
    assert total(kind="unpaid", at="2025-10-10T09:00:00+08:00") == "0.00"  # of this season: told before it began


def test_who_calls_while_a_ticket_is_open_has_reported(cold: Api) -> None:
    """A sensor is often there first: what a user says to its ticket starts a claim as a ticket of the user does."""
    rules = pack("luoyang")
    refunds = replace(rules, versions=(replace(rules.versions[0], starts="report"),))
    cold.app.state.surroundings = replace(cold.app.state.surroundings, refunds=refunds)
    (home,) = cold.conn.execute("SELECT home_id FROM home WHERE code = 'B1-101'").fetchone() or ()
    ticket, _ = town.ticket(cold.conn, home)
    token = cold.token("dispatcher")
    totals = []
    for nth, said in enumerate(({"says": "solved"}, {"text": "still cold"}), 2):
        event = (ticket, nth, datetime(2025, 11, 18, nth, tzinfo=ZONE), "user_said", Jsonb(said))
        cold.conn.execute(town.INSERT_EVENT, event)
        totals.append(cold.get("/v1/homes/B1-101/refund", token).json()["total"])
    assert totals == ["0.00", "16.00"]


def test_a_changed_second_of_the_ledger_is_found_and_corrected_by_a_new_sheet(cold: Api) -> None:
    number = made(cold).json()["number"]
    token = cold.token("supervisor")
    assert cold.get(f"/v1/refund-sheets/{number}", token).json()["agrees"] is True
    second = "UPDATE ledger SET compliant_us = compliant_us - 1000000, cold_us = cold_us + 1000000 WHERE day = %s"
    cold.conn.execute(second, (FIRST + timedelta(days=5),))
    assert cold.get(f"/v1/refund-sheets/{number}", token).json()["agrees"] is False
    assert cold.post(f"/v1/refund-sheets/{number}/approval", token).status_code == 409
    corrected = made(cold, corrects=number, reason="late readings").json()
    assert cold.get(f"/v1/refund-sheets/{corrected['number']}", token).json()["agrees"] is True
    assert made(cold, corrects=number, reason="once more").status_code == 409
    told = cold.get("/v1/refund-sheets", token).json()["items"]
    assert [(one["number"], one["corrected_by"]) for one in told] == [
        (corrected["number"], None), (number, corrected["number"]),
    ]  # fmt: skip
    cold.conn.commit()
    cold.conn.autocommit = True
    found = Findings(NOW)
    check_records(cold.conn, found)
    assert not [fault for fault in found.told if "refund" in str(fault)]
    cold.conn.execute("ALTER TABLE refund_sheet DISABLE TRIGGER USER")
    cold.conn.execute("UPDATE refund_sheet SET made_by = 'nobody' WHERE corrects IS NULL")
    forged = Findings(NOW)
    check_records(cold.conn, forged)
    assert [fault for fault in forged.told if "refund" in str(fault)]


def test_a_fact_is_taken_back_once_and_by_its_home_alone(cold: Api) -> None:
    token = cold.token("dispatcher")
    (fact,) = cold.get("/v1/homes/B1-101/refund-facts", token).json()
    back = {"kind": "request", "at": "2025-11-18T09:00:00+08:00", "reference": "call 2", "withdraws": fact["id"]}
    assert cold.post("/v1/homes/other/refund-facts", token, **back).status_code == 422
    assert cold.post("/v1/homes/B1-101/refund-facts", token, **back).status_code == 201
    assert cold.post("/v1/homes/B1-101/refund-facts", token, **back).status_code == 422
    assert cold.get("/v1/homes/B1-101/refund", token).json()["total"] == "0.00"


@pytest.fixture
def sheet(cold: Api) -> Iterator[Connection]:
    made(cold)
    member(cold.conn)
    cold.conn.commit()
    yield cold.conn
    cold.conn.rollback()


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE refund_day SET amount = 0", "records are kept"),
        ("DELETE FROM refund_sheet", "records are kept"),
        (
            "INSERT INTO refund_approval (refund_sheet_id, home_id, season, nth, staff_id, actor, at) "
            "SELECT refund_sheet_id, home_id, season, n, 1, 'one ' || n, made_at FROM refund_sheet, "
            "generate_series(1, 2) AS n",
            "refund_approval_two_persons",
        ),
        (
            "INSERT INTO refund_approval (refund_sheet_id, home_id, season, nth, actor, at) "
            "SELECT refund_sheet_id, home_id, season, 1, 'token 1 (one)', made_at FROM refund_sheet",
            "refund_approval_by_person",
        ),
        *(
            (
                f"INSERT INTO refund_day SELECT {key}, date '2020-01-01', 0, -1, 0, 0, 0, 0, 0, 0, NULL, NULL, 0 "
                "FROM refund_sheet",
                "no sheet . of this home and season",
            )
            for key in (
                "9, home_id, season",
                "refund_sheet_id, 2, season",
                "refund_sheet_id, home_id, date '2020-11-15'",
            )
        ),
        (
            "INSERT INTO refund_sheet (home_id, season, upto, season_days, rules, rules_digest, currency, fee, total, "
            "inputs, digest, corrects, reason, made_at, made_by) SELECT home_id, season, upto, 1, '', '', '', 0, "
            "total, '', '', refund_sheet_id, 'r', made_at, '' FROM refund_sheet; SET CONSTRAINTS ALL IMMEDIATE",
            "do not add up",
        ),
    ],
)
def test_the_database_refuses(sheet: Connection, statement: str, name: str) -> None:
    with pytest.raises(errors.IntegrityError, match=name):
        sheet.execute(statement.encode())


def test_fees_come_back_as_they_were_and_what_is_wrong_is_said(cold: Api, tmp_path: Path) -> None:
    assert export_folder(cold.conn, tmp_path)["fees"] == 1
    assert import_fees(cold.conn, tmp_path, ZONE) == 0
    wrong = FEES + "B9,2025-11-15,80,25\nB1-101,2025-11-15,80.123,25\nother,2025-11-15,0,25\nB1-101,2025-11-15,1,1\n"
    (tmp_path / "fees.csv").write_text(wrong, encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        import_fees(cold.conn, tmp_path, ZONE)
    said = str(refused.value)
    assert "fees.csv:3: home: 'B9'" in said
    assert "fees.csv:4: area_m2: 80.123 has more than 2" in said
    assert "fees.csv:5: area_m2: 0 is not" in said
    assert "fees.csv:6: season" in said
    (tmp_path / "fees.csv").write_text("home,season,area_m2,per_m2\nother,2025-11-15,1000000,101\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"fees.csv:2: per_m2: the fee of a season is more than 100000000"):
        import_fees(cold.conn, tmp_path, ZONE)
    with pytest.raises(errors.CheckViolation, match="home_fee_bounded"):
        cold.conn.execute("UPDATE home_fee SET area_m2 = 9999999, per_m2 = 99999")


def test_a_sheet_on_paper_is_the_same_bytes_for_both_sides(cold: Api) -> None:
    number = made(cold).json()["number"]
    for form in ("pdf", "xlsx"):
        path, asked = f"/v1/refund-sheets/{number}/paper", {"form": form, "language": "en"}
        mine = cold.get(path, cold.token("customer", "B1-101"), **asked)
        assert mine.status_code == 200
        assert mine.content == cold.get(path, cold.token("supervisor"), **asked).content
        assert mine.content.startswith(b"%PDF" if form == "pdf" else b"PK")


def test_a_dossier_holds_the_sheet_and_proves_its_days(cold: Api, tmp_path: Path) -> None:
    number = made(cold).json()["number"]
    span = {"from": "2026-01-01", "to": "2026-01-15"}
    answer = cold.get("/v1/homes/B1-101/evidence", cold.token("customer", "B1-101"), **span)
    file = tmp_path / "dossier.zip"
    file.write_bytes(answer.content)
    assert verify(file).listed == []
    with ZipFile(file) as archive:
        (sheet,) = json.loads(archive.read("refunds.json"))
    assert (sheet["number"], sheet["total"], len(sheet["days"])) == (number, "16.00", 61)
    assert "made_by" not in sheet
    found: list[str] = []
    sheet["days"][4]["amount"], sheet["days"][5]["amount"] = sheet["days"][5]["amount"], sheet["days"][4]["amount"]
    look([sheet], found.append)
    assert found == [f"refunds.json: {number}: its days are not those of its digest"]


def test_a_sheet_on_paper_tells_each_day_that_was_not_warm() -> None:
    sheet = {
        "number": "R1", "home": "H", "season": FIRST, "upto": FIRST + timedelta(days=2), "season_days": 121,
        "rules": "luoyang", "currency": "CNY", "fee": 193_603, "total": 800, "inputs": b"1", "digest": b"2",
        "corrects": "R0", "reason": "late readings",
    }  # fmt: skip
    none = {"lowest_milli": None, "measured_milli": None, "breach_us": 0, "unknown_us": 0, "outage_us": 0}
    warm = none | {"day": FIRST, "reason": 0, "percent": 0, "amount": 0, "would": 0}
    cold = warm | {"day": FIRST + timedelta(days=1), "reason": 10, "lowest_milli": 17_004, "breach_us": 3_600_000_000}
    told = paper(sheet, [warm, cold | {"percent": 50, "amount": 800, "would": 800}], "en")
    assert (told.title, told.lines[2], told.lines[-1]) == (
        "Refund sheet R1", "Refund 8.00 CNY in all", "Corrects R0: late readings",
    )  # fmt: skip
    assert told.tables[0].rows == [
        ["2025-11-16", "cold", "17.004", None, 3600.0, 0.0, 0.0, "50 %", "8.00", "8.00"],
    ]  # fmt: skip
