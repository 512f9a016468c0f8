"""Apache Kafka, a log in place of a broker: its jars by Maven, each with its hash, and one node without ZooKeeper."""

import socket
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from local import maven, trixie
from local.host import ourselves
from local.port import LOOPBACK, free_port
from local.server import Server, ServerError

VERSION = "4.1.0"
# Of Kafka and all that it needs, as `sha256sum` writes them.
SUMS = Path(__file__).with_name("kafka.sha256")
PROJECT = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>local</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
  </dependencies>
</project>
"""
# Most of the processor time of a short life is that of compilers otherwise.
JAVA = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
CLUSTER = "AAAAAAAAQACAAAAAAAAAAQ"


class Kafka(Server):
    """One node that is broker and controller, reached from this machine alone."""

    answer_seconds = 120.0  # on a machine that is busy

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder, port, ourselves())
        self.controller = free_port()

    @property
    def address(self) -> str:
        """Its address, as clients are told it."""
        return f"{LOOPBACK}:{self.port}"

    def _prepare(self) -> None:
        if self._file.exists():
            return
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{LOOPBACK}:{self.controller}",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{LOOPBACK}:{self.controller}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.place / "data",
            "log.segment.bytes": 1 << 24,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1_000,
            "auto.create.topics.enable": "false",
        }
        self._file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        maven.run(self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(self._file)))

    @property
    def _file(self) -> Path:
        return self.place / "server.properties"

    def _command(self) -> list[str]:
        return self._java("kafka.Kafka", str(self._file))

    def _java(self, *words: str) -> list[str]:
        return ["java", *JAVA, "-cp", f"{ensure()}/*", *words]

    def _answers(self) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex((LOOPBACK, self.port)) == 0


def program() -> Path:
    """Return where it is or will be."""
    return trixie.folder().with_name(f"kafka-{VERSION}-{sha256(SUMS.read_bytes()).hexdigest()[:16]}")


def why_not() -> str | None:
    """Say why there is none here; None when there is."""
    return maven.why_not(program(), "Kafka")


def ensure(progress: Callable[[str], object] = print) -> Path | None:
    """Fetch it if it is missing and there is Java (43 MB); raise ServerError."""
    return maven.ensure(program(), _build, f"fetching Kafka {VERSION} to {program()}, once", progress)


def _build(folder: Path) -> Path:
    (folder / "pom.xml").write_text(PROJECT)
    into = folder / "lib"
    copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={into}"]
    maven.run(["mvn", "--batch-mode", "--quiet", "-f", str(folder / "pom.xml"), *copy])
    found = {f"{maven.digest(jar)}  {jar.name}" for jar in into.iterdir()}
    if other := found ^ set(SUMS.read_text().splitlines()):
        raise ServerError(f"Kafka {VERSION} is not what it should be: {', '.join(sorted(other))}")
    return into
