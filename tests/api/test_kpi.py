"""The figures of a month, who sees which, and the package for the regulator."""

import csv
import hashlib
import io
import json
import re
import zipfile

import pytest

from alerts.figures import kpi
from domain.kpi import Month
from tests.api import town
from tests.api.conftest import POLICY, Api
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only

TABLES = ("heat", "proof", "desk", "clocks", "cases", "applications", "peers", "refunds", "rates")
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
    kpi.count(api.conn, Month.parse("2026-01"), POLICY, NOW)
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


def opened(content: bytes) -> tuple[dict[str, bytes], dict[str, object]]:
    """Return the files of a package and its manifest, which is right about each of them."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    told = {file["name"]: (file["sha256"], file["size"]) for file in manifest["files"]}
    assert told == {name: (hashlib.sha256(body).hexdigest(), len(body)) for name, body in files.items()}
    return files, manifest


def test_the_package_tells_what_the_api_and_the_boards_tell(counted: Api) -> None:
    token = counted.token("supervisor")
    answer = counted.get("/v1/kpi/package", token, month="2026-01", language="en")
    files, manifest = opened(answer.content)
    assert {name for name in files if "/" not in name} == {
        "SHA256SUMS", "figures-2026-01.pdf", "figures-2026-01.xlsx", "seals.json", *(f"{name}.csv" for name in TABLES),
    }  # fmt: skip
    assert answer.headers["etag"] == f'"{manifest["root"]}"'
    assert manifest["query"] == {"month": "2026-01", "until": "2026-01", "station": None, "language": "en"}
    assert (manifest["counted_at"], manifest["zone"]) == ("2026-01-15T04:00:00+00:00", POLICY.zone.key)
    assert manifest["policy"]["versions"] == ["seed@2020-01-01"]  # type: ignore[index]
    figures = counted.get("/v1/kpi", token, month="2026-01").json()["figures"]
    for table in ("heat", "proof", "desk", "clocks", "cases"):
        rows = list(csv.DictReader(io.StringIO(files[f"{table}.csv"].decode())))
        several = [(one["station"], each) for one in figures for each in (
            one[table] if isinstance(one[table], list) else [one[table]] if one[table] else [])]  # fmt: skip
        assert len(rows) == len(several)
        for row, (station, each) in zip(rows, several, strict=True):
            assert (row["scope"], row["station"]) == ("company" if station is None else "station", station or "")
            told = {key: float(row[key]) if row[key] else None for key, value in each.items()
                    if not isinstance(value, str)}  # fmt: skip
            assert told == {key: value for key, value in each.items() if not isinstance(value, str)}
            assert set(row) - {"month", "scope", "station", "known_s"} == set(each)
    board = counted.conn.execute(
        "SELECT station, rate_by_time::float8, coverage::float8 FROM kpi_heat_month ORDER BY station NULLS FIRST"
    ).fetchall()
    assert board == [(one["station"], one["heat"]["rate_by_time"], one["heat"]["coverage"]) for one in figures]
    with zipfile.ZipFile(io.BytesIO(files["figures-2026-01.xlsx"])) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    lines = re.findall(r"<row .*?</row>", sheet)[-3:]
    cells = re.compile(r'<c r="[B-D]\d+"[^>]*><v>([^<]+)')
    numbers = [[float(value) for value in cells.findall(line)] for line in lines]
    assert numbers == [[one["heat"][key] for key in ("rate_by_time", "rate_by_homes", "coverage")] for one in figures]


def test_the_same_figures_give_the_same_bytes(counted: Api) -> None:
    token = counted.token("admin")
    first = counted.get("/v1/kpi/package", token, month="2026-01")
    counted.clock.now = NOW.replace(hour=9)
    again = counted.get("/v1/kpi/package", token, month="2026-01")
    assert first.content == again.content
    headers = {"Authorization": f"Bearer {token}", "If-None-Match": first.headers["etag"]}
    assert counted.client.get("/v1/kpi/package?month=2026-01", headers=headers).status_code == 304


def test_a_station_s_name_is_no_formula_in_a_package(counted: Api) -> None:
    counted.conn.execute("UPDATE kpi_heat SET station = '=1+1' WHERE station = 'South'")
    files, _ = opened(counted.get("/v1/kpi/package", counted.token("admin"), month="2026-01").content)
    assert "'=1+1" in files["heat.csv"].decode()
    with zipfile.ZipFile(io.BytesIO(files["figures-2026-01.xlsx"])) as book:
        assert all(b"<f>" not in book.read(name) for name in book.namelist())


def test_a_package_is_for_leaders_and_of_what_was_counted(counted: Api) -> None:
    for role in ("dispatcher", "crew"):
        token = counted.token(role, station="North" if role == "crew" else None)
        assert counted.get("/v1/kpi/package", token, month="2026-01").status_code == 403
    token = counted.token("supervisor")
    assert counted.get("/v1/kpi/package", token, month="2024-02").status_code == 409
    assert counted.get("/v1/kpi/package", token, month="2026-01", station="Nowhere").status_code == 422
    files, _ = opened(counted.get("/v1/kpi/package", token, month="2026-01", station="North").content)
    assert files["heat.csv"].decode().count("\n") == 2


def test_a_month_says_what_it_proves_and_where_to_measure(counted: Api) -> None:
    token = counted.token("supervisor")
    (company, *_) = counted.get("/v1/kpi", token, month="2026-01").json()["figures"]
    proof = company["proof"]
    assert proof["proven"] <= proof["warm"] / proof["measured"]
    assert proof["en"].startswith(f"{proof['warm']} of {proof['measured']} measured homes were warm")
    asked = counted.get("/v1/kpi/sample", token, month="2026-01", precision="0.01").json()
    assert asked["more"] == sum(place["more"] for place in asked["places"]) <= proof["homes"] - proof["measured"]
    assert counted.get("/v1/kpi/sample", token, month="2024-02").json()["places"] == []
    assert counted.get("/v1/kpi/sample", counted.token("crew", station="North"), month="2026-01").status_code == 403
