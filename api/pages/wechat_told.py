"""WeChat of a home as pages tell of it: what is bound, what was agreed to, the company's account, and a new link."""

from dataclasses import dataclass

from fastapi import Request
from markupsafe import Markup

from api.homes.home_routes import home_id
from api.homes.wechat_routes import WechatLink
from api.http.session import Session, surroundings
from api.pages.qr import picture
from store.notices import wechat_rows


@dataclass(frozen=True, kw_only=True)
class WechatTold:
    """WeChat of a home; `messages` None: all are agreed to; `kind` None: the company has no account."""

    accounts: int
    messages: int | None
    kind: str | None
    app: str
    template: str
    link: WechatLink | None = None
    drawn: Markup | None = None


def wechat_told(request: Request, asking: Session, code: str, link: WechatLink | None = None) -> WechatTold:
    """Read what is bound to a home; with a link that was just made, drawn as a QR code."""
    found, account = wechat_rows.of_home(asking.conn, home_id(asking, code)), surroundings(request).wechat
    return WechatTold(
        accounts=found.accounts,
        messages=found.left_over,
        kind=account.kind if account else None,
        app=account.app_id if account else "",
        template=account.template if account else "",
        link=link,
        drawn=picture(link.link) if link else None,
    )
