"""The month behind a demo: stored, judged and worked by the product itself, with a clock that runs ahead.

Nothing is written into results. Messages are stored as ingest stores them, the rounds are those of `hearth watch`, and
people work the tickets with the functions of the desk.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from psycopg import Connection

from alerts.judging.judge import Judge
from domain.instants import to_datetime, to_us
from hearth.demo.calls import Caller
from hearth.demo.staff import Staff
from hearth.ingesting import limits_of
from hearth.rounds import Round, turn
from hearth.settings import Settings
from hearth.watch_rounds import rounds
from hearth.wiring import chosen_policy
from ingest.batch import Intake
from ingest.message import Message
from ingest.places import SensorPlaces
from ingest.writer import Writer
from sim.faults import CALM, FaultSource
from sim.radio import Radio
from sim.replay import RecordedReplay, coldest_weeks
from sim.run import REPLAY_REACH_HOURS
from sim.town import SECOND_US, WARM_UP_SECONDS, Town
from store.base.stage import open_stages

PAST_INTERVAL_S = 7200  # a month of one reading a minute would take as many minutes as this takes seconds
# Local times at which the past stops to look around. At midnight, so that no reading comes after its day is closed.
LOOKS = (time(0), time(6, 7), time(12, 11), time(18, 4))
MOST_TURNS = 20
# Rounds of `hearth watch` that a step of hours needs; the others have their turn once a day, or once at the end.
ALWAYS = frozenset({"deadlines", "clocks", "past", "outages", "substations", "incidents", "recovery"})
DAILY = ALWAYS | {"sensors", "measurements", "days of readings", "seals", "seal of the day"}


@dataclass
class SetClock:
    """A clock that is set."""

    at: datetime

    def __call__(self) -> datetime:
        """Return its time."""
        return self.at

    def seconds(self) -> float:
        """Return its time as a count of seconds."""
        return self.at.timestamp()


@dataclass(frozen=True)
class LivedPast:
    """The devices of a past, and the span they speak in."""

    town: Town  # at its beginning
    replay: RecordedReplay
    until: datetime

    def messages(self, radio: Radio, until_us: int) -> list[Message]:
        """Return what is said before an instant, in order of time."""
        begin_us = radio.town.at_us
        said = []
        while radio.town.at_us + radio.town.interval_us <= until_us:
            said += radio.step()
        said += self.replay.messages(begin_us, radio.town.at_us)
        return [
            Message(topic, payload.encode(), due_us + i, 0, 1, 0, False)
            for i, (due_us, topic, payload) in enumerate(sorted(said))
        ]


@dataclass(frozen=True)
class People:
    """The people of a past: callers, and the staff that works."""

    staff: Staff
    caller: Caller

    def work(self, conn: Connection, until: datetime) -> None:
        """Do what is due."""
        self.caller.call(conn, until)
        self.staff.work(conn, until)


def past_of(seed: int, homes: int, span: tuple[datetime, datetime], zone: ZoneInfo) -> LivedPast:
    """Return the past of a town from one instant until another."""
    begin, until = span
    begin_us = to_us(begin)
    source = FaultSource(CALM)
    town = Town(seed, homes, PAST_INTERVAL_S, epoch_us=begin_us - WARM_UP_SECONDS * SECOND_US, source=source)
    town.advance_to(begin_us)
    reach = timedelta(hours=REPLAY_REACH_HOURS[0])
    return LivedPast(town, RecordedReplay(coldest_weeks(until, zone, reach), zone), until)


def live_through(
    conn: Connection, past: LivedPast, settings: Settings, people: People, tell: Callable[[datetime], bool]
) -> bool:
    """Live through the past on an autocommit connection, as long as `tell` wants; returns whether it is complete."""
    begin = to_datetime(past.town.at_us)
    policy = chosen_policy(settings)
    clock, radio, judge = SetClock(begin), Radio(past.town), Judge(policy)
    intake = Intake("hearth-ingest", limits_of(settings, policy, begin), judge.readings, SensorPlaces())
    writer = Writer(intake, clock, settings.deferred_mb * 1_000_000, lambda _: None)
    work = rounds(judge, settings, clock)
    open_stages(conn)
    while clock.at < past.until:
        until = min(_next_look(clock.at.astimezone(policy.zone)), past.until)
        people.work(conn, until)
        clock.at = until
        for messages in _batches(past.messages(radio, to_us(until))):
            writer.store_all(conn, messages)
        names = DAILY if until.astimezone(policy.zone).time() == LOOKS[1] else ALWAYS
        _take_turns([each for each in work if each.name in names], conn, clock)
        if not tell(until):
            return False
    _take_turns(work, conn, clock)
    return True


def _next_look(local: datetime) -> datetime:
    """Return the next time to look around after a local time, in UTC."""
    days = (local.date(), local.date() + timedelta(days=1))
    looks = (datetime.combine(day, look, local.tzinfo) for day in days for look in LOOKS)
    return next(look for look in looks if look > local).astimezone(UTC)


def _take_turns(work: list[Round], conn: Connection, clock: SetClock) -> None:
    for _ in range(MOST_TURNS):
        if not turn(work, conn, clock.seconds):
            break


def _batches(messages: list[Message]) -> Iterator[list[Message]]:
    for i in range(0, len(messages), 5_000):
        yield messages[i : i + 5_000]
