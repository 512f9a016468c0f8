"""Routes by which users are told by WeChat: a link for a home, the account that opens it, and the end of both."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from fastapi import APIRouter, Request
from psycopg import Connection
from pydantic import BaseModel, Field

from alerts.notices.wechat import WechatAccount
from api.homes.home_routes import Code, home_id
from api.http.problem import Problem, unauthorised, unavailable
from api.http.session import AppContext, AskingUserOrDesk, ChangingUserOrDesk, surroundings
from api.http.values import Instant
from api.words import exchange
from domain.notices import NotSent
from store.base import access
from store.notices import wechat_rows
from store.notices.wechat_rows import WechatBinding

LINK_HOLDS = timedelta(minutes=30)
ANSWER_S = 4.0  # that WeChat is waited for

T = TypeVar("T")

router = APIRouter(prefix="/v1", tags=["homes"])


class WechatState(BaseModel):
    """WeChat accounts of a home; `messages`: how many their consents are good for, null: all."""

    accounts: int
    messages: int | None


class WechatLink(BaseModel):
    """A link for one account, as the page of the account takes it. It is shown once."""

    link: str
    expires_at: Instant


class WechatWish(BaseModel):
    """An account that opens a link: its login code, and how many one-time consents were given (null: for all)."""

    link: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")
    code: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")
    consents: int | None = Field(default=1, ge=1, le=10)


class WechatBound(BaseModel):
    """The home that an account is bound to."""

    home: str


@router.get("/homes/{code}/wechat")
def standing(code: Code, asking: AskingUserOrDesk) -> WechatState:
    """Get how many WeChat accounts are bound to a home."""
    found = wechat_rows.of_home(asking.conn, home_id(asking, code))
    return WechatState(accounts=found.accounts, messages=found.left_over)


@router.post("/homes/{code}/wechat", status_code=201)
def link(code: Code, changing: ChangingUserOrDesk) -> WechatLink:
    """Make a link that binds one WeChat account to a home; it holds for half an hour."""
    secret = secrets.token_urlsafe(32)
    until = changing.now + LINK_HOLDS
    if not wechat_rows.link(changing.conn, home_id(changing, code), digest(secret), changing.now, until):
        raise Problem(409, exchange.TOO_MANY_LINKS)
    return WechatLink(link=secret, expires_at=until)


@router.delete("/homes/{code}/wechat", status_code=204)
def end(code: Code, changing: ChangingUserOrDesk) -> None:
    """End all WeChat accounts of a home: nothing goes there any more, and they are forgotten."""
    changing.notes["accounts"] = wechat_rows.unbind(changing.conn, home_id(changing, code), changing.now)


@router.post("/wechat/bindings", status_code=201)
def bind(wish: WechatWish, request: Request) -> WechatBound:
    """Bind the account that opens a link. It takes no token: the link, used once, is the right to."""
    given = surroundings(request)
    now, hashed = given.clock(), digest(wish.link)
    home = None
    # WeChat is asked only for a link that holds, and while no connection is kept waiting.
    holds = given.wechat and _at_large(given, lambda conn: wechat_rows.holds(conn, hashed, now))
    if given.wechat and holds and (openid := _openid(given.wechat, wish.code)):
        binding = WechatBinding(openid, given.wechat.template, wish.consents)
        home = _at_large(given, lambda conn: wechat_rows.bind(conn, hashed, binding, now))
    if home is None:
        address = request.client.host if request.client else ""
        raise unauthorised(exchange.LINK_ENDED, given.guard.limiter.delay_wrong(address))
    return WechatBound(home=home)


def _at_large(given: AppContext, ask: Callable[[Connection], T]) -> T:
    """Ask the database for somebody who has no token: what is asked looks at the link alone."""
    with given.pool.connection() as conn:
        conn.read_only = False
        access.enter(conn, access.NOWHERE)
        return ask(conn)


def digest(secret: str) -> bytes:
    """Return the hash by which a link is kept."""
    return hashlib.sha256(secret.encode()).digest()


def _openid(account: WechatAccount, code: str) -> str | None:
    try:
        return account.openid(code, ANSWER_S)
    except NotSent:
        raise unavailable(exchange.WECHAT_AWAY) from None
