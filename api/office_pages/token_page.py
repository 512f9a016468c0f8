"""The page of tokens: listed, made and shown once, ended."""

from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api.desk.once import number_once
from api.desk_pages.forms import once
from api.desk_pages.show import desk_page
from api.http.paging import Paged
from api.http.problem import Problem
from api.http.session import Session
from api.office import tokens
from api.office.tokens import ADMINS, MadeToken, TokenNumber, WantedToken
from api.office_pages.forms import NOTHING_TRIED, AskingAdmin, Fields, SentForm, Told, tried
from api.staff.frame import language_of
from api.staff.session import StaffRoute, signed_in
from api.words.office import TOKEN_MADE_BEFORE
from store.base.access import Right, Role

TOKENS = "/desk/tokens"
router = APIRouter(prefix=TOKENS, route_class=StaffRoute, include_in_schema=False)
reading = contextmanager(signed_in(ADMINS))


@router.get("")
def listed(request: Request, asking: AskingAdmin, paged: Paged, done: Annotated[bool, Query()] = False) -> Response:
    """List tokens, with a form for another one."""
    return _page(request, asking, NOTHING_TRIED, paged=paged, done=done)


@router.post("")
def make(request: Request, paged: Paged, told: Fields) -> Response:
    """Make a token and show it, this once."""
    made: list[MadeToken] = []

    def act(changing: Session) -> None:
        # Once: what a reloaded page would make is a key that works and that nobody has seen.
        number = number_once(changing, once("token", told), lambda: make_one(changing))
        if not made:
            raise Problem(409, TOKEN_MADE_BEFORE.fill(number=number))

    def make_one(changing: Session) -> str:
        site = f"{request.url.scheme}://{request.url.netloc}"
        made.append(tokens.make(changing, WantedToken.model_validate(_body(told)), site))
        return str(changing.notes["token"])

    found = tried(request, ADMINS, "token", told, act)
    with reading(request) as asking:
        return _page(request, asking, found or NOTHING_TRIED, paged=paged, made=made[0] if made else None)


def _body(told: Told) -> dict[str, Any]:
    names = ("reason", "role", "label", "station", "resident", "from", "days")
    given: dict[str, Any] = {name: told[name] for name in names if told.get(name)}
    rights = [right for right in Right if f"right-{right}" in told]
    return {"reason": "", **given, "rights": rights, "homes": told.get("homes", "").replace(",", "\n").split()}


@router.post("/{id}/end")
def end(request: Request, id: TokenNumber, paged: Paged, told: Fields) -> Response:
    """End a token."""

    def act(changing: Session) -> None:
        tokens.end(changing, id, tokens.TokenEnd.model_validate({"reason": told.get("reason", "")}).reason)

    found = tried(request, ADMINS, f"end-{id}", told, act)
    if found is None:
        return RedirectResponse(f"{TOKENS}?done=true", 303)
    with reading(request) as asking:
        return _page(request, asking, found, paged=paged)


def _page(
    request: Request,
    asking: Session,
    found: SentForm,
    *,
    paged: Paged,
    done: bool = False,
    made: MadeToken | None = None,
) -> Response:
    rows, cursor = paged.cut(tokens.listed(asking, paged.id(), paged.fetched), "id")
    return desk_page(
        request,
        asking,
        "office/tokens.html",
        found.status,
        tokens=rows,
        cursor=cursor,
        made=made,
        done=done,
        roles=[role.value for role in Role],
        rights=[right.value for right in Right if right in asking.asker.rights],
        sent=found.shown(language_of(request, asking)),
    )
