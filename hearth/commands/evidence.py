"""`hearth evidence`: dossiers of what is on record of a home, made and checked."""

import json
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from domain import instants
from domain.errors import UsageError
from domain.printable import printable
from papers.dossier.verify import LONGEST_TOLD, DossierVerdict, verify

if TYPE_CHECKING:
    from psycopg import Connection

    from domain.policy import Policy
    from papers.dossier.compose import DossierMeans
    from papers.dossier.lines import DossierAudience

app = typer.Typer(help="Dossiers of what is on record of a home.", no_args_is_help=True)


@app.command("verify")
def verify_dossier(
    file: Annotated[Path, typer.Argument(help="A dossier, as the API or `evidence make` wrote it.")],
    root: Annotated[str | None, typer.Option(help="The root digest as it was noted when the dossier was made.")] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE|BASE64", help="A public key of the company, as it is published at /v1/seals/keys."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check that a dossier is as it was made, and who signed it; exit code 1 if it was changed."""
    verdict = verify(file, root, [public for one in key or () for public in _keys(one)])
    typer.echo(json.dumps(asdict(verdict)) if as_json else told(verdict))
    if verdict.faults:
        raise typer.Exit(1)


@app.command()
def make(
    code: Annotated[str, typer.Argument(help="Of the home.")],
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="First local day.")],
    end: Annotated[str, typer.Option("--to", metavar="DAY", help="The day after the last.")],
    out: Annotated[Path, typer.Option(help="The ZIP to write.")],
    staff: Annotated[
        bool, typer.Option("--staff", help="With remarks of the staff; else as the user gets it.")
    ] = False,
) -> None:
    """Write the dossier of a home; prints its root digest."""
    # What sets papers and counts readings takes a second to import, and checking needs none of it.
    from api.evidence.dossier_routes import LONGEST_SPAN
    from hearth.on_record import chosen_history
    from hearth.settings import load
    from hearth.wiring import chosen_files, chosen_policy, chosen_seal_key, now, open_database
    from papers.dossier.compose import DossierMeans
    from papers.dossier.lines import DossierAudience

    days = (_day("--from", first), _day("--to", end))
    if not timedelta(0) < days[1] - days[0] <= LONGEST_SPAN:
        raise UsageError(f"--to: must be after --from, and not more than {LONGEST_SPAN.days} days")
    settings = load()
    policy = chosen_policy(settings)
    if days[1] > now().astimezone(policy.zone).date() + timedelta(days=1):
        raise UsageError("--to: is later than tomorrow")
    if out.is_dir():
        raise UsageError(f"--out: {out} is a folder")
    unfinished = out.with_name(f"{out.name}.part")
    try:
        with open_database(settings, "evidence") as conn, unfinished.open("wb") as file:
            view = DossierAudience.STAFF if staff else DossierAudience.USER
            means = DossierMeans(chosen_seal_key(settings), chosen_files(settings), chosen_history(settings))
            root = _write(conn, policy, (code, *days, view), means, file)
        unfinished.replace(out)
    except OSError as error:
        raise UsageError(f"--out: cannot write {out}: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)
    typer.echo(root)


def _write(
    conn: "Connection",
    policy: "Policy",
    asked: tuple[str, date, date, "DossierAudience"],
    means: "DossierMeans",
    file: IO[bytes],
) -> str:
    from papers.dossier.compose import DossierRequest, compose
    from papers.dossier.readings import TooMuch
    from store.base import access
    from store.tickets.file_contents import FileMissing

    if not access.may_serve(conn):
        raise UsageError("HEARTH_DATABASE_URL: the account is not a member of hearth_api (docs/security.md)")
    code = asked[0]
    with conn.transaction():
        access.enter(conn, access.EVERYWHERE)
        found = access.home_id(conn, code)
    if found is None:
        raise UsageError(f"there is no home {code}")
    try:
        with conn.transaction():
            return compose(conn, access.EVERYWHERE, policy, DossierRequest(found, *asked), file, means)
    except TooMuch:
        raise UsageError("--from: there are too many readings in the span: take a shorter one") from None
    except FileMissing as missing:
        raise UsageError(f"HEARTH_FILES: the file with the SHA-256 {missing} is not there, or is another") from None


def told(verdict: DossierVerdict) -> str:
    """Format the verdict."""
    lines = list(verdict.listed)
    if verdict.given_up:
        lines.append("and maybe more: it was looked at no further")
    of = verdict.told
    about = f"home {of.get('home')}, {of.get('from')} to {of.get('to')} ({of.get('zone')}), for: {of.get('view')}"
    lines.append(printable(about, LONGEST_TOLD))
    lines.append(f"{verdict.files} files, {verdict.readings} readings, {verdict.days} days, {verdict.events} events")
    if verdict.attachments:
        lines.append(f"{verdict.attachments} of the files are of tickets: the hashes that events tell were compared")
    if verdict.withheld:
        lines.append(f"{verdict.withheld} of the events are told in part or withheld: their hashes were followed only")
    lines.append(f"root {verdict.root}")
    lines.append(f"signature: {printable(verdict.signature, LONGEST_TOLD)}")
    lines.append("in order" if not verdict.faults else f"{verdict.faults} fault(s)")
    return "\n".join(lines)


def _keys(told: str) -> list[bytes]:
    """Read public keys: one in base64, or a file with one (PEM, base64) or with the API's list.

    Raises:
        UsageError: there is none.
    """
    from store.evidence.signing import read_public

    file = Path(told)
    try:
        text = file.read_text(encoding="utf-8") if file.is_file() else told
        listed = json.loads(text)["items"] if text.lstrip().startswith("{") else [{"public_key": text}]
        return [read_public(str(item["public_key"])) for item in listed]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"--key: is no public key (Ed25519) in base64, nor a file with one: {error}") from None


def _day(option: str, text: str) -> date:
    try:
        return instants.day(text)
    except instants.NotBounded as error:
        raise UsageError(f"{option}: {error}") from None
    except ValueError:
        raise UsageError(f"{option}: {text!r} is not a day such as 2026-01-15") from None
