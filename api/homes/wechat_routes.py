"""Routes by which users are told by WeChat: a link for a home, the account that opens it, and the end of both."""

import hashlib
import secrets
from datetime import timedelta

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from alerts.notices.wechat import WechatAccount
from api.homes.home_routes import Code, home_id
from api.http.problem import Problem, unauthorised, unavailable
from api.http.session import AskingUserOrDesk, ChangingUserOrDesk, surroundings
from api.http.values import Instant
from api.words import exchange
from domain.notices import NotSent
from store.base import access
from store.notices import wechat_rows
from store.notices.wechat_rows import WechatBinding

LINK_HOLDS = timedelta(minutes=30)
ANSWER_S = 4.0  # that WeChat is waited for

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
    account, now = given.wechat, given.clock()
    openid = _openid(account, wish.code) if account else None
    home = None
    if account and openid:
        with given.pool.connection() as conn:
            conn.read_only = False
            access.enter(conn, access.NOWHERE)
            binding = WechatBinding(openid, account.template, wish.consents)
            home = wechat_rows.bind(conn, digest(wish.link), binding, now)
    if home is None:
        address = request.client.host if request.client else ""
        raise unauthorised(exchange.LINK_ENDED, given.guard.limiter.delay_wrong(address))
    return WechatBound(home=home)


def digest(secret: str) -> bytes:
    """Return the hash by which a link is kept."""
    return hashlib.sha256(secret.encode()).digest()


def _openid(account: WechatAccount, code: str) -> str | None:
    try:
        return account.openid(code, ANSWER_S)
    except NotSent:
        raise unavailable(exchange.WECHAT_AWAY) from None
