"""A channel: an address in the form of apprise, and how a message is handed over there.

apprise reads every address, and does the sending but for three services: of e-mail it does not tell a refusal for good
from one for now, and DingTalk and WeCom refuse within an answer of 200 that it takes for success. These are sent here,
by alerts/notices/mail.py and alerts/notices/robot.py. docs/decisions tells more.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, urlsplit
from uuid import UUID

import apprise
from apprise import AppriseAsset, PersistentStoreMode
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.email import NotifyEmail
from apprise.plugins.wecombot import NotifyWeComBot

from alerts.notices import mail, robot
from domain.exchange.bodies import TheirNumbers
from domain.notices import NotSent, SendFault

IDEMPOTENCY_KEY = "Idempotency-Key"
# What apprise says of an answer that it did not like.
HTTP_STATUS = re.compile(r"\berror=(\d{3})\b")
SERVICE_CODE = re.compile(r"\bcode=(-?\d+)\b")
LARK_BUSY = frozenset({11232, 11233})  # Feishu, Lark: too many messages just now

Plugin = Any  # apprise's plugins carry no types


class CaseNamed(NamedTuple):
    """A peer's names of the case of a message; `is_first`: with it the peer first hears of a case that began here."""

    theirs: TheirNumbers = TheirNumbers()
    is_first: bool = False


class Outgoing(NamedTuple):
    """A message on its way; `key` is the same at every attempt."""

    key: UUID
    subject: str
    body: str
    written_at: datetime
    case: CaseNamed = CaseNamed()


class Sender(Protocol):
    """A way by which messages are handed over."""

    def send(self, message: Outgoing, timeout_s: float) -> TheirNumbers | None:
        """Hand a message over; returns what the other side calls the case, if it is a peer that says so.

        Raises:
            NotSent: it was not taken, or nobody knows.
        """


@dataclass(frozen=True)
class Channel:
    """A destination of messages. Its address is a secret."""

    url: str = field(repr=False)

    def send(self, message: Outgoing, timeout_s: float) -> None:
        """Hand a message over. It has arrived when this returns.

        Args:
            timeout_s: for each answer that is waited for; there are some ten of them at most.
        Raises:
            NotSent: it was not taken, or nobody knows.
        """
        plugin = _plugin(self.url)
        plugin.socket_connect_timeout = plugin.socket_read_timeout = timeout_s
        _sender(plugin)(plugin, message, timeout_s)


def of_url(url: str) -> Channel:
    """Make the channel of an address.

    Raises:
        ValueError: it is not an address; the message does not repeat it.
    """
    plugin = _plugin(url)
    if isinstance(plugin, NotifyEmail) and (len(plugin.targets) != 1 or plugin.cc or plugin.bcc):
        raise ValueError("e-mail goes to one address, without copies: each has an outcome of its own")
    return Channel(url)


def with_address(url: str, address: str) -> str:
    """Put a recipient's address in the place of `{to}` in a service's URL."""
    return url.replace("{to}", quote(address, safe=""))


def addressed(url: str, address: str) -> Channel | None:
    """Make a channel of a service; None if the service does not accept the address."""
    return _or_none(with_address(url, address))


def of_webhook(address: str) -> Channel | None:
    """Make a channel that posts JSON; None if the address is not http(s)."""
    scheme, _, rest = address.partition("://")
    schemes = {"http": "json", "https": "jsons"}
    return _or_none(f"{schemes[scheme]}://{rest}") if scheme in schemes and urlsplit(address).hostname else None


def _or_none(url: str) -> Channel | None:
    try:
        return of_url(url)
    except ValueError:
        return None


def _plugin(url: str) -> Plugin:
    logger = logging.getLogger("apprise")  # it names addresses
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    asset = AppriseAsset(app_id="Hearth", async_mode=False, storage_mode=PersistentStoreMode.MEMORY)
    plugin = apprise.Apprise.instantiate(url, asset=asset)
    if plugin is None:
        scheme = url.partition("://")[0]
        shown = f"{scheme}://… " if re.fullmatch(r"[a-z0-9]{1,20}", scheme) else ""
        raise ValueError(f"{shown}is no address that apprise understands")
    return plugin


def _sender(plugin: Plugin) -> Callable[[Plugin, Outgoing, float], None]:
    match plugin:
        case NotifyEmail():
            return _mail
        case NotifyDingTalk():
            return _dingtalk
        case NotifyWeComBot():
            return _wecom
        case _:
            return _apprise


def _mail(plugin: Plugin, message: Outgoing, timeout_s: float) -> None:
    account = mail.Account(
        host=plugin.smtp_host,
        port=plugin.port,
        security=plugin.secure_mode if plugin.secure else "insecure",
        verified=plugin.verify_certificate,
        user=plugin.user,
        password=plugin.password,
    )
    sender, receiver = plugin.from_addr, plugin.targets[0]
    envelope = mail.envelope(sender, receiver, message.key, message.subject, message.body, message.written_at)
    mail.send(account, envelope, timeout_s)


def _dingtalk(plugin: Plugin, message: Outgoing, timeout_s: float) -> None:
    text = {"content": f"{message.subject}\n{message.body}"}
    at = {"atMobiles": plugin.targets, "isAtAll": False}
    signed = dict(zip(("timestamp", "sign"), plugin.get_signature(), strict=True)) if plugin.secret else {}
    query = "".join(f"&{name}={value}" for name, value in signed.items())
    url = plugin.notify_url.format(token=plugin.token) + query
    robot.post(url, {"msgtype": "text", "text": text, "at": at}, timeout_s)


def _wecom(plugin: Plugin, message: Outgoing, timeout_s: float) -> None:
    text = f"{message.subject}\n{message.body}".encode()[: plugin.body_maxlen].decode(errors="ignore")
    robot.post(plugin.api_url, {"msgtype": "text", "text": {"content": text}}, timeout_s)


def _apprise(plugin: Plugin, message: Outgoing, _timeout_s: float) -> None:
    if isinstance(plugin, NotifyJSON):
        plugin.headers[IDEMPOTENCY_KEY] = str(message.key)
    service = apprise.Apprise(asset=plugin.asset)
    service.add(plugin)
    result = service.notify(body=message.body, title=message.subject, body_format=apprise.NotifyFormat.TEXT)
    if not result:
        raise fault_in(" ".join(str(entry.message) for entry in result.logs()))


def fault_in(log: str) -> NotSent:
    """Classify a failure by apprise's message."""
    if found := HTTP_STATUS.search(log):
        return robot.of_status(int(found[1]))
    if found := SERVICE_CODE.search(log):
        busy = int(found[1]) in LARK_BUSY
        fault = SendFault.REFUSED_FOR_NOW if busy else SendFault.REFUSED
        return NotSent(fault, f"code {found[1]}", permanent=not busy)
    return NotSent(SendFault.UNREACHABLE, "no answer", unsure=True)
