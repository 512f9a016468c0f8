"""Foresee each network at each quarter of an hour, score what was told a day ago, and warn in the evening.

A network is one transaction: what was seen, what is told, and the score of what was told. What was learned is kept
when all networks have had their turn; if the process dies before, the lessons of this quarter are lost, and no more. A
quarter that was missed stays missing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import structlog
from psycopg import Connection

from alerts.insight import packing, scoring
from alerts.insight.past import STEP, Homes, NetworkPast, heated_at, limits_after, past_of, quarter
from alerts.insight.warning import is_evening, tell_stations, warn
from alerts.judging.terms import ScheduleCache
from domain.policy import Policy
from insight.forecast import LEADS_H
from insight.model import HALF_LIFE_DAYS, Forecast, Lesson, Model
from insight.window import DAY, STEPS, Floats, Window
from store.insight import foresight_rows
from store.insight.foresight_rows import Seen, SeenNow, Told

A_DAY = timedelta(days=1)
TOLD_FOR = timedelta(days=2)
STEPS_KEPT = STEPS + DAY
OUTSIDE_FOR = timedelta(hours=1)  # a channel that said nothing for so long is not known
JUDGED_DAYS = 7  # by which a network is shown or not
LEAST_PAIRS = 200  # forecasts of six hours, before which nothing is shown
FADING = 0.5 ** (1 / (HALF_LIFE_DAYS * DAY))  # of what was learned, from quarter to quarter
Weather = Callable[[datetime], Floats]  # what is expected outside at each lead after an instant, °C; NaN: not known
log = structlog.get_logger()


def no_weather(_: datetime) -> Floats:
    """Expect nothing: the air outside is as by persistence and the daily cycle."""
    return np.full(len(LEADS_H), np.nan)


@dataclass
class Foresight:
    """The rounds of foreseeing, with what was learned so far."""

    policy: Policy
    weather: Weather = no_weather
    _model: Model | None = None
    _slot: datetime | None = None
    _after: int | None = 0  # the last network that had its turn in this quarter; None: all had theirs
    _schedules: ScheduleCache = field(init=False)

    def __post_init__(self) -> None:
        """Begin with no terms of homes."""
        self._schedules = ScheduleCache(self.policy)

    def look(self, conn: Connection, now: datetime) -> bool:
        """Foresee one network that waits; True if another may wait. The connection is in autocommit mode."""
        if not self.policy.in_season(now):
            return False
        slot = quarter(now)
        if slot != self._slot:
            self._model = (self._model or self._kept(conn)).taught((), FADING)
            self._slot, self._after = slot, 0
        if self._after is None or self._model is None:
            return False
        network = foresight_rows.next_network(conn, slot, self._after)
        self._after = network  # one that fails does not hold up the others
        if network is None:
            self._close(conn, self._model, slot, now)
            return False
        with conn.transaction():
            self._model = self._network(conn, self._model, network, (slot, now))
        return True

    def _kept(self, conn: Connection) -> Model:
        kept = foresight_rows.model(conn)
        return Model.unpacked(kept) if kept else Model.new()

    def _close(self, conn: Connection, model: Model, slot: datetime, now: datetime) -> None:
        """Keep what was learned, and send the lists of warnings."""
        with conn.transaction():
            foresight_rows.keep_model(conn, slot, model.packed())
            tell_stations(conn, self.policy, slot, now)

    def _network(self, conn: Connection, model: Model, network: int, times: tuple[datetime, datetime]) -> Model:
        """See, tell and score a network; returns the model with what was learned from it."""
        slot, now = times
        rows = foresight_rows.seen_now(conn, network, now)
        if not rows or not _see(conn, network, rows, times):
            return model
        kept = foresight_rows.seen(conn, network, slot - (STEPS_KEPT - 1) * STEP, slot)
        then = slot - A_DAY
        told_then = foresight_rows.told(conn, network, then)
        before = next((row for row in kept if row.at == then), None)
        if told_then is not None and before is not None:
            model = self._score(conn, model, network, (kept, before, told_then), slot)
            self._judge(conn, network, slot, now)
        homes = np.array([row.home_id for row in rows], np.int32)
        past = self._past(kept, homes, np.array([row.building_id for row in rows], np.int64), slot)
        window, limits = self._window(conn, past, slot, self.weather(slot)), self._limits(conn, homes, slot)
        told = model.foresee(window, limits)
        foresight_rows.add_told(conn, network, _packed(told, window, slot))
        standing = foresight_rows.standing(conn, network)
        if standing.shown and is_evening(self.policy, slot, standing.warned_for):
            warn(conn, self.policy, network, slot, model.warnings(homes, window, told, limits))
        foresight_rows.forget(conn, network, slot - TOLD_FOR, slot - STEPS_KEPT * STEP)
        return model

    def _score(
        self, conn: Connection, model: Model, network: int, kept: tuple[Sequence[Seen], Seen, Told], slot: datetime
    ) -> Model:
        """Hold what was told a day ago against what happened, and learn from it."""
        rows, before, told = kept
        homes = packing.of_homes(before.homes)
        past = self._past(rows, homes, foresight_rows.buildings(conn, homes.tolist()), slot)
        ahead = np.array([np.nan if each is None else each for each in told.ahead])
        window, limits = self._window(conn, past, told.at, ahead), self._limits(conn, homes, told.at)
        said = scoring.unpacked(told, packing.of_hundredths(before.celsius), limits)
        lesson = Lesson(window, said, past.after(told.at), past.supplied(told.at), limits)
        day = told.at.astimezone(self.policy.zone).date()
        scores = scoring.chance_sums(lesson, day), scoring.error_sums(lesson, day)
        foresight_rows.add_scores(conn, network, told.at, *scores)
        return model.taught([lesson], 1.0)

    def _judge(self, conn: Connection, network: int, slot: datetime, now: datetime) -> None:
        """Show the forecasts of a network, or no more, by the last days."""
        since = slot.astimezone(self.policy.zone).date() - timedelta(days=JUDGED_DAYS)
        shown = foresight_rows.judge(conn, network, since, LEAST_PAIRS, now)
        if shown is not None:
            log.info("forecasts are shown" if shown else "forecasts are not shown", network=network)

    def _past(self, kept: Sequence[Seen], homes: Homes, building: np.ndarray, slot: datetime) -> NetworkPast:
        return past_of(kept, homes, building, (slot - (STEPS_KEPT - 1) * STEP, STEPS_KEPT))

    def _window(self, conn: Connection, past: NetworkPast, at: datetime, ahead: Floats) -> Window:
        local = at.astimezone(self.policy.zone)
        share = (local.hour * 60 + local.minute) / (24 * 60)
        return past.window(at, share, heated_at(conn, self._schedules, past.homes, at), ahead)

    def _limits(self, conn: Connection, homes: Homes, at: datetime) -> Floats:
        return limits_after(conn, self._schedules, homes, at)


def _see(conn: Connection, network: int, rows: Sequence[SeenNow], times: tuple[datetime, datetime]) -> bool:
    """Keep what is seen of a network; False: somebody has done so."""
    slot, now = times
    said = foresight_rows.outside(conn, network, now - OUTSIDE_FOR, now)
    ids = packing.homes(np.array([row.home_id for row in rows], np.int32))
    celsius = packing.hundredths(np.array([row.celsius for row in rows]))
    outside = (said.get(name) for name in ("outdoor_temperature", "supply_temperature", "flow"))
    return foresight_rows.add_seen(conn, network, Seen(slot, ids, celsius, *outside))


def _packed(told: Forecast, window: Window, slot: datetime) -> Told:
    ahead = [None if np.isnan(each) else float(each) for each in window.outdoor_ahead]
    ends, scale = told.interval.ravel().tolist(), packing.hundredths(told.scale)
    return Told(slot, packing.hundredths(told.change), scale, ends, packing.per_cent(told.chance), ahead)
