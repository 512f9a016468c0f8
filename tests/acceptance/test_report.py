"""`hearth report` as an operator runs it."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from tests import registry_rows
from tests.acceptance import processes
from tests.conftest import Database

INSERT_DAY = """
INSERT INTO ledger VALUES (%s, '2026-01-14', 64800000000, 21600000000, 0, 0, 0, 0, 0, 0, 17, 'p', true, NULL)
"""


def environment(database: Database) -> dict[str, str]:
    with database.connect() as conn:
        home = registry_rows.home(conn, "A")
        conn.execute(INSERT_DAY, (home,))
        conn.execute("INSERT INTO kpi_stale VALUES (0, '2026-01-01')")
    return {"HEARTH_DATABASE_URL": database.url, "COLUMNS": "250"}


def test_a_month_on_the_terminal_in_files_and_for_programs(database: Database, tmp_path: Path) -> None:
    ours = environment(database)
    book, print_out = tmp_path / "kpi.xlsx", tmp_path / "kpi.pdf"
    files = ("--xlsx", str(book), "--pdf", str(print_out))
    shown = processes.run(ours, "report", "kpi", "--month", "2026-01", *files)
    assert shown.returncode == 0, shown.stderr
    assert "供热服务月报 2026-01" in shown.stdout
    assert "75.00 %" in shown.stdout
    assert print_out.read_bytes().startswith(b"%PDF")
    with zipfile.ZipFile(book) as archive:
        assert "<v>0.75</v>" in archive.read("xl/worksheets/sheet1.xml").decode()
    english = processes.run(ours, "report", "kpi", "--month", "2026-01", "--language", "en")
    assert "Qualified rate of room temperatures" in english.stdout
    told = json.loads(processes.run(ours, "report", "kpi", "--month", "2026-01", "--json").stdout)
    assert [each["station"] for each in told["figures"]] == [None, "East"]
    assert told["figures"][0]["heat"]["rate_by_time"] == 0.75
    cases = tmp_path / "cases.csv"
    done = processes.run(ours, "report", "cases", str(cases), "--year", "2024")
    assert done.stdout.strip() == f"{cases}: 0 cases of 2024/2025, 0 left out as too rare", done.stderr
    assert cases.read_text() == "outdoor,since,fell,beside,supply,likely,found\n"


def test_a_quarter_is_written_and_checked_outside(plain_database: Database, tmp_path: Path) -> None:
    ours, out = environment(plain_database), tmp_path / "quarter.zip"
    made = processes.run(ours, "report", "package", "--month", "2025-12", "--until", "2026-02", "--out", str(out))
    assert made.returncode == 0, made.stderr
    checker = [sys.executable, "-I", "-S", "tools/check_figures.py", str(out), "--root", made.stdout.strip()]
    done = subprocess.run(checker, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "in order"), done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["quarter.zip"]
    for more, told in (
        (("--until", "2025-11"), "--until: must not be before --month"),
        (("--until", "2025-12", "--station", "West"), "--station: there are no figures"),
    ):
        refused = processes.run(ours, "report", "package", "--month", "2025-12", *more, "--out", str(out))
        assert (refused.returncode, told in refused.stderr) == (2, True), refused.stderr


def test_errors_are_one_line(plain_database: Database, tmp_path: Path) -> None:
    ours = environment(plain_database)
    for arguments, told in (
        (("--month", "January"), "--month: 'January' is not a month such as 2026-01"),
        (("--month", "2026-01", "--station", "West"), "--station: there are no figures of a station West in 2026-01"),
        (("--month", "2026-01", "--pdf", str(tmp_path / "no" / "x.pdf")), "--pdf: cannot write"),
        (("--month", "2026-01", "--xlsx", str(tmp_path / "no" / "x.xlsx")), "--xlsx: cannot write"),
    ):
        done = processes.run(ours, "report", "kpi", *arguments)
        assert done.returncode == 2
        assert told in done.stderr
        assert len(done.stderr.splitlines()) == 1
