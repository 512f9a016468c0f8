"""Spark: one task for each order, none of which needs another, so that nothing is shuffled.

Hearth's own rooms go along with the job as a zip, so that all machines run the same kernel; the packages that they need
are those of the Python that Spark's settings name there.
"""

import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import pyarrow as pa

import alerts
import archives
import domain
import store
from domain.errors import UsageError

ROOMS = (alerts, archives, domain, store)  # what judging needs
SCHEMA = "name string, said binary"
PYTHON = "spark.pyspark.python"
# Java only hands out tasks and takes answers: what its optimising compiler takes of the cores, Python lacks.
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SETTINGS = {
    "spark.driver.extraJavaOptions": JAVA,
    "spark.executor.extraJavaOptions": JAVA,
    "spark.executorEnv.OPENBLAS_NUM_THREADS": "1",  # a task has a core
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1",
}
MISSING = '--engine spark: {} (docs/operations.md, "When one machine ends")'


@dataclass(frozen=True)
class SparkEngine:
    """A cluster by the address of its master, and settings of Spark."""

    master: str
    settings: Mapping[str, str]

    @contextmanager
    def session(self) -> Iterator[Any]:
        """Start a session whose executors have Hearth's rooms.

        Raises:
            UsageError: PySpark or Java is not here, or the cluster is not to be had.
        """
        builder = _builder().appName("hearth recheck").master(self.master)
        for name, value in {**SETTINGS, **self.settings}.items():
            builder = builder.config(name, value)
        os.environ["PYSPARK_PYTHON"] = self.settings.get(PYTHON) or os.environ.get("PYSPARK_PYTHON") or sys.executable
        try:
            session = builder.getOrCreate()
        except Exception as error:
            raise UsageError(f"--master {self.master}: Spark does not start: {_first_line(error)}") from None
        with tempfile.TemporaryDirectory(prefix="hearth-spark-") as folder:
            try:
                session.sparkContext.addPyFile(str(packed(Path(folder))))
                yield session
            finally:
                session.stop()


def each(session: Any, task: Callable[[str], bytes], names: Sequence[str]) -> list[bytes]:
    """Run a task for each name, on any executor, and return what each said, in order.

    Raises:
        UsageError: one has failed as often as Spark tries it (`spark.task.maxFailures`).
    """

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            mine = [names[nth] for nth in batch.column(0).to_pylist()]
            said = [task(name) for name in mine]
            yield pa.RecordBatch.from_arrays(
                [pa.array(mine, pa.string()), pa.array(said, pa.binary())], ["name", "said"]
            )

    if not names:
        return []
    orders = session.range(0, len(names), 1, numPartitions=len(names))
    try:
        found = {row.name: bytes(row.said) for row in orders.mapInArrow(run, SCHEMA).collect()}
    except Exception as error:
        raise UsageError(f"a task of Spark has failed: {_first_line(error)}") from None
    return [found[name] for name in names]


def packed(folder: Path) -> Path:
    """Pack Hearth's rooms into a zip, from which Python imports; compiled too, for those who have the same Python."""
    path = folder / "hearth-rooms.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for room in ROOMS:
            top = Path(room.__path__[0])
            for file in sorted(top.rglob("*")):
                if not file.is_file() or "__pycache__" in file.parts:
                    continue
                name = Path(room.__name__) / file.relative_to(top)
                out.write(file, str(name))
                if file.suffix == ".py" and (compiled := Path(cache_from_source(str(file)))).is_file():
                    out.write(compiled, str(name.with_suffix(".pyc")))
    return path


def _builder() -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError(MISSING.format("PySpark is not here: pip install -r requirements-spark.txt")) from None
    if not os.environ.get("JAVA_HOME") and shutil.which("java") is None:
        raise UsageError(MISSING.format("Java is not here: apt-get install default-jre-headless"))
    return SparkSession.builder


def _first_line(error: Exception) -> str:
    """Return the line of a long error that says most."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if "Error:" in line or "Exception:" in line]
    return (causes or lines or [type(error).__name__])[-1 if causes else 0][:300]
