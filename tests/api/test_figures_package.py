"""The package of a quarter: counted again from its lists by a checker outside the product, under seals, and changed."""

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.evidence import chain
from alerts.figures import kpi
from domain.kpi import Month
from papers.dossier.bundle import root, sums
from store.exchange import peer_rows
from tests.api import town
from tests.api.case_files import case
from tests.api.conftest import POLICY, Api
from tests.api.office import Office
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only

ROOT = Path(__file__).parents[2]
CHECKER = ROOT / "tools/check_figures.py"
DAY = timedelta(days=1)
INSERT_DAYS = """
INSERT INTO ledger
SELECT home_id, %s, 43200000000, 21600000000, 0, 21600000000, 0, 0, 0, 3600000000000, 17, 'p', true, NULL FROM home
"""


PEER = {"addressee": "peer city", "name": "city", "classes": [], "tells": [], "responds": [], "solves": []}
INSERT_CASES = """
INSERT INTO peer_case (
  peer_id, ticket_id, is_theirs, number, linked_at, respond_by, responded_at, resolve_by, resolved_at, satisfied,
  rated_at
)
SELECT
  p.peer_id, t.ticket_id, true, 'C-' || t.ticket_id, %(at)s, %(at)s + interval '1 day',
  %(at)s + t.ticket_id * interval '10 hours', %(at)s + interval '20 days', NULL, t.ticket_id = 1, %(at)s
FROM peer AS p, ticket AS t WHERE t.ticket_id <= 3
"""
INSERT_EVENTS = """
INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data)
SELECT ticket_id, 1, opened_at, 'opened', 'desk', state, '{}' FROM ticket WHERE class = 'complaint'
"""


@pytest.fixture
def worked(api: Api) -> Api:
    """Three months of a desk: tickets in time and late, cases, applications, a peer, a refund, seals; counted."""
    office = Office(api)
    for ticket_class, days in (("repair", 1), ("leak", 30), ("repair", 40)):
        one = office.opened(ticket_class, new=True)
        office.move(one, "accepted", opinion="=1+1")
        api.clock.now = NOW + days * DAY
        office.move(one, "replied", text="done", channel="phone")
        api.clock.now = NOW
    for due in (-1, 3):
        case(api, due * DAY)
    case(api, DAY, station="South", answered=True)
    api.conn.execute(INSERT_EVENTS)
    application = office.applied(kind="stop")
    api.clock.now = NOW + DAY
    office.move(application, "plan_answered", plan="=2+2")
    office.applied(kind="change_name")
    peer_rows.set_peers(api.conn, [PEER], NOW)
    api.conn.execute(INSERT_CASES, {"at": NOW})
    town.refund(api.conn, office.home)
    for day in ("2026-01-14", "2026-02-14"):
        api.conn.execute(INSERT_DAYS, (day,))
    api.conn.commit()
    for sealed in range(2):
        chain.seal(api.conn, NOW + (60 + sealed) * DAY)
    for month in ("2026-01", "2026-02", "2026-03"):
        api.conn.execute("INSERT INTO kpi_stale VALUES (0, %s)", (f"{month}-01",))
        kpi.count(api.conn, Month.parse(month), POLICY, NOW + 60 * DAY)
    return api


def package(api: Api, **query: str) -> bytes:
    answer = api.get("/v1/kpi/package", api.token("supervisor"), **{"month": "2026-01", "until": "2026-03", **query})
    assert answer.status_code == 200, answer.text
    return answer.content


