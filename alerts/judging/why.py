"""The explanation of a flag: the rule, the confirming readings, and the other rooms, as data and as a sentence."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from functools import cached_property, lru_cache, partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.judging.old_readings import DAY_US, days_of, old_readings
from alerts.judging.screen import between
from alerts.judging.weigh import ReadingRules
from archives.history import TABLE_ALONE, OneHistory
from domain import milli
from domain.instants import EVER_US, to_datetime, to_us
from domain.policy import ROOM_KINDS, Limit, Policy, Version
from domain.reasons import BreachReason
from domain.words.reasons import ANY_TIME, BREACH_TEXTS, CONTRACT, MEASURED_TEXT, WINDOW
from domain.words.text import Text
from store.judging import rooms_then
from store.readings.reading_rows import PLACED
from store.registry import place_rows

SINCE, CONFIRMED, CELSIUS = "\0since", "\0confirmed", "\0celsius"  # in no text of a policy


class RoomThen(NamedTuple):
    """A judged room at an instant: the reading that was held, or silence (all None)."""

    sensor: str
    room: str
    measured_at: datetime | None = None
    raw: float | None = None
    offset: float | None = None
    judged: float | None = None


Why = Callable[[], dict[str, Any]]  # puts an explanation into words


def explain(
    conn: Connection, policy: Policy, fresh: Sequence[tuple[int, np.void]], readings: OneHistory = TABLE_ALONE
) -> "Explanations":
    """Prepare the explanations to store with flags: a few queries for any number of flags.

    Args:
        fresh: (home_id, MACHINE as it was when the flag was raised).
        readings: on record.
    """
    homes = place_rows.contracts(conn, sorted({home for home, _ in fresh}))
    asked: dict[tuple[int, int], int] = {}
    for home, flag in fresh:
        for at in (_proven(flag), int(flag["cold_since"])):
            asked.setdefault((home, at), len(asked))
    weights = ReadingRules(policy)
    return Explanations(policy, weights, homes, asked, _question(conn, policy, weights, list(asked), readings), fresh)


class Explanations:
    """Explanations of flags that are raised together."""

    def __init__(
        self,
        policy: Policy,
        weights: ReadingRules,
        homes: Mapping[int, place_rows.ContractRow],
        asked: Mapping[tuple[int, int], int],
        question: rooms_then.RoomQuestion,
        fresh: Sequence[tuple[int, np.void]],
    ) -> None:
        self._policy, self._weights, self._homes, self._asked = policy, weights, homes, asked
        self._question, self._fresh = question, fresh
        self._rules = _Rules(policy)
        self._heard: rooms_then.RoomAnswer = list

    def ask(self, conn: Connection) -> list[Why]:
        """Ask for what was heard of the homes, and return the explanation of each flag.

        In a pipeline the server looks it up while the caller goes on. Nothing more is asked when an explanation is put
        into words, so that can be done while the server is at work on something else.
        """
        self._heard = rooms_then.ask(conn, self._question)
        return [partial(self._why, home, flag) for home, flag in self._fresh]

    @cached_property
    def _points(self) -> list[list[RoomThen]]:
        return _judged(self._policy, self._weights, [at for _, at in self._asked], self._heard())

    def _why(self, home: int, flag: np.void) -> dict[str, Any]:
        """Return the explanation of a flag of a home."""
        points, at_first = (self._points[self._asked[home, at]] for at in (_proven(flag), int(flag["cold_since"])))
        return _why(self._rules.of(self._homes[home], flag), flag, self._policy.zone, points, at_first)


def _proven(flag: np.void) -> int:
    """Return the last µs of the confirm time of a flag: its timer fires before anything that begins at that instant."""
    return max(int(flag["cold_since"]), int(flag["confirmed_at"]) - 1)


def _question(
    conn: Connection, policy: Policy, weights: ReadingRules, asked: Sequence[tuple[int, int]], readings: OneHistory
) -> rooms_then.RoomQuestion:
    """Return the question what was heard of homes at instants (µs)."""
    longest = max(version.hold_intervals for version in policy.versions)
    homes, instants = [home for home, _ in asked], [at for _, at in asked]
    return rooms_then.RoomQuestion(
        homes=homes,
        instants=instants,
        hold_intervals=longest,
        longest_s=rooms_then.longest_interval_s(conn, homes),
        left_out=_suspects(conn, weights, asked, readings) if weights.screens else [],
        old=old_readings(conn, readings, asked, longest),
    )


def _judged(
    policy: Policy, weights: ReadingRules, instants: Sequence[int], heard: Sequence[rooms_then.PointThen]
) -> list[list[RoomThen]]:
    """Return the judged points of each question, coldest first, then the silent ones."""
    judged, values, until = weights.weigh(_placed(heard))
    at = np.array(instants, np.int64)[[row.nth - 1 for row in heard]]
    holds = judged & (until > at)
    points: list[list[RoomThen]] = [[] for _ in instants]
    for i, row in enumerate(heard):
        if holds[i]:
            said = (row.measured_at, row.temperature, row.offset_k, milli.celsius(int(values[i])))
            points[row.nth - 1].append(RoomThen(row.sensor, row.room, *said))
        elif row.room_kind in policy.rules_at(to_datetime(instants[row.nth - 1])).judged_rooms:
            points[row.nth - 1].append(RoomThen(row.sensor, row.room))
    for some in points:
        some.sort(key=lambda point: (point.judged is None, point.judged or 0.0))
    return points


def _suspects(
    conn: Connection, weights: ReadingRules, asked: Sequence[tuple[int, int]], readings: OneHistory
) -> list[tuple[int, datetime]]:
    """Return readings of the day before each instant that were not judged; one query per day of instants."""
    out: list[tuple[int, datetime]] = []
    for homes, first, last in days_of(asked):
        rows = between(conn, weights, homes, (first - DAY_US, last), readings=readings)
        found = zip(rows["sensor_id"].tolist(), rows["measured_at"].tolist(), strict=True)
        out += [(sensor, to_datetime(at)) for sensor, at in found]
    return out


def _placed(heard: Sequence[rooms_then.PointThen]) -> NDArray[np.void]:
    """Convert to PLACED rows, NaN where the point was silent."""
    rows = np.zeros(len(heard), PLACED)
    rows["measured_at"] = [to_us(row.measured_at) if row.measured_at else 0 for row in heard]
    rows["temperature"] = [np.nan if row.temperature is None else row.temperature for row in heard]
    rows["room_kind"] = [ROOM_KINDS.index(row.room_kind) for row in heard]
    rows["interval_s"] = [row.interval_s or 0 for row in heard]
    rows["offset"] = [milli.milli(row.offset_k or 0.0) for row in heard]
    rows["stays_until"] = EVER_US  # the query gives only points that are still in their room
    return rows


class _Rule(NamedTuple):
    """The rule that flags broke, and what their explanations have in common."""

    limit: Limit
    same: dict[str, Any]
    said: Text  # with SINCE, CONFIRMED and CELSIUS where these stand


class _Rules:
    """The rules of the flags that are raised together: they are few."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._limits: dict[tuple[place_rows.ContractRow, int], list[Limit]] = {}
        self._known: dict[tuple[Limit, int], _Rule] = {}

    def of(self, home: place_rows.ContractRow, flag: np.void) -> _Rule:
        """Return the rule that a flag of a home broke."""
        version = int(flag["version"])
        limits = self._limits.get((home, version))
        if limits is None:
            limits = self._limits[home, version] = _limits(self._policy.versions[version], home)
        limit = _limit(self._policy.zone, limits, home, flag)
        if (rule := self._known.get((limit, version))) is None:
            rule = self._known[limit, version] = self._make(limit, version)
        return rule

    def _make(self, limit: Limit, number: int) -> _Rule:
        version, label = self._policy.versions[number], self._policy.labels[number]
        reason = _reason(limit)
        clause = limit.clause or f"{label}: {limit.home_class} {limit.severity}"
        window = None
        if limit.opens and limit.closes:
            window = [limit.opens.isoformat("minutes"), limit.closes.isoformat("minutes")]
        same = {
            "reason": reason.value,
            "clause": clause,
            "policy": label,
            "limit": limit.below_celsius,
            "window": window,
            "confirm_for_s": version.confirm_for_s,
        }
        return _Rule(limit, same, _text(reason, limit, clause))


