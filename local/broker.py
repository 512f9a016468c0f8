"""An MQTT broker as a process: Mosquitto where there is one, else the pure-Python amqtt."""

import json
import shutil
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from local import trixie
from local.host import Host, account_in, ourselves, this_machine
from local.port import LOOPBACK
from local.server import Server, ServerError

INSTALLED = "/usr/sbin/mosquitto"
MAX_PACKET_BYTES = 1 << 20
# MQTT 3.1.1: CONNECT with a clean session, 60 s keep-alive and an empty client id; CONNACK begins with 0x20.
CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"
CONNACK = b"\x20"


class Broker(Server):
    """A broker as a process: an address, and ready when it answers CONNECT with CONNACK."""

    def url(self, user: str | None = None, password: str | None = None) -> str:
        """Return the broker's address, with a user and password if given."""
        account = f"{user}:{password}@" if user else ""
        return f"mqtt://{account}{LOOPBACK}:{self.port}"

    def _answers(self) -> bool:
        try:
            with self._connection() as connection:
                connection.sendall(CONNECT)
                return connection.recv(1) == CONNACK
        except OSError:
            return False

    def _connection(self) -> socket.socket:
        return socket.create_connection((LOOPBACK, self.port), timeout=5)


@dataclass(frozen=True)
class MosquittoBuild:
    """The Mosquitto program and the host it runs on."""

    host: Host
    program: str


@dataclass(frozen=True)
class MosquittoAccounts:
    """The texts of a broker's password file and access control file."""

    passwords: str
    acl: str


class Mosquitto(Broker):
    """A Mosquitto broker in a folder that keeps its configuration, persistent sessions and log.

    Without `accounts` everybody may connect; with them the client id is the account's name. Sessions and queued
    messages reach the disk every `autosave_seconds`, and on `stop`: `kill` loses what came later. Each save writes the
    whole store, so a short interval costs time when many messages wait.
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        accounts: MosquittoAccounts | None = None,
        autosave_seconds: int = 1,
        build: MosquittoBuild | None = None,
        dies_with_parent: bool = True,
    ) -> None:
        self.build = build or any_mosquitto()
        super().__init__(folder, port, self.build.host, dies_with_parent=dies_with_parent)
        self.accounts = accounts
        self.autosave_seconds = autosave_seconds

    def _prepare(self) -> None:
        lines = [f"{name} {value}" for name, value in self._configuration().items()]
        self._write("mosquitto.conf", "\n".join(lines) + "\n")

    def _configuration(self) -> dict[str, str | int]:
        access: dict[str, str | int] = {"allow_anonymous": "true"}
        if self.accounts is not None:
            access = {
                "allow_anonymous": "false",
                "password_file": self._write("passwords", self.accounts.passwords),
                "acl_file": self._write("acl", self.accounts.acl),
                # Else anybody with an account could open the session of another.
                "use_username_as_clientid": "true",
            }
        return {"listener": f"{self.port} {LOOPBACK}", **access, **self._keeping(), "log_dest": "stderr"}

    def _keeping(self) -> dict[str, str | int]:
        return {
            "persistence": "true",
            "persistence_location": f"{self.host.inside(self.place)}/",
            "autosave_interval": self.autosave_seconds,
            # The default, 1000, drops what is above it without a word.
            "max_queued_messages": 1_000_000,
            # Room for several batches that are not yet acknowledged; the default, 20, is a crawl.
            "max_inflight_messages": 20_000,
            "max_packet_size": MAX_PACKET_BYTES,
        }

    def _write(self, name: str, text: str) -> str:
        file = self.place / name
        file.touch(mode=0o600)
        self.host.own(file)
        file.write_text(text)
        return self.host.inside(file)

    def _command(self) -> list[str]:
        return [self.build.program, "-c", self.host.inside(self.place / "mosquitto.conf")]


class TlsMosquitto(Mosquitto):
    """A Mosquitto with a configuration of its own, that speaks TLS on `port`.

    `files` gets the folder as the broker sees it and the port, and returns texts by the name of their file in that
    folder, among them `mosquitto.conf`. They are written at every start.
    """

    def __init__(
        self,
        folder: Path,
        files: Callable[[str, int], Mapping[str, str]],
        *,
        build: MosquittoBuild | None = None,
        dies_with_parent: bool = True,
    ) -> None:
        super().__init__(folder, build=build, dies_with_parent=dies_with_parent)
        self.files = files

    def url(self, user: str | None = None, password: str | None = None) -> str:
        """Return the broker's address, with a user and password if given."""
        return super().url(user, password).replace("mqtt://", "mqtts://")

    def reload(self) -> None:
        """Make it read its accounts again."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def _prepare(self) -> None:
        for name, text in self.files(self.host.inside(self.place), self.port).items():
            self._write(name, text)

    def _connection(self) -> socket.socket:
        # Only asked whether it answers; whether it can be trusted is for its clients to find out.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(super()._connection())


class Amqtt(Broker):
    """The pure-Python broker: MQTT 3.1.1, nothing kept over a restart, a tenth of Mosquitto's speed."""

    def __init__(self, folder: Path, port: int | None = None, *, dies_with_parent: bool = True) -> None:
        # As ourselves: another account may not reach the Python that we run on.
        super().__init__(folder, port, ourselves(), dies_with_parent=dies_with_parent)

    def _prepare(self) -> None:
        configuration = {
            "listeners": {"default": {"type": "tcp", "bind": f"{LOOPBACK}:{self.port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
        # JSON is YAML too.
        self._file.write_text(json.dumps(configuration))

    @property
    def _file(self) -> Path:
        return self.place / "amqtt.yaml"

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "amqtt.scripts.broker_script", "-c", str(self._file)]


def find_broker(folder: Path, port: int | None = None) -> Mosquitto | Amqtt:
    """Choose the best broker there is, without building or installing one; its class says which it is."""
    build = installed_mosquitto() or trixie_mosquitto()
    if build:
        return Mosquitto(folder, port, build=build)
    if find_spec("amqtt") is None:
        raise ServerError("no Mosquitto found and the package amqtt is not installed (extra `demo`)")
    return Amqtt(folder, port)


def any_mosquitto() -> MosquittoBuild:
    """Return the installed Mosquitto, else the trixie one; raise ServerError when there is none."""
    build = installed_mosquitto() or trixie_mosquitto()
    if build is None:
        raise ServerError("no Mosquitto found (apt-get install mosquitto)")
    return build


def installed_mosquitto() -> MosquittoBuild | None:
    """Return the Mosquitto of this machine."""
    program = shutil.which("mosquitto") or shutil.which(INSTALLED)
    return MosquittoBuild(this_machine(), program) if program else None


def trixie_mosquitto() -> MosquittoBuild | None:
    """Return the Mosquitto of the trixie folder, if that is there and we may use it."""
    if trixie.why_not() or not trixie.folder().exists():
        return None
    return MosquittoBuild(account_in(trixie.folder(), "mosquitto"), INSTALLED)
