"""ActiveMQ Artemis, a broker that keeps its word: fetched by Maven by name and hash, run with what is shipped."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from local import maven, trixie
from local.broker import Broker
from local.host import ourselves
from local.port import LOOPBACK, free_port

VERSION = "2.40.0"
ARTIFACT = f"org.apache.activemq:apache-artemis:{VERSION}:tar.gz:bin"
SHA256 = "3add67e7b0af89f81eac1e6c577427b049b4e7502fb278c591838465d5ca93b5"
SHIPPED = Path(__file__).parents[1] / "deploy/artemis"
# Most of the processor time of a short life is that of compilers otherwise.
COMPILERS = "-XX:TieredStopAtLevel=1"
MEMORY = "-Xms64m -Xmx384m"


@dataclass(frozen=True)
class ArtemisFiles:
    """Files of a node: the folder of accounts, the authority, the certificate with its key (PKCS 12)."""

    accounts: Path
    authority: Path
    keys: Path


@dataclass(frozen=True)
class ArtemisPorts:
    """Ports of a node. Two of a pair may have all but the last in common: one of them listens at a time."""

    devices: int
    certificates: int
    inside: int
    nodes: int

    @classmethod
    def chosen(cls) -> "ArtemisPorts":
        """Choose free ports."""
        return cls(free_port(), free_port(), free_port(), free_port())


class Artemis(Broker):
    """A node with the configuration that is shipped; it answers at the port for devices.

    Args:
        other: the port for nodes of the other one of a pair.
        locks: the folder of the lock that a pair has in common.
        memory: what Java may take, as its options say it.
    """

    answer_seconds = 120.0  # on a machine that is busy

    def __init__(
        self,
        folder: Path,
        files: ArtemisFiles,
        ports: ArtemisPorts,
        other: int | None = None,
        locks: Path | None = None,
        memory: str = MEMORY,
    ) -> None:
        super().__init__(folder, ports.devices, ourselves())
        self.files = files
        self.ports = ports
        self.other = other or free_port()
        self.locks = locks or self.place
        self.memory = memory

    def start_beside(self) -> None:
        """Start it as the node of a pair that stands by, which answers nobody."""
        self._prepare()
        self._spawn()

    def said(self) -> str:
        """Return what it has said."""
        return self.log.read_text(errors="replace")

    def _prepare(self) -> None:
        (self.place / "password").write_text("tests-only")

    def _command(self) -> list[str]:
        told = {
            "ARTEMIS_HOME": str(ensure() or Path()),
            "ARTEMIS_DATA": str(self.place),
            "ARTEMIS_PASSWORD_FILE": str(self.place / "password"),
            "ARTEMIS_MEMORY": f"{self.memory} {COMPILERS}",
        }
        settings = [f"{name}={value}" for name, value in told.items()]
        return ["env", *settings, str(SHIPPED / "start"), *(f"-Dhearth.{k}={v}" for k, v in self._properties().items())]

    def _properties(self) -> Mapping[str, object]:
        return {
            "node": self.place.name,
            "name": LOOPBACK,
            "address": LOOPBACK,
            "accounts": self.files.accounts,
            "authority": self.files.authority,
            "keys": self.files.keys,
            "locks": self.locks,
            "other": LOOPBACK,
            "other.port": self.other,
            "devices": self.ports.devices,
            "certificates": self.ports.certificates,
            "inside": self.ports.inside,
            "port": self.ports.nodes,
        }

    def url(self, user: str | None = None, password: str | None = None) -> str:
        """Return the address for devices, with a user and password if given."""
        return super().url(user, password).replace("mqtt://", "mqtts://")

    @property
    def inside_url(self) -> str:
        """The address for Hearth."""
        return f"mqtts://{LOOPBACK}:{self.ports.inside}"

    def _answers(self) -> bool:
        try:
            with self._connection() as connection:
                return connection.fileno() >= 0
        except OSError:
            return False

    def _connection(self) -> socket:
        # Only asked whether it answers; whether it can be trusted is for its clients to find out.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(super()._connection())


def program() -> Path:
    """Return where it is or will be."""
    return trixie.folder().with_name(f"artemis-{VERSION}")


def why_not() -> str | None:
    """Say why there is none here; None when there is."""
    return maven.why_not(program(), "Artemis")


def ensure(progress: Callable[[str], object] = print) -> Path | None:
    """Fetch it if it is missing and there is Java (48 MB); raise ServerError."""
    return maven.ensure(program(), _build, f"fetching Artemis {VERSION} to {program()}, once", progress)


def _build(folder: Path) -> Path:
    maven.run(["tar", "--extract", "--file", str(maven.fetched(ARTIFACT, SHA256, folder)), "--directory", str(folder)])
    return folder / f"apache-artemis-{VERSION}"
