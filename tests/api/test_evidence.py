"""Dossiers over a real database: their contents and readers, and that the same data gives the same bytes."""

import csv
import hashlib
import io
import json
import shutil
import subprocess
import tempfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from psycopg import Connection

from alerts.desk.attaching import attach
from alerts.evidence import chain
from alerts.judging.by_clock import keep_ledger
from alerts.judging.history import History
from alerts.judging.rejudge import judge_again
from alerts.network import outages
from alerts.network.outages import Draft
from alerts.sensors.measurements import Filing, record
from api.http.company import Company
from domain import policy_file
from domain.files import FileKind, MediaType, NewAttachment, PreparedFile, digest
from domain.measurement import NewMeasurement
from domain.outages import OutageKind
from domain.tickets import EventKind
from local.port import LOOPBACK, free_port
from papers.dossier import compose
from papers.dossier.lines import DossierAudience
from papers.dossier.verify import verify
from store.base import access
from store.base.stage import open_stages
from store.evidence.signing import SigningKey
from store.judging import ledger_rows
from store.network.outage_rows import PlaceCodes
from store.tickets.file_contents import DATABASE
from tests import registry_rows as town
from tests.acceptance import processes
from tests.acceptance.waiting import until
from tests.api.answers import check
from tests.api.conftest import Api, served_database
from tests.conftest import ANSWER_S, FLAVOURS, PLAIN_HTTP, Database, Servers, fresh_database
from tests.store.company import SEED
from tests.store.company import Company as Worked
from tests.store.desk import MINUTE, NOON

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPAN = {"from": "2026-01-12", "to": "2026-01-16"}
PATH = "/v1/homes/H1/evidence"
PHOTO, PAPER = b"%PDF- a photo", b"%PDF- with private words"
GAP = (NOON - 40 * HOUR, NOON - 37 * HOUR)
SECRETS = ("private words", "Zhao", "13900001111", "Li of the station", "sheet 7", "somebody")


@dataclass
class Case:
    """A home with a past, and the API over it."""

    company: Worked
    api: Api
    database: Database

    def get(self, role: str = "admin", **query: str) -> httpx.Response:
        """Return a dossier for somebody."""
        reach = {"customer": ("customer", "H1"), "crew": ("crew",)}.get(role, (role,))
        token = self.api.token(*reach, station="East" if role == "crew" else None)
        return self.api.get(PATH, token, **{**SPAN, **query})


def build(conn: Connection) -> Worked:
    """Store three days of readings with a cold spell and a gap, a worked ticket, measurements, an outage, seals."""
    company = Worked(conn)
    building = town.building(conn)
    home = town.home(conn, "H1", building_id=building)
    town.sensor(conn, "s1", home, offset_k=0.25)
    town.sensor(conn, "s2", home, room_kind="bedroom")
    town.sensor(conn, "s3", town.home(conn, "H2", building_id=building))
    at = NOON - 60 * HOUR
    while at <= NOON:
        if not GAP[0] < at < GAP[1]:
            cold = NOON - 5 * HOUR <= at < NOON - 2 * HOUR
            company.say(*((code, at, 17.1 if cold else 19.0) for code in ("s1", "s2")))
        at += 15 * MINUTE
    company.watch(NOON)
    company.let(1, EventKind.ACCEPTED, NOON, opinion="a valve")
    company.let(1, EventKind.REMARK, NOON, remark="private words")
    company.let(1, EventKind.ASSIGNED, NOON, responsible="Li of the station")
    company.let(1, EventKind.REPLIED, NOON, text="we are coming", channel="phone")
    conn.execute("INSERT INTO ticket_contact (ticket_id, seq, contact) VALUES (1, 1, '13900001111')")
    for _ in range(2):
        chain.seal(conn, NOON)
    company.let(1, EventKind.CONTACTED, NOON, appointment_at=None)
    for content, for_user in ((PHOTO, True), (PAPER, False)):
        made = PreparedFile(MediaType.PDF, content, digest(b"sent"), 4)
        with conn.transaction():
            attach(
                conn, SEED, DATABASE, NewAttachment(1, made, FileKind.SCAN, for_user, False), NOON, "Li of the station"
            )
    for room, signature in (("living", "sheet 7"), ("bedroom", None)):
        new = NewMeasurement(
            room=room, room_kind="living", measured_at=NOON - HOUR, celsius=18.6, instrument="T7", measurer="Zhao",
            signature=signature,
        )  # fmt: skip
        with conn.transaction():
            record(conn, SEED, home, new, Filing("somebody", NOON))
    with conn.transaction():
        draft = Draft(
            kind=OutageKind.FAULT, stops_heating=True, reason="a burst pipe", begins_at=NOON - 5 * HOUR,
            expected_end=NOON, area=PlaceCodes(homes=["H1"]),
        )  # fmt: skip
        outages.record(conn, SEED, draft, "somebody", NOON - 4 * HOUR)
    for shard in ledger_rows.shards(conn):
        while not keep_ledger(conn, company.history, shard, NOON):
            pass
    return company