def _why(
    rule: _Rule, flag: np.void, zone: ZoneInfo, points: list[RoomThen], at_first: list[RoomThen]
) -> dict[str, Any]:
    held = [point for point in points if point.judged is not None]
    readings = held + [point for point in at_first[:1] if point.judged is not None and point not in held]
    celsius = held[0].judged if held else None
    shown = _shown(milli.celsius(int(flag["lowest"])) if celsius is None else celsius, rule.limit.below_celsius)
    since, confirmed = (_on_the_clock(int(flag[name]), zone) for name in ("cold_since", "confirmed_at"))
    zh, en = (text.replace(SINCE, since).replace(CONFIRMED, confirmed).replace(CELSIUS, shown) for text in rule.said)
    return {
        **rule.same,
        "readings": [_reading(point) for point in readings],
        "points": [_point(point, governs=i == 0) for i, point in enumerate(points)],
        "zh": zh,
        "en": en,
    }


def explain_measured(
    policy: Policy, home: place_rows.ContractRow, flag: np.void, number: str, room: str, celsius: float
) -> dict[str, Any]:
    """Return the explanation of a flag raised by a measurement on site.

    Args:
        flag: MACHINE, raised at the instant of measurement.
        number: of the record.
    """
    version, label = policy.versions[int(flag["version"])], policy.labels[int(flag["version"])]
    limit = _limit(policy.zone, _limits(version, home), home, flag)
    clause, window = limit.clause or f"{label}: {limit.home_class} {limit.severity}", _window(limit)
    said = {
        "at": _on_the_clock(int(flag["cold_since"]), policy.zone),
        "room": room,
        "celsius": _shown(celsius, limit.below_celsius),
        "limit": f"{limit.below_celsius:g}",
        "clause": clause,
        "number": number,
    }
    zh, en = (text.format(window=words, **said) for text, words in zip(MEASURED_TEXT, window, strict=True))
    return {
        "reason": _reason(limit).value,
        "clause": clause,
        "policy": label,
        "limit": limit.below_celsius,
        "measurement": number,
        "room": room,
        "celsius": celsius,
        "zh": zh,
        "en": en,
    }


