"""Routes for the public seals over all evidence: a kept seal reveals any later change to the past."""

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, BeforeValidator, Field

from api.figures.status import NOBODY
from api.http.paging import Page, Paged
from api.http.session import surroundings
from api.http.values import Instant
from store.base import access
from store.evidence import chain_rows

Hex = Annotated[str, BeforeValidator(lambda value: bytes(value).hex()), Field(pattern="^[0-9a-f]{64}$")]
Base64 = Annotated[str, BeforeValidator(lambda value: base64.b64encode(value).decode())]

router = APIRouter(prefix="/v1", tags=["seals"])


class Seal(BaseModel):
    """A seal. `hash` is SHA-256 of `previous` (its 32 bytes; nothing for the first seal), `at` in microseconds since
    1970, `upto` and `events`, each followed by `|`, the bytes of `digest`, and, if there are entries, `|`,
    `entries_upto`, `|`, `entries`, `|` and the bytes of `entries_digest`. `signature`: `hearth-seal/1|number|hash`.
    """

    number: int
    at: Instant
    upto: int
    events: int
    digest: Hex
    entries_upto: int | None
    entries: int | None
    entries_digest: Hex | None
    previous: Hex | None
    hash: Hex
    key: str | None
    signature: Base64 | None


class Key(BaseModel):
    """A public key (Ed25519) of the company, and since when it has been in use. Old keys stay listed."""

    key: str
    public_key: Base64
    since: Instant


class Keys(BaseModel):
    """All public keys, oldest first."""

    items: list[Key]


@router.get("/seals")
def seals(request: Request, paged: Paged) -> Page[Seal]:
    """List seals, newest first. They contain no personal data and are public."""
    with surroundings(request).pool.connection() as conn:
        conn.read_only = True
        access.enter(conn, NOBODY)
        rows = chain_rows.page(conn, paged.id(), paged.fetched)
    return paged.page(rows, Seal, "number")


@router.get("/seals/keys")
def keys(request: Request) -> Keys:
    """List the public keys that sign seals and dossiers."""
    with surroundings(request).pool.connection() as conn:
        conn.read_only = True
        access.enter(conn, NOBODY)
        found: list[dict[str, Any]] = chain_rows.key_rows(conn)
    return Keys(items=[Key.model_validate(row) for row in found])