@pytest.fixture(scope="module", params=FLAVOURS)
def case(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Case]:
    databases = fresh_database(servers.of(request.param), request.param)
    database: Database = next(databases)
    with database.connect(autocommit=True) as conn:
        company = build(conn)
        with served_database(database) as api:
            yield Case(company, api, database)
    next(databases, None)


def opened(answer: httpx.Response) -> zipfile.ZipFile:
    assert answer.status_code == 200, answer.text
    return zipfile.ZipFile(io.BytesIO(answer.content))


def read_all(answer: httpx.Response) -> dict[str, bytes]:
    """Return the contents of a dossier by name."""
    archive = opened(answer)
    return {name: archive.read(name) for name in archive.namelist()}


def told(answer: httpx.Response, name: str) -> Any:
    """Return a file of a dossier as its readers read it."""
    raw = opened(answer).read(name)
    if name.endswith(".csv"):
        return list(csv.DictReader(io.StringIO(raw.decode())))
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in raw.splitlines()]
    return json.loads(raw)


def test_it_is_in_order(case: Case, tmp_path: Path) -> None:
    answer = case.get()
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="evidence-H1-2026-01-12-2026-01-16.zip"'
    assert int(answer.headers["content-length"]) == len(answer.content)
    file = tmp_path / "dossier.zip"
    file.write_bytes(answer.content)
    verdict = verify(file)
    assert (verdict.faults, verdict.listed) == (0, [])
    assert answer.headers["etag"] == f'"{verdict.root}"'
    assert (verdict.files, verdict.attachments, verdict.days, verdict.withheld) == (20, 2, 3, 0)
    assert verdict.events == len(case.company.kinds())
    assert verify(file, verdict.root).faults == 0
    assert verify(file, "0" * 64).listed == ["manifest.json: its root is not the noted one"]


def test_files_of_tickets_are_inside_for_those_who_see_them(case: Case) -> None:
    for role, wanted in (
        ("crew", {PHOTO: "Li of the station", PAPER: "Li of the station"}),
        ("customer", {PHOTO: "staff"}),
    ):
        answer = case.get(role)
        listed = told(answer, "files.json")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert {archive.read(entry["name"]): entry["actor"] for entry in listed} == wanted
        events = [event for event in told(answer, "events.jsonl") if event.get("kind") == "attached"]
        assert [event["data"]["sha256"] for event in events] == [entry["sha256"] for entry in listed]
        assert {entry["original_sha256"] for entry in listed} == {digest(b"sent").hex()}


