"""Apache Spark, which no Debian has: PySpark by its locked hash in a folder of its own, and a cluster of processes.

The folder is no environment: it goes into PYTHONPATH beside the packages that are there already.
"""

import hashlib
import os
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from local import trixie
from local.host import ourselves
from local.port import LOOPBACK
from local.server import Server, ServerError, children_of

REQUIREMENTS = Path(__file__).parents[1] / "requirements-spark.txt"
EXECUTOR = "CoarseGrainedExecutorBackend"
# Most of the processor time of a short life is that of compilers otherwise.
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss1m"
MEMORY = "1g"  # of each worker


def folder() -> Path:
    """Return where PySpark is or will be: another place for other versions."""
    locked = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    return trixie.folder().with_name(f"spark-{locked[:16]}-py{sys.version_info.major}.{sys.version_info.minor}")


def why_not() -> str | None:
    """Say why there is none here; None when there is."""
    if shutil.which("java") is None:
        return "Spark needs Java 17 (apt-get install default-jre-headless)"
    return None if folder().exists() else f"{folder()} is not built (make spark)"


def ensure(progress: Callable[[str], object] = print) -> Path | None:
    """Fetch and build it if it is missing and there is Java (some minutes, 450 MB to fetch); raise ServerError."""
    place = folder()
    if not place.exists() and shutil.which("java"):
        with trixie.locked(place):
            if not place.exists():
                progress(f"building PySpark in {place}, once; some minutes")
                _build(place, progress)
    return place if place.exists() else None


def _build(place: Path, progress: Callable[[str], object]) -> None:
    """Build it beside its place, then rename it: half of it is never taken for the whole."""
    unfinished = place.with_name(f"{place.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    locked = ["--require-hashes", "--build-constraints", str(REQUIREMENTS), "--requirements", str(REQUIREMENTS)]
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--python", sys.executable, *locked]
    trixie.in_sight([*uv, "--target", str(unfinished)], place, progress)
    unfinished.rename(place)


def environment(program: Path) -> dict[str, str]:
    """Return the variables with which a process of this Python finds PySpark and speaks on this machine alone."""
    paths = [str(program), str(REQUIREMENTS.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_LOCAL_HOSTNAME": "localhost",
    }


class SparkServer(Server):
    """A daemon of a standalone cluster."""

    answer_seconds = 300.0  # on a machine that is busy
    java_class: str

    def __init__(self, folder: Path, program: Path) -> None:
        super().__init__(folder, None, ourselves())
        self.program = program

    def _prepare(self) -> None:
        pass

    def _variables(self) -> Mapping[str, str]:
        return {
            **environment(self.program),
            "SPARK_HOME": str(self.program / "pyspark"),
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": JAVA,
            "SPARK_LOCAL_DIRS": str(self.place / "scratch"),
        }

    def _command(self) -> list[str]:
        told = [f"{name}={value}" for name, value in self._variables().items()]
        start = [str(self.program / "pyspark/bin/spark-class"), f"org.apache.spark.deploy.{self.java_class}"]
        return ["env", *told, "bash", *start, "--host", LOOPBACK, "--port", str(self.port), "--webui-port", "0"]


class SparkMaster(SparkServer):
    """The master of a cluster."""

    java_class = "master.Master"

    @property
    def url(self) -> str:
        """Its address, as `--master` takes it."""
        return f"spark://{LOOPBACK}:{self.port}"

    def _answers(self) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex((LOOPBACK, self.port)) == 0


class SparkWorker(SparkServer):
    """A worker with one core; its executors are processes below it."""

    java_class = "worker.Worker"

    def __init__(self, folder: Path, program: Path, master: str) -> None:
        super().__init__(folder, program)
        self.master = master

    def executors(self) -> list[int]:
        """Return the processes that run tasks."""
        below = children_of(self._process.pid) if self._process else ()
        return [pid for pid in below if EXECUTOR in Path(f"/proc/{pid}/cmdline").read_text(errors="replace")]

    def _prepare(self) -> None:
        self.log.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        mine = ["--cores", "1", "--memory", MEMORY, "--work-dir", str(self.place / "work")]
        return [*super()._command(), *mine, self.master]

    def _answers(self) -> bool:
        return self.log.exists() and "Successfully registered with master" in self.log.read_text(errors="replace")


class SparkCluster:
    """A master and its workers on this machine, each a process; they never outlive the one that started them."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        if reason := why_not():
            raise ServerError(reason)
        self.folder = folder
        self.program = ensure() or Path()
        self.master = SparkMaster(folder / "master", self.program)
        self.workers = [SparkWorker(folder / f"worker-{nth}", self.program, self.master.url) for nth in range(workers)]

    @property
    def url(self) -> str:
        """The address of the master."""
        return self.master.url

    def executors(self) -> list[int]:
        """Return the processes that run tasks."""
        return [pid for worker in self.workers for pid in worker.executors()]

    def environment(self) -> dict[str, str]:
        """Return the variables with which a process finds PySpark and reaches the cluster."""
        return environment(self.program)

    def __enter__(self) -> Self:
        for server in (self.master, *self.workers):
            server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for server in (*self.workers, self.master):
            server.kill()
