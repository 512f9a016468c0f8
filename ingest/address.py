"""Addresses of brokers, and the session of each worker there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ingest.sources import NATIVE

PORTS = {"mqtt": 1883, "mqtts": 8883}
GROUP = "hearth"


@dataclass(frozen=True)
class Address:
    """A broker, and the session that is opened there."""

    url: str
    client_id: str
    share: str | None = None  # the group of a shared subscription, which needs MQTT 5
    ca_file: Path | None = None
    cert_file: Path | None = None  # who we are there, if not by password
    key_file: Path | None = None
    keep_alive_s: int = 30
    filters: Sequence[str] = (NATIVE,)
    every_worker: Sequence[str] = ()  # filters that are not shared

    @property
    def host(self) -> str:
        """The host of the broker."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port of the broker."""
        parts = urlsplit(self.url)
        return parts.port or PORTS[parts.scheme]

    @property
    def account(self) -> tuple[str, str] | None:
        """The name and password in the URL; None: there are none."""
        parts = urlsplit(self.url)
        return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None

    @property
    def is_secure(self) -> bool:
        """True where the broker is reached over TLS."""
        return urlsplit(self.url).scheme == "mqtts"

    @property
    def broker(self) -> str:
        """The broker's name in the database: host and port, without the account."""
        return f"{self.host}:{self.port}"

    @property
    def lock(self) -> int:
        """The advisory lock of this session: one process at a time may open it."""
        return int.from_bytes(sha256(f"{self.broker} {self.client_id}".encode()).digest()[:8], "big", signed=True)

    @property
    def canary(self) -> list[str]:
        """A shared subscription to a topic on which nobody can publish, by which a loss of all shares shows."""
        # The name of a session of Hearth is refused as the name of a device, so no account writes below it.
        return [f"$share/{self.share}-canary/hearth/v1/{self.client_id}/canary"] if self.share else []

    @property
    def subscriptions(self) -> list[str]:
        """The filters to subscribe to."""
        share = f"$share/{self.share}/" if self.share else ""
        return [*(share + text for text in self.filters), *self.every_worker, *self.canary]

    def shared(self, worker: int, mark: str) -> "Address":
        """Return the session of one of several workers that share the messages, with names that only they know."""
        return replace(self, client_id=f"{self.client_id}-{mark}-{worker}", share=f"{GROUP}-{mark}")
