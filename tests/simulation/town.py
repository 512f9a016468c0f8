"""The town of the simulation, and its day: what every thermometer says, when it is sent, and what is sent late."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.policy import Policy
from domain.policy_file import load
from tests import registry_rows
from tests.simulation.timeline import NEVER_US, SECOND

HOMES, BUILDINGS = 20, 4
INTERVAL_S = 1_800
GRID_S = 60  # everything that is drawn happens at multiples of it, as the edges of windows and days do
SETTLES_MIN = (0, 10, 30)  # after the last fault; at the last of them nothing waits any more
AROUND_MIDNIGHT_MIN = (-1, 1, 2, 3)  # what was said before midnight comes while watch closes the day
EDGES = (18.0, 17.99, 18.01, 18.2, 18.19, 16.0, 15.99, 17.999)  # °C where a comparison decides
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
# Days that are not like others, by zone: summer time begins and ends, a season begins and ends.
DAYS = (
    ("Asia/Shanghai", date(2026, 1, 15)),
    ("Asia/Shanghai", date(2026, 1, 15)),
    ("Asia/Shanghai", date(2026, 3, 15)),
    ("Asia/Shanghai", date(2025, 11, 14)),
    ("Europe/Berlin", date(2026, 3, 28)),
    ("Europe/Berlin", date(2026, 10, 24)),
)
SPREADS = 0.5  # share of the faults of a building that come to the next one, too
WHAT_IS_MANY = (("building_homes = 5", (2, 3, 5)), ("substation_homes = 20", (4, 6, 20)))
SHARE_SUBSTATION = """
UPDATE building AS b SET substation_id = o.substation_id FROM building AS o
WHERE b.building_id = %s AND o.building_id = %s
"""
SEASON = "seasons = [{{from = 2025-11-15, to = 2026-{}}}, {{from = 2026-{}, to = 2027-03-16}}]"


class Thermometer(NamedTuple):
    """A sensor in a home."""

    code: str
    home: int  # its position among the homes
    offset_milli: int


class Cause(NamedTuple):
    """A fault of the network, for which many homes turn cold at once and warm at once."""

    homes: range  # positions
    begin_us: int
    end_us: int
    depth_k: float

    def at(self, home: int, us: int) -> float:
        """Return by how much it makes a home colder at an instant, K."""
        return self.depth_k if home in self.homes and self.begin_us <= us < self.end_us else 0.0


class Reading(NamedTuple):
    """A reading as it is said."""

    sensor: str
    at_us: int
    celsius: float


@dataclass(frozen=True)
class Sending:
    """A message that is published at an instant."""

    at_us: int
    device: str
    readings: tuple[Reading, ...]

    @property
    def topic(self) -> str:
        """The topic of the device."""
        return f"hearth/v1/{self.device}/telemetry"

    @property
    def payload(self) -> bytes:
        """The message in Hearth's own format."""
        return json.dumps([{"ts": one.at_us // 1000, "temperature": one.celsius} for one in self.readings]).encode()


@dataclass(frozen=True)
class Day:
    """The day of a seed: from an evening or a morning on, 24 hours."""

    zone: ZoneInfo
    begin_us: int
    end_us: int
    beats_us: list[int]
    policy: Policy
    sendings: list[Sending]
    is_closing: bool = False  # messages come while a day is closed
    has_incident: bool = False  # many homes turn cold at once

    def without(self, homes: frozenset[int], numbers: frozenset[int]) -> "Day":
        """Return the same day without some homes' messages, and without some messages."""
        codes = {one.code for one in THERMOMETERS if one.home in homes}
        kept = [one for n, one in enumerate(self.sendings) if n not in numbers and one.device not in codes]
        return replace(self, sendings=kept)


# Every fourth home has a second thermometer; some have an offset, by which 18.0 is said at another number.
THERMOMETERS = [
    Thermometer(f"t{home}-{nth}", home, 300 if (home + nth) % 7 == 3 else 0)
    for home in range(HOMES)
    for nth in range(2 if home % 4 == 0 else 1)
]


def found(conn: Connection) -> list[int]:
    """Write the registry of the town; return the ids of its homes in order."""
    buildings = [registry_rows.building(conn, station) for station in ("East", "East", "West", "West")]
    for first, second in zip(buildings[::2], buildings[1::2], strict=True):  # two behind a substation
        conn.execute(SHARE_SUBSTATION, (second, first))
    homes = [
        registry_rows.home(conn, f"H{n}", building_id=buildings[n * BUILDINGS // HOMES], home_class="multistorey")
        for n in range(HOMES)
    ]
    for one in THERMOMETERS:
        kind = "living" if one.code.endswith("-0") else "bedroom"
        offset = one.offset_milli / 1000
        registry_rows.sensor(conn, one.code, homes[one.home], room_kind=kind, interval_s=INTERVAL_S, offset_k=offset)
    conn.execute("UPDATE home_state SET check_at = '2020-01-01'")
    return homes


def draw(chance: Random, policy_text: str) -> Day:
    """Draw a day."""
    zone_name, first = chance.choice(DAYS)
    zone = ZoneInfo(zone_name)
    local = datetime.combine(first, time(chance.choice([4, 12, 18, 20])), zone)
    begin_us = round(local.timestamp()) * SECOND
    end_us = begin_us + 24 * HOUR
    policy = _policy(_rules(chance, policy_text, first, zone_name), zone_name)
    beats, is_closing = _beats(chance, begin_us, end_us), chance.random() < 0.25
    midnight_us = round(datetime.combine(first + timedelta(days=1), time(0), zone).timestamp()) * SECOND
    if is_closing:
        around = (midnight_us + n * MINUTE for n in AROUND_MIDNIGHT_MIN)
        beats = sorted({*beats[:2], *(beat for beat in around if begin_us < beat < end_us)})
    causes = [one for _ in range(chance.choice([0, 0, 1, 2])) for one in _causes(chance, begin_us)]
    if causes and not is_closing and chance.random() < 0.7:
        beats = _while_it_shows(chance, beats, causes[-1], end_us)
    beats += (end_us + n * MINUTE for n in SETTLES_MIN)
    sendings = [one for thermometer in THERMOMETERS for one in _says(chance, thermometer, begin_us, end_us, causes)]
    if is_closing:
        sendings = [_over_midnight(chance, one, midnight_us) for one in sendings]
    said = sorted(sendings, key=lambda one: (one.at_us, one.device))
    return Day(zone, begin_us, end_us, beats, policy, said, is_closing, has_incident=bool(causes))


@lru_cache(maxsize=2_048)
def _policy(text: str, zone: str) -> Policy:
    """Load rules; many seeds have the same ones, which are compiled once."""
    return load(text, "the seed", zone)


def _over_midnight(chance: Random, sending: Sending, midnight_us: int) -> Sending:
    """Hold back some of what was said in the hours before midnight until the day is being closed."""
    if not midnight_us - 2 * HOUR <= sending.at_us < midnight_us or chance.random() < 0.5:
        return sending
    return replace(sending, at_us=midnight_us + chance.randrange(1, 180) * SECOND)


def _beats(chance: Random, begin_us: int, end_us: int) -> list[int]:
    """Draw when messages come: a few times with hours between, so that the past is judged, or for some hours at once.

    Only what comes soon after it was measured is judged as it comes.
    """
    beats = chance.sample(range(begin_us + MINUTE, end_us, MINUTE), chance.choice([1, 2, 3, 5]))
    if chance.random() < 0.5:
        from_us = chance.choice([end_us - 4 * HOUR, begin_us + chance.randrange(1, 20) * HOUR])
        beats = [*beats[:2], *(from_us + n * 30 * MINUTE for n in range(5))]
    return sorted({beat for beat in beats if beat < end_us})


def _rules(chance: Random, text: str, first: date, zone: str) -> str:
    """Draw the rules: their times, and whether others are in force from the next midnight."""
    head, _, version = text.partition("[[version]]")
    season = SEASON.format(*(("05-01", "10-01") if zone.startswith("Europe") else ("03-16", "11-15")))
    head = head.replace(next(line for line in head.splitlines() if line.startswith("seasons")), season)
    version = version.replace("confirm_for_s = 0", f"confirm_for_s = {chance.choice([0, 0, 600, 3600])}")
    version = version.replace("clear_for_s = 1800", f"clear_for_s = {chance.choice([600, 1800, 3600])}")
    for usual, some in WHAT_IS_MANY:
        version = version.replace(usual, f"{usual.partition('=')[0]}= {chance.choice(some)}")
    texts = [version]
    if chance.random() < 0.3:
        later = version.replace("2020-01-01", str(first + timedelta(days=1)), 1)
        texts.append(later.replace("below = 18.0", "below = 18.5").replace("deadband_k = 0.2", "deadband_k = 0.1"))
    return head + "".join(f"[[version]]{one}" for one in texts)


def _causes(chance: Random, begin_us: int) -> list[Cause]:
    """Draw what goes wrong in a building, or behind a substation, and for how long; some of it spreads."""
    homes = HOMES // BUILDINGS
    size = homes * chance.choice([1, 1, 2])
    first, from_us = chance.randrange(0, HOMES, size), begin_us + chance.randrange(0, 18) * HOUR
    cause = Cause(range(first, first + size), from_us, from_us + chance.randrange(2, 8) * HOUR, chance.uniform(2, 4))
    if size > homes or chance.random() > SPREADS:
        return [cause]
    other = (first // homes ^ 1) * homes  # the other building behind its substation
    return [
        cause,
        cause._replace(homes=range(other, other + homes), begin_us=from_us + chance.randrange(10, 120) * MINUTE),
    ]


def _while_it_shows(chance: Random, beats: list[int], cause: Cause, end_us: int) -> list[int]:
    """Have messages come every few minutes while homes turn cold one after the other, and watch looks at them."""
    from_us = cause.begin_us + chance.randrange(10, 60) * MINUTE
    shows = (from_us + n * chance.choice([2, 5, 10]) * MINUTE for n in range(6))
    return sorted({*beats[:2], *(beat for beat in shows if beat < end_us)})


def _silence(chance: Random, begin_us: int) -> tuple[int, int]:
    """Draw from when to when a thermometer says nothing: most speak all day, a few fall silent for good."""
    if chance.random() < 0.8:
        return NEVER_US, NEVER_US
    from_us = begin_us + chance.randrange(0, 24) * HOUR
    return from_us, chance.choice([from_us + chance.randrange(2, 10) * HOUR, NEVER_US])


def _says(chance: Random, of: Thermometer, begin_us: int, end_us: int, causes: Sequence[Cause]) -> list[Sending]:
    """Draw what a thermometer says: a walk around the limits; some of it comes late, twice or together."""
    every = chance.choice([2700, 3600, 5400])
    silent_us, speaks_us = _silence(chance, begin_us)
    level, at_us, said = chance.uniform(15.5, 20.5), begin_us - chance.randrange(0, every, GRID_S) * SECOND, []
    while at_us < end_us:
        level = min(max(level + chance.uniform(-0.8, 0.8), 14.5), 22.0)
        gone = sum(cause.at(of.home, at_us) for cause in causes)
        celsius = chance.choice(EDGES) - of.offset_milli / 1000 if chance.random() < 0.3 else round(level - gone, 2)
        if chance.random() > 0.08 and not silent_us <= at_us < speaks_us:
            said.append(Reading(of.code, at_us, round(celsius, 3)))
        at_us += max(every + chance.choice([0, 0, -GRID_S, GRID_S, 3 * GRID_S]), GRID_S) * SECOND
    sendings = []
    while said:
        together = tuple(said[: chance.choice([1, 3, 6])])
        del said[: len(together)]
        late = (
            chance.choice([20, 40, 120, 400]) * MINUTE if chance.random() < 0.06 else chance.randrange(1, 40) * SECOND
        )
        sent_us = min(max(together[-1].at_us + late, begin_us), end_us - MINUTE)
        sendings.append(Sending(sent_us, of.code, together))
        if chance.random() < 0.03:
            sendings.append(Sending(min(sent_us + 7 * MINUTE, end_us - MINUTE), of.code, together))
    return sendings
