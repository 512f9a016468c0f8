"""Routes for the keys of machines and of customers' pages: listed without their secret, made, ended."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.paging import Page, Paged
from api.http.problem import FieldFault, Problem, invalid
from api.http.session import Session, asked_by, changed_by
from api.http.values import AskedDay, Instant
from api.office.edits import Cell, Reason
from api.words.office import BEYOND_MAKER, NO_SUCH_TOKEN
from domain.errors import GrantRefused
from store.base import access, token_rows
from store.base.access import Right, Role, TokenGrant
from store.base.rows import Row
from store.base.token_rows import BeyondMaker

MOST_HOMES = 100  # of a token
FIELDS = {"home": "homes"}  # where a field is called otherwise than the option of the command
ADMINS = frozenset({Role.ADMIN})
AskingAdmins = Annotated[Session, Depends(asked_by(ADMINS), scope="function")]
ChangingAdmins = Annotated[Session, Depends(changed_by(ADMINS), scope="function")]
TokenNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]
TokenState = Literal["valid", "expired", "ended"]
router = APIRouter(prefix="/v1/tokens", tags=["tokens"])


class TokenEntry(BaseModel):
    """A token, without its secret. `from_at`: nothing older is reached."""

    id: int
    label: str | None
    role: Role
    rights: list[Right]
    station: str | None
    homes: list[str]
    residents: list[str]
    from_at: Instant | None
    created_at: Instant
    expires_at: Instant | None
    ended_at: Instant | None
    state: TokenState


class WantedToken(BaseModel):
    """A token to make: for a customer with homes, for a crew with a station, for all else with neither.

    `days`: it ends so many days from now; null: not by itself. `rights` are those of the maker at most.
    """

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    role: Role
    label: Cell | None = None
    rights: Annotated[list[Right], Field(min_length=1, max_length=3)] = list(Right)
    station: Cell | None = None
    homes: Annotated[list[Cell], Field(max_length=MOST_HOMES)] = []
    resident: Cell | None = None
    since: Annotated[AskedDay | None, Field(alias="from")] = None
    days: Annotated[int | None, Field(ge=1, le=36_500)] = None


class MadeToken(BaseModel):
    """A new token, shown this once. `page`: for a customer, the address of the page that it opens."""

    token: str
    page: str | None


class TokenEnd(BaseModel):
    """The reason for which a token ends."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


@router.get("")
def tokens(asking: AskingAdmins, paged: Paged) -> Page[TokenEntry]:
    """List tokens, newest first. Sessions of people are not among them."""
    rows = listed(asking, paged.id(), paged.fetched)
    return paged.page(rows, TokenEntry, "id")


def listed(asking: Session, before: int | None, limit: int) -> list[Row]:
    """Read a page of tokens, newest first, with their state."""
    rows = token_rows.latest(asking.conn, before, limit)
    return [
        {**row, "id": row["token_id"], "ended_at": row["revoked_at"], "state": _state(row, asking.now)} for row in rows
    ]


def _state(row: Row, now: datetime) -> TokenState:
    if row["revoked_at"]:
        return "ended"
    return "expired" if row["expires_at"] and row["expires_at"] <= now else "valid"


@router.post("", status_code=201)
def make_token(request: Request, changing: ChangingAdmins, wanted: WantedToken) -> MadeToken:
    """Make a token and answer it, this once; only its digest is kept."""
    return make(changing, wanted, f"{request.url.scheme}://{request.url.netloc}")


def make(changing: Session, wanted: WantedToken, site: str) -> MadeToken:
    """Make a token.

    Raises:
        Problem: 403, it would have more than its maker: rights, reach or time; 422.
    """
    changing.notes.update(reason=wanted.reason, role=wanted.role, homes=wanted.homes, station=wanted.station)
    try:
        number, token = token_rows.make(changing.conn, _grant(changing, wanted), changing.now)
    except BeyondMaker as error:
        raise Problem(403, BEYOND_MAKER[error.what]) from None
    except GrantRefused as refusal:
        raise invalid(FieldFault(FIELDS.get(refusal.option, refusal.option), refusal.told)) from None
    changing.notes["token"] = number
    page = f"{site}/home?token={token}" if wanted.role is Role.CUSTOMER else None
    return MadeToken(token=token, page=page)


def _grant(changing: Session, wanted: WantedToken) -> TokenGrant:
    return TokenGrant(
        wanted.role,
        homes=list(dict.fromkeys(wanted.homes)),
        station=wanted.station or None,
        resident=wanted.resident or None,
        since=_since(wanted.since, changing),
        expires_at=changing.now + timedelta(days=wanted.days) if wanted.days else None,
        label=wanted.label or None,
        rights=wanted.rights,
    )


def _since(day: date | None, changing: Session) -> access.Since | None:
    if day is None:
        return None
    return access.Since(datetime(day.year, day.month, day.day, tzinfo=changing.policy.zone), day)


@router.post("/{id}/end", status_code=204)
def end_token(id: TokenNumber, changing: ChangingAdmins, ending: TokenEnd) -> Response:
    """End a token: it is worthless from the next request on."""
    end(changing, id, ending.reason)
    return Response(status_code=204)


def end(changing: Session, number: int, reason: str) -> None:
    """End a token.

    Raises:
        Problem: 404, there is none, it has ended, or it is a session.
    """
    changing.notes["reason"] = reason
    if not token_rows.end(changing.conn, number, changing.now):
        raise Problem(404, NO_SUCH_TOKEN)
