"""WeChat accounts of users: links by which they are bound, consents to templates and their use."""

from datetime import datetime
from typing import NamedTuple

from psycopg import Connection

LINK = "SELECT person.link_wechat(%(home)s, %(hash)s, %(now)s, %(until)s)"
HOLDS = "SELECT person.wechat_link_holds(%(hash)s, %(now)s)"
BIND = "SELECT person.bind_wechat(%(hash)s, %(openid)s, %(template)s, %(consents)s, %(now)s)"
UNBIND = "SELECT person.unbind_wechat(%(home)s, %(now)s)"
SELECT_OF_HOME = "SELECT accounts, left_over FROM person.wechat_of(%(home)s)"
USE = """
UPDATE person.wechat_consent AS k
SET left_over = CASE WHEN %(exhausted)s THEN 0 ELSE greatest(k.left_over - 1, 0) END
FROM message AS m
WHERE m.message_id = %(message)s AND k.addressee_id = m.addressee_id AND k.template = %(template)s
  AND (k.left_over IS NOT NULL OR %(exhausted)s)
"""


class WechatBinding(NamedTuple):
    """An account that opens a link, and its one-time consents to a template (None: one for all messages)."""

    openid: str
    template: str
    consents: int | None


class WechatStanding(NamedTuple):
    """Accounts that are bound to a home, and messages that their consents are good for; None: all."""

    accounts: int
    left_over: int | None


def link(conn: Connection, home: int, digest: bytes, now: datetime, until: datetime) -> bool:
    """Give a home a link; False: too many hold already."""
    parameters = {"home": home, "hash": digest, "now": now, "until": until}
    return conn.execute(LINK, parameters).fetchone() == (True,)


def holds(conn: Connection, digest: bytes, now: datetime) -> bool:
    """Return whether a link may still be opened."""
    return conn.execute(HOLDS, {"hash": digest, "now": now}).fetchone() == (True,)


def bind(conn: Connection, digest: bytes, binding: WechatBinding, now: datetime) -> str | None:
    """Bind an account to the home of a link; returns its code, or None if the link does not hold."""
    row = conn.execute(BIND, {"hash": digest, "now": now, **binding._asdict()}).fetchone()
    return row[0] if row else None


def unbind(conn: Connection, home: int, now: datetime) -> int:
    """End all accounts of a home; returns how many there were."""
    row = conn.execute(UNBIND, {"home": home, "now": now}).fetchone()
    return row[0] if row else 0


def of_home(conn: Connection, home: int) -> WechatStanding:
    """Return what is bound to a home."""
    row = conn.execute(SELECT_OF_HOME, {"home": home}).fetchone()
    return WechatStanding(*row) if row else WechatStanding(0, 0)


def use(conn: Connection, message: int, template: str, *, exhausted: bool = False) -> None:
    """Note that a message has used a one-time consent up, or (`exhausted`) that the user gives none any more."""
    conn.execute(USE, {"message": message, "template": template, "exhausted": exhausted})
