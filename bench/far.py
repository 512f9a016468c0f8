"""`hearth recheck` on a real cluster of Spark: a master and two workers as processes, a core each."""

from collections.abc import Callable, Mapping
from pathlib import Path

from local import spark
from local.spark import SparkCluster

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.executor.memory": "512m",
    "spark.locality.wait": "0s",
}
Recheck = Callable[[list[str], Mapping[str, str]], float]  # options, variables → seconds


def seconds_on_spark(folder: Path, recheck: Recheck) -> float | None:
    """Return how long a recheck takes from its start to its end, Spark's own start included; None: no Spark here."""
    if spark.why_not():
        return None
    with SparkCluster(folder) as cluster:
        settings = [part for name, value in SETTINGS.items() for part in ("--conf", f"{name}={value}")]
        return recheck(["--engine", "spark", "--master", cluster.url, *settings], cluster.environment())
