"""WeChat as a channel of users: subscription messages of a mini-program or an official account, and template messages.

A message needs the user's consent to its template; a one-time consent is good for one message, a long-term one for all.
Source: developers.weixin.qq.com, "stable_token", "subscribe/send", "subscribe/bizsend", "template/send", "global error
codes". Refusals come within an answer of 200.
"""

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

from alerts.notices import straight
from domain.errors import UsageError
from domain.notices import NotSent, SendFault
from domain.toml_file import parsed

if TYPE_CHECKING:  # apprise takes a second to load, and the API needs none of it
    from alerts.notices.channel import Outgoing

API = "https://api.weixin.qq.com"
PATHS = {"mini": "subscribe/send", "account": "subscribe/bizsend", "template": "template/send"}
TOKEN_GONE = frozenset({40001, 40014, 42001})  # invalid, malformed, expired
BUSY = frozenset({-1, 45009, 45011})  # the system; quota of the day, or of the minute
NO_CONSENT = 43101  # the user refused, or the consent is used up
EARLIER_S = 300.0  # a token is renewed so long before it ends
MOST_BYTES = 65_536
LONGEST_OPENID = 128
# How long a value may be, by the kind of its field; WeChat refuses longer ones (47003).
LONGEST = {"thing": 20, "character_string": 32, "phrase": 5, "name": 10, "short_thing": 5, "const": 20}


@dataclass
class AccessToken:
    """The token of an account, kept until shortly before it ends and shared by all threads."""

    ask: Callable[[], tuple[str, float]]  # the token, and for how many seconds it holds
    clock: Callable[[], float] = time.monotonic
    _value: str = ""
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def value(self) -> str:
        """Return the token; asks for one if there is none that holds."""
        with self._lock:
            if not self._value or self.clock() >= self._until:
                self._value, seconds = self.ask()
                self._until = self.clock() + max(seconds - EARLIER_S, seconds / 2)
            return self._value

    def drop(self, value: str) -> None:
        """Forget a token that WeChat does not take, unless it has been renewed meanwhile."""
        with self._lock:
            if self._value == value:
                self._value = ""


