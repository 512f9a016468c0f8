"""`hearth report`: the figures that supervisors and regulators ask for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from psycopg import Connection
from rich.console import Console

from alerts.figures import kpi
from alerts.figures.cases import labelled_cases, last_year
from domain.errors import UsageError
from domain.kpi import Month
from hearth.listing import NUMBER, WORDS, listing
from hearth.settings import load
from hearth.wiring import chosen_policy, now, open_database
from papers import pdf, xlsx
from papers.kpi import paper
from papers.tables import Paper, ValueKind, written
from store.base import access
from store.evidence import chain_rows
from store.figures.kpi_rows import figures

if TYPE_CHECKING:
    from papers.figures_gather import FiguresRequest, SpanFigures

MOST_MONTHS = 12

app = typer.Typer(help="Figures for supervisors and regulators.", no_args_is_help=True)


class Language(StrEnum):
    """In which a report is written."""

    ZH = "zh"
    EN = "en"


@app.callback()
def report() -> None:
    """Print figures for supervisors and regulators."""


@app.command("kpi")
def report_kpi(
    month: Annotated[str, typer.Option(help="Such as 2026-01; by the utility's local calendar.")],
    station: Annotated[str | None, typer.Option(help="Of this station alone.")] = None,
    language: Annotated[Language, typer.Option(help="Of the report.")] = Language.ZH,
    xlsx_file: Annotated[Path | None, typer.Option("--xlsx", help="Write a workbook, too.")] = None,
    pdf_file: Annotated[Path | None, typer.Option("--pdf", help="Write a PDF, too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: figures instead of tables.")] = False,
) -> None:
    """Count the figures of a month, print them, and write them to files if asked."""
    wanted = _month("--month", month)
    settings = load()
    policy, at = chosen_policy(settings), now()
    zone = policy.zone
    with open_database(settings, "report") as conn, conn.transaction():
        kpi.count(conn, wanted, policy, at)
        found = figures(conn, wanted.first, station)
    if station is not None and not found:
        raise UsageError(f"--station: there are no figures of a station {station} in {wanted}")
    made = paper([(wanted, found)], at, zone, language.value)
    if xlsx_file is not None:
        with _writing("--xlsx", xlsx_file):
            xlsx.write(made, xlsx_file)
    if pdf_file is not None:
        with _writing("--pdf", pdf_file):
            pdf_file.write_bytes(pdf.render(made))
    if as_json:
        told = {"month": str(wanted), "counted_at": at.isoformat(), "figures": [f.told() for f in found]}
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        _print(made)


@app.command("cases")
def report_cases(
    file: Annotated[Path, typer.Argument(help="To write: .csv, .jsonl or .parquet.")],
    year: Annotated[int | None, typer.Option(help="Heating year, from July on; default: the last one over.")] = None,
) -> None:
    """Write the labelled cases of a heating year: likely causes beside those that crews found, of no home."""
    # What writes tables takes a while to import.
    import pyarrow as pa

    from papers.exports.formats import Format, write
    from papers.exports.schemas import CASES

    form = next((one for one in Format if file.suffix == f".{one}"), None)
    if form is None:
        raise UsageError(f"{file}: its name must end in {', '.join(f'.{one}' for one in Format)}")
    settings = load()
    zone = chosen_policy(settings).zone
    last = last_year(now(), zone)
    wanted = last if year is None else year
    if wanted > last:
        raise UsageError(f"--year: {wanted} is not over; the last heating year that is over is {last}")
    with open_database(settings, "report") as conn, conn.transaction():
        found = labelled_cases(conn, wanted, zone)
    rows = pa.RecordBatch.from_pylist([case._asdict() for case in found.cases], schema=CASES)
    with _writing("FILE", file):
        file.write_bytes(b"".join(write(form, CASES, [rows] if found.cases else [])))
    typer.echo(f"{file}: {len(found.cases)} cases of {wanted}/{wanted + 1}, {found.left_out} left out as too rare")


@app.command("package")
def report_package(
    month: Annotated[str, typer.Option(help="The first month, such as 2026-01; by the utility's local calendar.")],
    out: Annotated[Path, typer.Option(help="The ZIP to write.")],
    until: Annotated[str | None, typer.Option(help="The last month, such as 2026-03; the same if left out.")] = None,
    station: Annotated[str | None, typer.Option(help="Of this station alone.")] = None,
    language: Annotated[Language, typer.Option(help="Of workbook and PDF.")] = Language.ZH,
) -> None:
    """Count some months and write them for the regulator, with the lists behind; prints the root digest."""
    # What sets papers takes a second to import.
    from papers.figures_gather import FiguresRequest, months_of
    from papers.figures_package import package

    first, last = _month("--month", month), _month("--until", until or month)
    months = months_of(first, last)
    if not 0 < len(months) <= MOST_MONTHS or last < first:
        raise UsageError(f"--until: must not be before --month, and at most {MOST_MONTHS} months in all")
    settings = load()
    policy, at = chosen_policy(settings), now()
    wanted = FiguresRequest(months=months, station=station, language=language.value, counted_at=at)
    with open_database(settings, "report") as conn:
        with conn.transaction():
            for one in months:
                kpi.count(conn, one, policy, at)
        found = _gathered(conn, wanted, policy.zone)
    if not any(several for _, several in found.months):
        raise UsageError(f"--station: there are no figures of a station {station} in {wanted.name}")
    unfinished = out.with_name(f"{out.name}.part")
    try:
        with _writing("--out", out):
            with unfinished.open("wb") as file:
                root = package(file, found, policy, wanted)
            unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    typer.echo(root)


def _gathered(conn: Connection, wanted: "FiguresRequest", zone: ZoneInfo) -> "SpanFigures":
    """Read the figures as the API does, with the reach of a supervisor.

    Raises:
        UsageError: the account may not serve.
    """
    from papers.figures_gather import gather

    if not access.may_serve(conn):
        raise UsageError("HEARTH_DATABASE_URL: the account is not a member of hearth_api (docs/security.md)")
    with conn.transaction():
        chain_rows.freeze(conn)
        access.enter(conn, access.EVERYWHERE)
        return gather(conn, access.EVERYWHERE, wanted, zone)


def _month(option: str, text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


@contextmanager
def _writing(option: str, file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{option}: cannot write {file}: {error.strerror or error}") from None


def _print(made: Paper) -> None:
    console = Console()
    console.print(made.title, style="bold")
    for line in made.lines:
        console.print(line)
    for table in made.tables:
        console.print()
        columns = [(column.name, WORDS if column.kind is ValueKind.TEXT else NUMBER) for column in table.columns]
        rows = [[written(v, c.kind) for c, v in zip(table.columns, row, strict=True)] for row in table.rows]
        listing(columns, rows, table.title, table.note)