def test_the_same_request_gives_the_same_bytes(case: Case) -> None:
    first = case.get()
    with served_database(case.database) as other:
        token = other.token("dispatcher")
        later = other.get(PATH, token, **SPAN)
    assert later.content == first.content
    headers = {"Authorization": f"Bearer {case.api.token()}", "If-None-Match": first.headers["etag"]}
    case.api.conn.commit()
    unchanged = case.api.client.get(PATH, params=SPAN, headers=headers)
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_it_is_signed_with_the_key_of_the_company(case: Case, tmp_path: Path) -> None:
    key, file = SigningKey.made(), tmp_path / "dossier.zip"
    with served_database(case.database, company=Company(key=key)) as signing:
        answers = [signing.get(PATH, signing.token("dispatcher"), **SPAN) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["etag"] == case.get().headers["etag"]  # the same contents, signed or not
    file.write_bytes(answers[0].content)
    verdict = verify(file, None, [key.public])
    assert (verdict.listed, verdict.signature) == ([], f"good, by the key {key.key_id}")


def test_events_are_proven_to_lie_under_their_seal(case: Case, tmp_path: Path) -> None:
    """By all hashes under it, also to a user who may not read the others."""
    for role in ("dispatcher", "customer"):
        (seal,) = told(case.get(role), "seals.json")
        events = told(case.get(role), "events.jsonl")
        assert seal["events"] == len(seal["hashes"])
        assert {event["hash"] for event in events if event["seal"]} <= set(seal["hashes"])
        digest = hashlib.sha256(b"".join(bytes.fromhex(one) for one in seal["hashes"]))
        assert digest.hexdigest() == seal["digest"]


@pytest.mark.parametrize("case", FLAVOURS[:1], indirect=True)
def test_a_process_of_its_own_gives_the_same_bytes(case: Case, tmp_path: Path) -> None:
    """With other hashes of texts, and in another zone, than those of this process."""
    expected, token = case.get("dispatcher"), case.api.token("dispatcher")
    case.api.conn.commit()
    port = free_port()
    environment = {"HEARTH_DATABASE_URL": case.database.url_as("api"), "HEARTH_API_PORT": str(port)}
    process = processes.Process({**environment, "TZ": "America/New_York"}, tmp_path / "api.log", "api")
    try:
        url = f"http://{LOOPBACK}:{port}"
        until(partial(answers, url), "the API answers")
        answer = httpx.get(
            url + PATH,
            params=SPAN,
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            verify=PLAIN_HTTP,
            timeout=ANSWER_S,
        )
        assert answer.content == expected.content
    finally:
        process.stop()


def answers(url: str) -> bool:
    """Return whether an API is ready."""
    try:
        return httpx.get(f"{url}/readyz", trust_env=False, verify=PLAIN_HTTP, timeout=ANSWER_S).status_code == 200
    except httpx.TransportError:
        return False


def test_the_user_s_dossier_is_the_same_whoever_makes_it(case: Case) -> None:
    customer, staff = case.get("customer"), case.get("supervisor", **{"for": "user"})
    assert customer.content == staff.content
    assert customer.content != case.get("supervisor").content
    assert case.get("crew", **{"for": "user"}).content == customer.content


def test_the_command_makes_the_same_bytes_in_a_process_of_its_own(case: Case, tmp_path: Path) -> None:
    expected = case.get("customer")
    file = tmp_path / "made.zip"
    answer = hearth(case, "make", "H1", "--from", SPAN["from"], "--to", SPAN["to"], "--out", str(file))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert file.read_bytes() == expected.content
    assert f'"{answer.stdout.strip()}"' == expected.headers["etag"]
    answer = hearth(case, "verify", str(file), "--root", answer.stdout.strip())
    assert (answer.returncode, answer.stdout.splitlines()[-1]) == (0, "in order")
    assert sorted(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nobody", "--from", "2026-01-12", "--to", "2026-01-16"], "there is no home nobody"),
        (["H1", "--from", "2026-01-16", "--to", "2026-01-16"], "--to: must be after --from"),
        (["H1", "--from", "2199-12-30", "--to", "2199-12-31"], "--to: is later than tomorrow"),
        (["H1", "--from", "9999-12-30", "--to", "9999-12-31"], "--from: 9999-12-30 is not between 1970 and 2199"),
        (["H1", "--from", "yesterday", "--to", "2026-01-16"], "--from: 'yesterday' is not a day"),
    ],
)
def test_the_command_names_what_is_wrong(case: Case, tmp_path: Path, arguments: list[str], told: str) -> None:
    answer = hearth(case, "make", *arguments, "--out", str(tmp_path / "made.zip"))
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"hearth: {told}")
    assert len(answer.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def hearth(case: Case, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `hearth evidence`."""
    case.api.conn.commit()
    environment = {"HEARTH_DATABASE_URL": case.database.url_as("api"), "TZ": "America/New_York"}
    return processes.run(environment, "evidence", *arguments)


@pytest.mark.parametrize(("language", "title"), [("zh", "低于标准的日期"), ("en", "Days below a limit")])
def test_the_paper_tells_the_case(case: Case, tmp_path: Path, language: str, title: str) -> None:
    if not shutil.which("pdftotext"):
        pytest.skip("NOT TESTED: no pdftotext (apt-get install poppler-utils)")
    file = tmp_path / "paper.pdf"
    file.write_bytes(opened(case.get("customer")).read(f"summary.{language}.pdf"))
    text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
    assert title in text
    for words in ("H1", "T00000001", "M00000001", "17.10", "七(一) / 7(1)", "2026-01-15 07:00"):
        assert words in text, words
    for secret in SECRETS:
        assert secret not in text


def test_readings_are_those_of_the_table(case: Case) -> None:
    rows = told(case.get(), "readings.csv")
    stored = case.company.rows(
        "SELECT s.code, r.measured_at, r.received_at, r.temperature, p.offset_k FROM reading AS r "
        "JOIN sensor AS s USING (sensor_id) JOIN point AS p USING (sensor_id) WHERE p.home_id = 1 "
        "ORDER BY p.point_id, r.measured_at"
    )
    assert len(rows) == len(stored) > 400
    for row, kept in zip(rows, stored, strict=True):
        assert (row["sensor"], datetime.fromisoformat(row["measured_at"])) == (kept["code"], kept["measured_at"])
        assert datetime.fromisoformat(row["received_at"]) == kept["received_at"]
        assert np.float32(row["raw"]) == np.float32(kept["temperature"])
        assert np.float32(row["temperature"]) == np.float32(kept["temperature"]) + np.float32(kept["offset_k"])
        assert (row["quality"], row["judged"]) == ("good", "true")


def test_the_ledger_adds_up_with_the_gaps(case: Case) -> None:
    days, gaps = told(case.get(), "ledger.csv"), told(case.get(), "gaps.csv")
    assert [row["recount"] for row in days] == ["same", "same", "open"]
    begin, end = GAP
    inside = [row for row in gaps if row["from"] > "2026-01-13"]
    assert [(row["from"], row["to"]) for row in inside] == [(utc(begin + 15 * MINUTE), utc(end))]
    unknown = sum(float(row["unknown_s"]) for row in days)
    assert unknown == sum(float(row["seconds"]) for row in gaps)


def utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def test_flags_tell_why_in_both_languages(case: Case) -> None:
    (flag,) = told(case.get("customer"), "flags.json")
    assert flag["why"]["zh"]
    assert flag["why"]["en"]
    assert flag["cleared_because"]["en"] == "The home is warm again and has stayed so."
    (outage,) = told(case.get("customer"), "outages.json")
    assert (outage["flags"], flag["outages"]) == ([flag["id"]], [outage["number"]])


def test_the_chain_can_be_computed_from_the_archive_alone(case: Case) -> None:
    answer = case.get()
    previous, events = b"", told(answer, "events.jsonl")
    for event in events:
        assert event["hash"] == hashlib.sha256(previous + event["canonical"].encode()).hexdigest()
        previous = bytes.fromhex(event["hash"])
    (ticket,) = told(answer, "tickets.json")
    assert ticket["head"] == previous.hex()
    assert (ticket["number"], ticket["responsible"]) == ("T00000001", "Li of the station")
    (seal,) = told(answer, "seals.json")
    sealed = case.company.kinds().index("replied") + 1
    assert [event["seal"] for event in events] == [1] * sealed + [None] * (len(events) - sealed)
    assert sealed < len(events)
    assert f"1:{seal['hash']}" == chain.verify(case.company.conn).last_seal


def test_the_user_gets_nothing_that_is_the_staff_s(case: Case) -> None:
    answer = case.get("customer")
    events = {event["seq"]: event for event in told(answer, "events.jsonl")}
    kinds = case.company.kinds()
    assert events[kinds.index("remark") + 1].keys() == {
        "ticket",
        "seq",
        "shown",
        "event_id",
        "seal",
        "previous",
        "hash",
    }
    assert events[kinds.index("recovered") + 1]["shown"] == "whole"
    replied = events[kinds.index("replied") + 1]
    assert (replied["shown"], replied["actor"], replied["data"]["text"]) == ("part", "staff", "we are coming")
    files = read_all(answer)
    for name, content in files.items():
        for secret in SECRETS:
            assert secret.encode() not in content, (name, secret)
    everything = read_all(case.get())
    whole = b"".join(everything[name] for name in files)
    assert all(secret.encode() in whole for secret in SECRETS if secret != "13900001111")
    assert b"13900001111" not in whole  # nobody's telephone is evidence


def test_unsigned_measurements_are_invalid(case: Case) -> None:
    records = told(case.get("customer"), "measurements.json")
    assert [(r["room"], r["signed"], r["valid"], r["worth"]) for r in records] == [
        ("living", True, True, "valid"),
        ("bedroom", False, False, "unsigned"),
    ]


def test_the_rules_are_those_in_force(case: Case) -> None:
    answer = case.get()
    text = opened(answer).read("policy.toml")
    assert text.decode() == SEED.text
    rules = told(answer, "policy.json")
    assert rules["sha256"] == hashlib.sha256(text).hexdigest()
    assert [version["label"] for version in rules["in_force"]] == ["seed@2020-01-01"]
    assert {limit["clause"] for limit in rules["in_force"][0]["limits"]} == {"七(一) / 7(1)"}


def test_late_data_changes_the_state_and_the_root(case: Case) -> None:
    before = told(case.get(), "manifest.json")
    span = {"from": "2026-01-12", "to": "2026-01-14"}
    past = case.get(**span).content
    case.company.say(("s2", GAP[0] + HOUR, 19.5), now=NOON + MINUTE)
    after = told(case.get(), "manifest.json")
    assert after["root"] != before["root"]
    assert after["state"]["readings"] == before["state"]["readings"] + 1
    assert after["state"]["last_received_at"] > before["state"]["last_received_at"]
    assert case.get(**span).content != past
    # Until watch has counted the day again, the ledger is behind its readings, and the dossier says so.
    assert "differs" in [row["recount"] for row in told(case.get(), "ledger.csv")]


def test_before_the_first_version_nothing_is_in_force(case: Case, tmp_path: Path) -> None:
    answer = case.get(**{"from": "2019-01-01", "to": "2019-02-01"})
    file = tmp_path / "dossier.zip"
    file.write_bytes(answer.content)
    assert verify(file).listed == []
    assert told(answer, "policy.json")["in_force"] == []


def test_nothing_is_said_of_gaps_in_what_was_deleted(case: Case, tmp_path: Path) -> None:
    conn = case.company.conn
    conn.execute("UPDATE readings_kept SET since = %s", (NOON - DAY,))
    try:
        answer = case.get()
    finally:
        conn.execute("UPDATE readings_kept SET since = NULL")
    assert told(answer, "gaps.csv") == []
    assert told(case.get(), "gaps.csv") != []
    assert [row["recount"] for row in told(answer, "ledger.csv")] == ["unkept", "unkept", "open"]
    file = tmp_path / "dossier.zip"
    file.write_bytes(answer.content)
    assert verify(file).listed == []


def test_a_home_that_was_never_heard(case: Case, tmp_path: Path) -> None:
    answer = case.api.get("/v1/homes/H2/evidence", case.api.token(), **SPAN)
    file = tmp_path / "dossier.zip"
    file.write_bytes(answer.content)
    assert verify(file).listed == []
    assert told(answer, "manifest.json")["state"]["counted_to"] is None
    assert (told(answer, "ledger.csv"), told(answer, "gaps.csv"), told(answer, "readings.csv")) == ([], [], [])


def test_what_makes_no_sense_is_refused(case: Case) -> None:
    check(case.get(**{"from": "2024-01-01"}), 422)
    check(case.get(**{"from": "2026-01-16"}), 422)
    check(case.get(to="2026-01-18"), 422)
    check(case.get("customer", **{"for": "staff"}), 403)
    check(case.api.get("/v1/homes/H2/evidence", case.api.token("customer", "H1"), **SPAN), 404)
    check(case.api.get("/v1/homes/H1/evidence", case.api.token("crew", station="East"), **{"for": "all"}), 422)


def test_no_more_at_a_time_than_exports(case: Case) -> None:
    places = case.api.app.state.surroundings.exports
    for _ in range(5):
        assert case.get().status_code == 200
    taken = [places.acquire(timeout=5) for _ in range(3)]
    check(case.get(), 503)
    for _ in taken:
        places.release()


def season(conn: Connection, days: int, seconds: int = 300) -> int:
    """Return a home with two thermometers that spoke every so often from 2025-12-01 on."""
    home = town.home(conn, f"S{seconds}")
    for room in ("living", "bedroom"):
        sensor = town.sensor(conn, f"{room}-{seconds}", home, room_kind=room, interval_s=seconds)
        conn.execute(
            "INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed) "
            "SELECT %s, at, at, 19 + random(), 0, true FROM generate_series('2025-12-01', "
            "'2025-12-01'::timestamptz + make_interval(days => %s), make_interval(secs => %s)) AS at",
            (sensor, days, seconds),
        )
    return home


def test_memory_is_flat_however_much_was_said(plain_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "AT_ONCE", 4_000)
    monkeypatch.setattr("papers.dossier.readings.BATCH_ROWS", 1_000)
    scope, days = access.Scope(everywhere=True, own_station=None, own_homes=[]), 12

    def peak(seconds: int) -> int:
        first = date(2025, 12, 1)
        wanted = compose.DossierRequest(
            season(conn, days, seconds), f"S{seconds}", first, first + days * DAY, DossierAudience.USER
        )
        tracemalloc.start()
        with tempfile.TemporaryFile() as file, conn.transaction():
            compose.compose(conn, scope, SEED, wanted, file)
            size = file.tell()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert size > days * 86_400 / seconds * 2 * 10
        return most

    with plain_database.connect(autocommit=True) as conn:
        peak(3600)  # what is read and kept once
        assert peak(30) < peak(300) * 1.3


def test_too_many_readings_are_refused(plain_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    season(plain_api.conn, 10)
    span = {"from": "2025-12-01", "to": "2025-12-11"}
    monkeypatch.setattr("papers.dossier.readings.MOST_READINGS", 5_000)
    check(plain_api.get("/v1/homes/S300/evidence", plain_api.token(), **span), 422)
    monkeypatch.setattr("papers.dossier.readings.MOST_READINGS", 6_000)
    assert plain_api.get("/v1/homes/S300/evidence", plain_api.token(), **span).status_code == 200


def test_days_where_the_clocks_change(plain_database: Database, tmp_path: Path) -> None:
    """A day of 23 hours, a new version of the rules, and a sensor that went to another room with another offset."""
    text = SEED.text.replace("2025-11-15, to = 2026-03-16", "2025-10-01, to = 2026-05-01")
    begin = text.index("[[version]]")
    newer = text[begin:].replace("2020-01-01", "2026-03-30").replace('"06:00"', '"08:00"')
    rules = policy_file.load(text + "\n" + newer, "test", "Europe/Berlin")
    moved = datetime(2026, 3, 29, 8, tzinfo=UTC)
    with plain_database.connect(autocommit=True) as conn:
        open_stages(conn)
        home = town.home(conn, "H1")
        sensor = town.sensor(conn, "s1", home, valid=(moved, None), offset_k=-1.5, room_kind="bedroom")
        town.sensor(conn, "s1", home, valid=(None, moved))
        conn.execute(
            "INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed) "
            "SELECT %s, at, at, 19, 0, true FROM generate_series('2026-03-27'::timestamptz, '2026-04-01', "
            "interval '5 minutes') AS at",
            (sensor,),
        )
        with conn.transaction():
            judge_again(conn, History(rules), [home], date(2026, 3, 27), datetime(2026, 4, 3, 12, tzinfo=UTC))
        file = tmp_path / "dossier.zip"
        scope = access.Scope(everywhere=True, own_station=None, own_homes=[])
        wanted = compose.DossierRequest(home, "H1", date(2026, 3, 27), date(2026, 4, 2), DossierAudience.USER)
        with file.open("wb") as out, conn.transaction():
            compose.compose(conn, scope, rules, wanted, out)
        until_monday = replace(wanted, end=date(2026, 3, 30))
        with (tmp_path / "sunday.zip").open("wb") as out, conn.transaction():
            compose.compose(conn, scope, rules, until_monday, out)
    sunday = verify(tmp_path / "sunday.zip")
    assert (sunday.listed, sunday.told["state"]["counted_to"]) == ([], "2026-03-29T22:00:00.000000Z")
    assert verify(file).listed == []
    answer = httpx.Response(200, content=file.read_bytes())
    days = {row["day"]: row for row in told(answer, "ledger.csv")}
    assert float(days["2026-03-29"]["cold_s"]) + float(days["2026-03-29"]["compliant_s"]) == 23 * 3600
    assert float(days["2026-03-30"]["cold_s"]) == 13 * 3600  # under the newer version, from 08:00 to 21:00
    assert float(days["2026-03-29"]["cold_s"]) == 11 * 3600  # 10:00 local to 21:00
    assert {row["recount"] for row in days.values()} == {"same"}
    readings = told(answer, "readings.csv")
    assert [(r["room"], r["offset"]) for r in (readings[0], readings[-1])] == [("living", "0"), ("bedroom", "-1.5")]
    in_force = told(answer, "policy.json")["in_force"]
    assert [version["label"] for version in in_force] == ["seed@2020-01-01", "seed@2026-03-30"]
