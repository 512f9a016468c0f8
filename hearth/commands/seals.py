"""`hearth seals`: the key that seals and dossiers are signed with."""

import base64
import os
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import UsageError
from hearth.settings import load
from hearth.wiring import chosen_seal_key
from store.evidence.signing import SigningKey

app = typer.Typer(help="The key that seals and dossiers are signed with.", no_args_is_help=True)


@app.callback()
def _seals() -> None:
    """Keep the command's name: without a callback typer would run a single command without it."""


@app.command()
def key(
    new: Annotated[Path | None, typer.Option(help="Make a new private key and write it to this file.")] = None,
) -> None:
    """Print the public key in base64, as `hearth evidence verify --key` takes it, and its name on stderr."""
    if new is not None:
        made = SigningKey.made()
        _write(new, made.pem)
    else:
        found = chosen_seal_key(load())
        if found is None:
            raise UsageError(
                "HEARTH_SEAL_KEY_FILE is not set: seals are not signed. hearth seals key --new FILE makes a key"
            )
        made = found
    typer.echo(f"key {made.key_id}", err=True)
    typer.echo(base64.b64encode(made.public).decode())


def _write(file: Path, text: str) -> None:
    """Write a file that nobody else may read, and never over another."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(text)
    except OSError as error:
        raise UsageError(f"--new: cannot write {file}: {error.strerror}") from None
