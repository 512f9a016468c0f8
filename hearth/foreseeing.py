"""Foreseeing beside the rounds of `hearth watch`: a thread and a connection of its own, so that no deadline waits."""

import threading
import time
from collections.abc import Callable
from datetime import datetime

from psycopg import Connection

from alerts.insight import early_signs
from alerts.insight.foresee import Foresight, no_weather
from domain.policy import Policy
from hearth.metrics import WatchMetrics
from hearth.rounds import Round, in_thread, turn
from hearth.settings import Settings
from hearth.weather import WeatherSource
from hearth.wiring import chosen_policy, connector, now
from store.base import locks
from store.base.locks import LockKey

LOOK_EVERY_S = 15.0
SIGNS_EVERY_S = 60.0
SLEEP_S = 1.0


def foresight_of(settings: Settings, policy: Policy) -> Foresight:
    """Return what foresees by a policy, with the weather forecast of the settings."""
    weather = WeatherSource(settings.weather, settings.weather_timeout_s) if settings.weather else no_weather
    return Foresight(policy, weather)


def rounds(settings: Settings, policy: Policy, clock: Callable[[], datetime] = now) -> list[Round]:
    """Return the rounds of foreseeing: a network or a substation at each turn until all have had theirs."""
    foresight = foresight_of(settings, policy)
    return [
        Round("foresight", LOOK_EVERY_S, lambda conn: foresight.look(conn, clock())),
        Round("early signs", SIGNS_EVERY_S, lambda conn: early_signs.look(conn, policy, clock())),
    ]


def start(settings: Settings, stop: threading.Event, metrics: WatchMetrics) -> threading.Thread:
    """Start the thread; it ends with the process, at any point. Of several processes one works."""

    def work(conn: Connection) -> None:
        if not locks.try_lock_session(conn, LockKey.FORESIGHT):
            stop.wait(LOOK_EVERY_S)
            return
        mine = [each.told(metrics.done) for each in rounds(settings, chosen_policy(settings))]
        while not stop.is_set():
            if not turn(mine, conn, time.monotonic):
                stop.wait(SLEEP_S)

    return in_thread(connector(settings, "foresight"), work, stop)
