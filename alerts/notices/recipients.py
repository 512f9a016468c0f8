"""The file of recipients: who on the staff is told of what, and how; by which services people and users are reached.

The addresses in it are secrets: they are neither logged nor stored in the database.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.notices import channel
from alerts.notices.channel import Channel, Sender
from alerts.notices.wechat import WechatAccount, WechatUser
from domain.errors import UsageError
from domain.notices import Audience

LANGUAGES = ("zh", "en")
CONTACT_CHANNELS = ("email", "phone")  # a webhook is an address of its own
STAFF = tuple(
    audience.value for audience in Audience if audience not in (Audience.USER, Audience.PERSON, Audience.PEER)
)
SAMPLE_ADDRESS = {"email": "someone@example.com", "phone": "13800000000"}
NAME_OF_OTHERS = re.compile(
    r"staff [0-9]+ \(|peer "
)  # as messages to people of the staff and to peers have it on record


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Somebody on the staff, or a group of them; the channels have names."""

    name: str
    audience: Audience
    station: str | None
    language: str
    channels: Mapping[str, Channel]

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows for the database: one for each channel, without its address."""
        who = {"audience": self.audience, "name": self.name, "station": self.station, "language": self.language}
        return [{**who, "channel": name} for name in self.channels]


@dataclass(frozen=True)
class Recipients:
    """All of them, and the services for people of the staff and for users: channel → URL with `{to}`.

    A telephone number goes there, or (`email`) another address. Peers are in a file of their own.
    """

    staff: tuple[Recipient, ...] = ()
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    people: Mapping[str, str] = field(default_factory=dict, repr=False)
    peers: Mapping[str, Sender] = field(default_factory=dict, repr=False)
    wechat: WechatAccount | None = None

    def of_staff(self, name: str, channel_name: str) -> Sender | None:
        """Find the channel of a staff member, or of a peer; None if the file has none."""
        if name in self.peers:
            return self.peers[name]
        return next((r.channels.get(channel_name) for r in self.staff if r.name == name), None)

    def of_person(self, name: str, telephone: str) -> Channel | None:
        """Make the channel of a person of the staff; None if there is no such service."""
        number = re.sub(r"[^0-9+]", "", telephone)
        return channel.addressed(self.people[name], number) if name in self.people else None

    def of_user(self, kind: str, address: str) -> Sender | None:
        """Make the channel of a user's contact; None if there is no such service."""
        if kind == "webhook":
            return channel.of_webhook(address)
        if kind == "wechat":
            return WechatUser(self.wechat, address) if self.wechat else None
        return channel.addressed(self.users[kind], address) if kind in self.users else None


def load(text: str, source: str) -> Recipients:
    """Read the file.

    Args:
        source: what to call it in errors.
    Raises:
        UsageError: names the source and the key, never an address.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source}: {error}") from None
    return _Reader(source).recipients(table)


@dataclass(frozen=True)
class _Reader:
    source: str

    def fail(self, key: str, problem: str) -> UsageError:
        return UsageError(f"{self.source}: {key}: {problem}")

    def recipients(self, table: dict[str, Any]) -> Recipients:
        self.only(table, {"recipient", "users", "people"}, "")
        listed = table.get("recipient", [])
        if not isinstance(listed, list):
            raise self.fail("recipient", "is not a list: write [[recipient]]")
        staff = tuple(self.recipient(one, f"recipient[{at}]") for at, one in enumerate(listed))
        names = [recipient.name for recipient in staff]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise self.fail("recipient", f"the name {twice[0]} is there twice")
        if taken := [name for name in names if NAME_OF_OTHERS.match(name)]:
            raise self.fail("recipient", f"the name {taken[0]} is that of a person of the staff, or of a peer")
        return Recipients(staff, self.users(table.get("users", {})), self.people(table.get("people", {})))

    def recipient(self, table: Any, where: str) -> Recipient:
        if not isinstance(table, dict):
            raise self.fail(where, "is not a table")
        self.only(table, {"name", "audience", "station", "language", "channels"}, where)
        audience = Audience(self.one_of(table, "audience", STAFF, where))
        if (audience is Audience.CREW) != ("station" in table):
            raise self.fail(f"{where}.station", "a crew has a station, and nobody else has")
        channels = table.get("channels")
        if not isinstance(channels, dict) or not channels:
            raise self.fail(f"{where}.channels", "names no channel")
        return Recipient(
            name=self.text(table, "name", where),
            audience=audience,
            station=self.text(table, "station", where) if audience is Audience.CREW else None,
            language=self.one_of(table, "language", LANGUAGES, where),
            channels={name: self.channel(url, f"{where}.channels.{name}") for name, url in channels.items()},
        )

    def users(self, table: Any) -> dict[str, str]:
        if isinstance(table, dict):
            self.only(table, set(CONTACT_CHANNELS), "users")
        return self.services(table, "users")

    def people(self, table: Any) -> dict[str, str]:
        return self.services(table, "people")

    def services(self, table: Any, where: str) -> dict[str, str]:
        if not isinstance(table, dict):
            raise self.fail(where, "is not a table")
        for kind, url in table.items():
            if not isinstance(url, str) or "{to}" not in url:
                raise self.fail(f"{where}.{kind}", "must be a URL with {to} where the address goes")
            sample = SAMPLE_ADDRESS["email" if (where, kind) == ("users", "email") else "phone"]
            self.channel(channel.with_address(url, sample), f"{where}.{kind}")
        return table

    def channel(self, url: Any, where: str) -> Channel:
        try:
            return channel.of_url(str(url))
        except ValueError as error:
            raise self.fail(where, str(error)) from None

    def text(self, table: dict[str, Any], key: str, where: str) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip() or len(value) > 200:
            raise self.fail(f"{where}.{key}", "must be a text of up to 200 characters")
        return value

    def one_of(self, table: dict[str, Any], key: str, allowed: tuple[str, ...], where: str) -> str:
        if table.get(key) not in allowed:
            raise self.fail(f"{where}.{key}", f"must be one of {', '.join(allowed)}")
        return str(table[key])

    def only(self, table: dict[str, Any], allowed: set[str], where: str) -> None:
        for key in table:
            if key not in allowed:
                raise self.fail(f"{where}.{key}" if where else key, "is not a known key")