@dataclass(frozen=True)
class WechatAccount:
    """An account of the company, and its template: which of its fields is what of a notice."""

    app_id: str
    secret: str = field(repr=False)
    kind: str  # mini | account | template
    template: str
    data: Mapping[str, str]  # field → text with {subject}, {body}, {at}
    zone: ZoneInfo
    page: str = ""
    api: str = API
    token: list[AccessToken] = field(default_factory=list, repr=False, compare=False)

    def send_to(self, openid: str, message: "Outgoing", timeout_s: float) -> None:
        """Send a message to a user.

        Raises:
            NotSent: it was refused, or nobody knows.
        """
        payload = self.payload(openid, message)
        for _ in range(2):  # the second time with a new token
            token = self._token(timeout_s).value()
            path = f"/cgi-bin/message/{PATHS[self.kind]}?access_token={quote(token, safe='')}"
            code = self._post(path, payload, timeout_s).get("errcode")
            if code not in TOKEN_GONE:
                break
            self._token(timeout_s).drop(token)
        check(code if isinstance(code, int) else -1)

    def openid(self, code: str, timeout_s: float) -> str | None:
        """Return whose login code this is; None: WeChat does not know it.

        Raises:
            NotSent: WeChat cannot be asked.
        """
        named = {"appid": self.app_id, "secret": self.secret, "grant_type": "authorization_code"}
        if self.kind == "mini":
            path = "/sns/jscode2session?" + urlencode({**named, "js_code": code})
        else:
            path = "/sns/oauth2/access_token?" + urlencode({**named, "code": code})
        openid = self._ask_for(path, None, timeout_s).get("openid")
        return openid if isinstance(openid, str) and 0 < len(openid) <= LONGEST_OPENID else None

    def payload(self, openid: str, message: "Outgoing") -> dict[str, Any]:
        """Return the body of a request."""
        at = message.written_at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")
        known = {"{subject}": message.subject, "{body}": " ".join(message.body.split()), "{at}": at}
        data = {}
        for name, text in self.data.items():
            for placeholder, value in known.items():
                text = text.replace(placeholder, value)
            data[name] = {"value": shortened(name, text)}
        where = {"url": self.page} if self.kind == "template" else {"page": self.page}
        return {"touser": openid, "template_id": self.template, "data": data, **(where if self.page else {})}

    def _token(self, timeout_s: float) -> AccessToken:
        if not self.token:
            self.token.append(AccessToken(lambda: self._ask(timeout_s)))
        return self.token[0]

    def _ask(self, timeout_s: float) -> tuple[str, float]:
        """Ask for a token; `stable_token` gives all processes the same, where `token` would end the other's."""
        asked = {"grant_type": "client_credential", "appid": self.app_id, "secret": self.secret}
        said = self._post("/cgi-bin/stable_token", asked, timeout_s)
        token, seconds = said.get("access_token"), said.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int):
            raise NotSent(SendFault.REFUSED_FOR_NOW, f"no access token: errcode {said.get('errcode')}")
        return token, float(seconds)

    def _post(self, path: str, payload: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        return self._ask_for(path, json.dumps(payload, ensure_ascii=False).encode(), timeout_s)

    def _ask_for(self, path: str, body: bytes | None, timeout_s: float) -> dict[str, Any]:
        request = urllib.request.Request(self.api + path, body, {"Content-Type": "application/json; charset=utf-8"})
        try:
            said = json.loads(straight.ask(request, timeout_s))
        except (ValueError, RecursionError):
            raise NotSent(SendFault.UNREACHABLE, "an answer that is no JSON", unsure=True) from None
        return said if isinstance(said, dict) else {}


@dataclass(frozen=True)
class WechatUser:
    """A user of an account as a channel."""

    account: WechatAccount
    openid: str = field(repr=False)

    def send(self, message: "Outgoing", timeout_s: float) -> None:
        """Hand a message over.

        Raises:
            NotSent: it was not taken, or nobody knows.
        """
        self.account.send_to(self.openid, message, timeout_s)


def check(code: int) -> None:
    """Raise NotSent for any code but 0."""
    if code == 0:
        return
    if code == NO_CONSENT:
        raise NotSent(SendFault.NO_CONSENT, f"errcode {code}", permanent=True)
    if code in BUSY or code in TOKEN_GONE:
        raise NotSent(SendFault.REFUSED_FOR_NOW, f"errcode {code}")
    raise NotSent(SendFault.REFUSED, f"errcode {code}", permanent=True)


def shortened(name: str, text: str) -> str:
    """Cut a value to what its field takes; an empty one would be refused."""
    kind = name.rstrip("0123456789")
    longest = LONGEST.get(kind, 32)
    text = text.strip() or "-"
    return text if len(text) <= longest else text[: longest - 1] + "…"


@dataclass(frozen=True)
class _Fields:
    """Checks of a file of an account."""

    source: str
    table: dict[str, Any]

    def text(self, key: str, longest: int, default: str | None = None) -> str:
        value = self.table.get(key, default)
        if not isinstance(value, str) or len(value) > longest or (default is None and not value):
            raise UsageError(f"{self.source}: {key}: must be a text of up to {longest} characters")
        return value

    def secret(self) -> str:
        if "secret_file" not in self.table:
            return self.text("secret", 200)
        try:
            return Path(self.text("secret_file", 1000)).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(f"{self.source}: secret_file: {error.strerror}") from None

    def data(self) -> dict[str, str]:
        data = self.table.get("data")
        if not isinstance(data, dict) or not data or not all(isinstance(one, str) for one in data.values()):
            raise UsageError(f"{self.source}: data: names no field of the template")
        return data

    def api(self) -> str:
        value = self.text("api", 200, API)
        parts = urlsplit(value)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise UsageError(f"{self.source}: api: must be https://")
        return value.rstrip("/")


KEYS = frozenset({"app_id", "secret", "secret_file", "kind", "template", "data", "page", "api"})


def load(text: str, source: str, zone: ZoneInfo) -> WechatAccount:
    """Read the file of an account.

    Raises:
        UsageError: names the source and the key, never the secret.
    """
    table = parsed(text, source)
    fields = _Fields(source, table)
    for key in table:
        if key not in KEYS:
            raise UsageError(f"{source}: {key}: is not a known key")
    if table.get("kind") not in PATHS:
        raise UsageError(f"{source}: kind: must be one of {', '.join(PATHS)}")
    return WechatAccount(
        app_id=fields.text("app_id", 100),
        secret=fields.secret(),
        kind=fields.text("kind", 20),
        template=fields.text("template", 100),
        data=fields.data(),
        page=fields.text("page", 500, ""),
        api=fields.api(),
        zone=zone,
    )
