"""`hearth simulate`: a simulated town and a recorded house, speaking MQTT. docs/simulator.md describes them."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from domain.errors import UsageError
from domain.instants import to_us
from hearth.ingesting import broker_tls
from hearth.settings import Settings, load
from hearth.town import write_town
from hearth.wiring import chosen_policy, now, stop_on_signal
from sim import run
from sim.faults import USUAL
from sim.story import tell
from sim.town import Town, epoch_before

Homes = Annotated[int, typer.Option(min=1, max=200_000, help="Size of the town.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed tells the same story.")]


# Eight parameters: typer makes an option of each.
def simulate(
    homes: Homes = 500,
    seed: Seed = 1,
    interval: Annotated[int, typer.Option(min=5, max=3600, help="Seconds between two readings of a sensor.")] = 60,
    backfill: Annotated[float, typer.Option(min=0, help="Seconds of history to send first.")] = 6 * 3600,
    for_: Annotated[float | None, typer.Option("--for", min=0, help="End after so many seconds live.")] = None,
    registry: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the registry files there and send nothing.")
    ] = None,
    state: Annotated[Path | None, typer.Option(metavar="FILE", help="Go on where the last run with it ended.")] = None,
    story: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Begin the story of the demo at this Unix time."),
    ] = None,
) -> None:
    """Send the readings of a simulated town, and of recorded rooms, to HEARTH_MQTT_URL. Runs until stopped."""
    settings = load()
    told = None if story is None else tell(seed, homes, interval, int(story * 1_000_000))
    epoch_us = epoch_before(to_us(now()), backfill)
    town = Town(seed, homes, interval, epoch_us=epoch_us, source=told.source if told else USUAL)
    if registry is not None:
        write_town(town, registry)
        return
    _send(settings, run.SimulatorPlan(town, chosen_policy(settings).zone, backfill, for_, state))


def _send(settings: Settings, plan: run.SimulatorPlan) -> None:
    stop = stop_on_signal()
    with _Bar(plan.backfill_s) as bar:
        try:
            broker = run.SimulatorBroker(settings.mqtt_url.get_secret_value(), broker_tls(settings))
            done = run.simulate(plan, broker, stop, bar.show)
        except (ConnectionError, OSError) as error:
            raise UsageError(f"HEARTH_MQTT_URL: {error}") from None
        except ValueError as error:
            raise UsageError(str(error)) from None
    print(f"{done.messages} messages sent", file=sys.stderr)


class _Bar:
    """Progress of the history, then the count of messages; plain lines without a terminal."""

    def __init__(self, backfill_s: float) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[at]}"))
        console = Console(stderr=True)
        self._plain = not console.is_terminal
        self._bar = Progress(*columns, console=console, transient=True, disable=self._plain)
        self._task = self._bar.add_task("history", total=max(backfill_s, 1), at="")
        self._start_us = int((time.time() - backfill_s) * 1e6)
        self._said_live = False

    def __enter__(self) -> "_Bar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, progress: run.Progress) -> None:
        """Show how far the simulator is."""
        if progress.live and not self._said_live:
            self._said_live = True
            if self._plain:
                print(f"history sent in {progress.messages} messages, now live", file=sys.stderr)
        reached = datetime.fromtimestamp(progress.reached_us / 1e6, UTC)
        self._bar.update(
            self._task,
            completed=(progress.reached_us - self._start_us) / 1e6,
            description="live" if progress.live else "history",
            at=f"{progress.messages:,} messages, up to {reached:%H:%M:%S} UTC",
        )