def _limits(version: Version, home: place_rows.ContractRow) -> list[Limit]:
    """Return all limits that a home is under at some time of day."""
    limits = [limit for limit in version.limits if limit.home_class == home.home_class]
    if home.contract_limit is not None:
        limits.append(_cold(home, home.contract_limit, home.contract_from, home.contract_to, CONTRACT))
    return limits


def _limit(zone: ZoneInfo, limits: Sequence[Limit], home: place_rows.ContractRow, flag: np.void) -> Limit:
    """Return the limit that the home was under when its flag was confirmed: the floor limit if it was below both."""
    clock = _local(_proven(flag), zone).time()
    now = [limit for limit in limits if limit.holds_at(clock)]
    severity = "severe" if flag["severe_at"] == flag["confirmed_at"] else "cold"
    wanted = [limit for limit in now if limit.severity == severity] or now
    if not wanted:
        # The registry has changed under a look-up that judging still held: the machine's own figure stands.
        return _cold(home, milli.celsius(int(flag["limit"])))
    return max(wanted, key=lambda limit: limit.below_celsius)


def _cold(
    home: place_rows.ContractRow,
    below: float,
    opens: time | None = None,
    closes: time | None = None,
    clause: str | None = None,
) -> Limit:
    return Limit(
        home_class=home.home_class, severity="cold", below_celsius=below, opens=opens, closes=closes, clause=clause
    )


def _reason(limit: Limit) -> BreachReason:
    if limit.clause == CONTRACT:
        return BreachReason.BELOW_CONTRACT
    return BreachReason.BELOW_FLOOR if limit.severity == "severe" else BreachReason.BELOW_DAY_LIMIT


def _reading(point: RoomThen) -> dict[str, Any]:
    return {**point._asdict(), "measured_at": point.measured_at.isoformat() if point.measured_at else None}


def _point(point: RoomThen, governs: bool) -> dict[str, Any]:
    state = "silent" if point.judged is None else "governing" if governs else "held"
    return {"sensor": point.sensor, "room": point.room, "state": state, "judged": point.judged}


def _text(reason: BreachReason, limit: Limit, clause: str) -> Text:
    """Return one sentence in each language, in local time, with marks for what each flag has of its own."""
    said = {"since": SINCE, "confirmed": CONFIRMED, "celsius": CELSIUS}
    zh, en = (
        text.format(window=words, clause=clause, limit=f"{limit.below_celsius:g}", **said)
        for text, words in zip(BREACH_TEXTS[reason], _window(limit), strict=True)
    )
    return Text(zh, en)


@lru_cache(maxsize=1024)  # a window opens for all homes at once
def _on_the_clock(us: int, zone: ZoneInfo) -> str:
    return _local(us, zone).isoformat(" ", "minutes")


@lru_cache(maxsize=1024)  # a window opens for all homes at once
def _local(us: int, zone: ZoneInfo) -> datetime:
    """Return a local time without its zone."""
    return to_datetime(us).astimezone(zone).replace(tzinfo=None)


def _window(limit: Limit) -> Text:
    """Return the window of a limit in both languages."""
    if limit.opens is None or limit.closes is None:
        return ANY_TIME
    return WINDOW.fill(opens=limit.opens.isoformat("minutes"), closes=limit.closes.isoformat("minutes"))


def _shown(celsius: float, limit: float) -> str:
    """Format with two decimals, or with all of them where two would hide that it was under the limit."""
    two = f"{celsius:.2f}"
    return str(celsius) if celsius < limit <= float(two) else two