def checked(folder: Path, content: bytes, *more: str) -> tuple[int, str]:
    """Run the checker with the standard library alone."""
    (folder / "package.zip").write_bytes(content)
    command = [sys.executable, "-I", "-S", str(CHECKER), str(folder / "package.zip"), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def files_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forged(content: bytes, name: str, change: Callable[[str], str], *, whole: bool = True) -> bytes:
    """Change a file; `whole`: and make manifest and sums again, as somebody would who forges a package."""
    files = files_of(content)
    before = files[name].decode()
    files[name] = change(before).encode()
    assert files[name] != before.encode()
    manifest = json.loads(files.pop("manifest.json"))
    if whole:
        for one in manifest["files"]:
            one["sha256"] = hashlib.sha256(files[one["name"]]).hexdigest()
            one["size"] = len(files[one["name"]])
        files["SHA256SUMS"] = sums(one for one in manifest["files"] if one["name"] != "SHA256SUMS")
        for one in manifest["files"]:
            one["sha256"] = hashlib.sha256(files[one["name"]]).hexdigest()
        manifest["root"] = root(manifest)
    files["manifest.json"] = json.dumps(manifest).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for each, body in files.items():
            archive.writestr(each, body)
    return out.getvalue()


def undone(content: bytes) -> bytes:
    """Break what a file is packed in: it begins with a block of a kind that there is not."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        head = next(one.header_offset for one in archive.infolist() if one.compress_type == zipfile.ZIP_DEFLATED)
    at = head + 30 + sum(int.from_bytes(content[head + size : head + size + 2], "little") for size in (26, 28))
    return content[:at] + b"\xff" + content[at + 1 :]


def rows(content: bytes, name: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(files_of(content)[name].decode())))


def test_a_quarter_is_counted_again_from_its_lists_and_lies_under_seals(worked: Api, tmp_path: Path) -> None:
    content = package(worked)
    code, told = checked(tmp_path, content)
    assert (code, told.splitlines()[-1]) == (0, "in order"), told
    assert "not under a seal yet" not in told
    lines = sum(len(rows(content, f"lists/{name}.csv")) for name in ("tickets", "clocks", "refunds"))
    assert f"{lines} lines proven to lie under their seals" in told
    assert content == package(worked)
    company = [row["month"] for row in rows(content, "heat.csv") if row["scope"] == "company"]
    assert company == ["2026-01", "2026-02", "2026-03"]
    stored = worked.get("/v1/kpi", worked.token(), month="2026-02").json()["figures"][0]
    counted = [row for row in rows(content, "clocks.csv") if (row["month"], row["scope"]) == ("2026-02", "company")]
    assert [(row["ticket_class"], row["name"], int(row["due"]), int(row["late"])) for row in counted] == [
        (one["ticket_class"], one["name"], one["due"], one["late"]) for one in stored["clocks"]
    ]
    assert {row["ticket_class"] for row in rows(content, "lists/clocks.csv")} >= {"repair", "leak", "complaint"}
    assert [(row["kind"], row["received"]) for row in rows(content, "applications.csv")] == [
        ("change_name", "1"), ("stop", "1"),
    ]  # fmt: skip
    peer, *_ = rows(content, "peers.csv")
    assert [peer[name] for name in ("response_due", "response_met", "rated")] == ["3", "2", "3"]
    assert [(row["sheets"], row["days"], row["amount"]) for row in rows(content, "refunds.csv")] == [("1", "1", "1")]
    rates = {(row["scope"], row["table"], row["name"]): row for row in rows(content, "rates.csv")}
    assert float(rates["company", "heat", "rate_by_time"]["whole"]) == 2 * 64_800
    texts = b"".join(body for name, body in files_of(content).items() if not name.endswith((".pdf", ".xlsx")))
    assert b"B1-101" not in texts  # no homes


FORGERIES: dict[str, tuple[str, Callable[[str], str], str]] = {
    "a count": ("clocks.csv", lambda text: text.replace(",1,0,", ",1,1,", 1), "clocks.csv: 2026-01"),
    "a rate": ("rates.csv", lambda text: re.sub(r'(satisfaction",)\d+', r"\g<1>7", text, count=1), "rates.csv: "),
    "a time in a list": (
        "lists/clocks.csv",
        lambda text: re.sub(r'(",\d+,"[\d-]{10})T04:', r"\1T03:", text, count=1),
        "is not what its entry says",
    ),
    "a clock of an entry of several": (
        "lists/clocks.csv",
        lambda text: re.sub(r"([0-9a-f]{64}){2,}", lambda found: found[0][:-64] + "0" * 64, text),
        "does not lie under its seal",
    ),
    "the clocks of another ticket": (
        "lists/clocks.csv", lambda text: re.sub(r"([0-9a-f]{64}){2,}", "0" * 128, text), "is not what its entry says",
    ),
    "a line of a list": (
        "lists/clocks.csv", lambda text: text.replace(text.splitlines()[1] + "\n", "", 1), "clocks.csv: ",
    ),
    "the head of a ticket": (
        "lists/tickets.csv",
        lambda text: re.sub(r"[0-9a-f]{64}", "0" * 64, text, count=1),
        "lists/tickets.csv: T00000001: does not lie under its seal",
    ),
    "a seal": (
        "seals.json", lambda text: re.sub(r'"events": (\d+)', r'"events": 9\1', text, count=1),
        "seals.json: seal 1: does not match its hash",
    ),
    "a line twice": (
        "lists/clocks.csv",
        lambda text: text + text.splitlines()[1] + "\n",
        "lists/clocks.csv: T00000001 1",
    ),
    "a number that is none": (
        "lists/refunds.csv", lambda text: text.replace(",1,1,", ",1,x,", 1), "lists/refunds.csv: cannot be read",
    ),
    "a refund": ("refunds.csv", lambda text: text.replace(",1\n", ",2\n"), "refunds.csv: 2026-01 CNY: amount"),
}  # fmt: skip


def test_what_is_changed_is_found_and_named(worked: Api, tmp_path: Path) -> None:
    content = package(worked)
    for name, (file, change, told) in FORGERIES.items():
        code, said = checked(tmp_path, forged(content, file, change))
        assert (code, told in said) == (1, True), (name, said)
    file, change, _ = FORGERIES["a count"]
    code, said = checked(tmp_path, forged(content, file, change, whole=False))
    assert (code, f"{file}: was changed" in said) == (1, True)
    code, said = checked(tmp_path, forged(content, "lists/flags.csv", lambda _: "", whole=False))
    assert (code, "lists/flags.csv: was changed" in said) == (1, True)
    code, said = checked(tmp_path, forged(content, "desk.csv", lambda text: text.replace(",", ",x", 40), whole=False))
    assert (code, "desk.csv: was changed" in said) == (1, True)
    assert checked(tmp_path, content, "--root", "0" * 64)[0] == 1
    (published := tmp_path / "seals.txt").write_text(f"1:{'0' * 64}")
    assert "seal 1: the published one is another" in checked(tmp_path, content, "--seals", str(published))[1]
    published.write_text(worked.get("/v1/seals").text)
    code, said = checked(tmp_path, content, "--seals", str(published))
    compared = re.search(r"(\d+) of (\d+) seals compared", said)
    assert code == 0
    assert compared is not None
    assert compared[1] == compared[2]
    for broken in (content[:100], undone(content)):
        assert "cannot be read" in checked(tmp_path, broken)[1]


def test_a_station_has_a_package_of_its_own(worked: Api, tmp_path: Path) -> None:
    content = package(worked, station="North", language="en")
    assert checked(tmp_path, content)[0] == 0
    assert {row["scope"] for row in rows(content, "rates.csv")} == {"station"}
    assert {row["station"] for row in rows(content, "lists/cases.csv")} == {"North"}
    assert rows(content, "lists/peers.csv") == []
    for station in ("-2 North", "＝North"):  # a name that a spreadsheet would take for a formula
        worked.conn.execute("ALTER TABLE ticket DISABLE TRIGGER USER")
        worked.conn.execute("UPDATE ticket SET station = %s WHERE station LIKE '%%North'", [station])
        content = package(worked, station=station)
        code, said = checked(tmp_path, content)
        assert code == 0, said
        assert {row["station"] for row in rows(content, "lists/cases.csv")} == {f"'{station}"}


def test_spans_that_are_none_are_refused(worked: Api) -> None:
    token = worked.token("supervisor")
    for until, status in (("2025-12", 422), ("2027-01", 422), ("2026-04", 409)):
        assert worked.get("/v1/kpi/package", token, month="2026-01", until=until).status_code == status
