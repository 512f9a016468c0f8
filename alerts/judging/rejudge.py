"""Re-judging: homes whose past changed are judged again from there on, and the records are reconciled with the outcome.

Nothing is deleted: a flag without a cause is withdrawn, a missed one is raised (with a ticket that is created closed
if the cold is over), one that began or ended at another time is corrected. A second run changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.deadline import NEVER_US
from alerts.engine.machine import ENDED, idle
from alerts.engine.track import Held, Int
from alerts.judging import flagging
from alerts.judging.briefs import ShardBrief, brief_of
from alerts.judging.history import DAY, History, Past, Source
from alerts.judging.home_state import last_change, next_deadline
from alerts.judging.reconciling import reconcile
from alerts.judging.verdict import CLOSE_LAG, SpanVerdict, StartGroup, day_rows, judge_span, resume
from domain import groups
from domain.instants import NONE_US, to_datetime, to_us
from store.base import wire
from store.judging import flag_rows, ledger_rows, state_rows
from store.readings import stays

SourceOf = Callable[[Connection, ShardBrief], Source]


@dataclass
class RejudgeOutcome:
    """Counts of what re-judging changed."""

    homes: int = 0
    readings: int = 0
    days: int = 0  # ledger rows written
    raised: int = 0
    withdrawn: int = 0
    corrected: int = 0
    changes: list[flagging.FlagCorrection] = field(default_factory=list)

    def note(self, changes: flagging.Changes) -> None:
        """Count the corrections of flags."""
        self.changes += changes.told
        for change in changes.told:
            setattr(self, change.kind.value, getattr(self, change.kind.value) + 1)

    def add(self, other: "RejudgeOutcome") -> None:
        """Add the outcome of other homes."""
        for name in ("homes", "readings", "days", "raised", "withdrawn", "corrected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.changes += other.changes


@dataclass
class ReplayedHomes:
    """Homes after their replay from one day on."""

    first_day: date
    past: Past
    written: int  # ledger rows
    ended: NDArray[np.void]  # ENDED, homes by position


class HomesFlags(NamedTuple):
    """The flags of homes on record, and those that judging has found."""

    stored: list[flag_rows.FlagRow]
    judged: list[tuple[int, np.void]]  # (home_id, MACHINE)


@dataclass(frozen=True)
class Rejudging:
    """One re-judging, in a transaction of the caller.

    `dry`: flags and tickets are left as they are; the caller rolls the rest back.
    """

    conn: Connection
    history: History
    now: datetime
    dry: bool = False

    def from_day(self, home_ids: Sequence[int], from_day: date) -> RejudgeOutcome:
        """Judge homes again from the start of a local day up to now; they are locked, so new readings wait."""
        homes = _locked(self.conn, home_ids)
        out = RejudgeOutcome(homes=len(homes))
        replayed = list[ReplayedHomes]()
        for group in self.groups(homes, from_day):
            ledger_rows.forget_machines(self.conn, group.homes.tolist(), group.first_day)
            walked = self._replay(group)
            out.days += walked.written
            out.readings += walked.past.readings
            replayed.append(walked)
        self._settle(replayed, [self._walked_flags(walked) for walked in replayed], out)
        self._unqueue(homes, from_day)
        return out

    def days(
        self, home_ids: Sequence[int], from_day: date, to_day: date, source_of: SourceOf | None = None
    ) -> RejudgeOutcome:
        """Judge homes again over [from_day, to_day); homes that leave it in another state than recorded, up to now.

        A span that reaches beyond the days that are over leads all homes up to now.

        Args:
            source_of: where the readings of the days that are over come from; the tables by default.
        """
        homes, today = _locked(self.conn, home_ids), self.history.day_of(self.now)
        brief, upto = self.brief(homes, from_day), min(to_day, today)
        source = source_of(self.conn, brief) if source_of else self.history.tables(self.conn)
        end = to_datetime(self.history.midnight_us(upto))
        past = [group for group in brief.groups if group.first_day < upto]
        verdicts = [judge_span(self.history, source, group, end, self.now) for group in past]
        knowing = replace(self, history=self.history.having_read(source.read))
        out = knowing.settle(verdicts, upto, onward=to_day > today)
        rest = [home for group in brief.groups if group.first_day >= upto for home in group.homes.tolist()]
        if rest and to_day > today:
            out.add(self.from_day(rest, from_day))
        out.homes = len(homes)
        return out

    def settle(self, verdicts: Sequence[SpanVerdict], to_day: date, onward: bool = False) -> RejudgeOutcome:
        """Write what differs between verdicts up to the start of a day and the record.

        Args:
            onward: all homes go on from there to now, not only those that leave the span otherwise than recorded.
        """
        homes = np.concatenate([np.empty(0, np.int32), *(verdict.homes for verdict in verdicts)])
        out, on_record = RejudgeOutcome(homes=len(homes)), self._ends(homes, to_day)
        settled, walked = list[SpanVerdict](), list[ReplayedHomes]()
        for verdict in verdicts:
            out.readings += verdict.readings
            out.days += self._put_days(verdict, to_day)
            same = np.zeros(len(verdict.homes), bool) if onward else _leave_as_recorded(verdict, on_record)
            settled.append(verdict.of(same))
            if not same.all():
                walked.append(self._go_on(verdict.of(~same), to_day))
                out.days += walked[-1].written
                out.readings += walked[-1].past.readings
        flags = [self._walked_flags(going) for going in walked]
        self._settle(walked, flags + [self._span_flags(verdict, to_day) for verdict in settled], out)
        for verdict in verdicts if onward else ():
            self._unqueue(verdict.homes, verdict.first_day)
        return out

    def _unqueue(self, homes: NDArray[np.int32], from_day: date) -> None:
        """Take homes out of the queue that were judged again from a day on."""
        is_all = from_day <= self.history.earliest_day(self.now)
        since = None if is_all else to_datetime(self.history.midnight_us(from_day))
        state_rows.unqueue(self.conn, homes.tolist(), since)

    def _ends(self, home_ids: NDArray[np.int32], to_day: date) -> dict[int, bytes | None]:
        """Return the machine in which each home ends the day before one by the record; None: nothing tells of it.

        Where the ledger does not, the home is idle by the record unless a flag or a breach of now began before.
        """
        end, none = self.history.midnight_us(to_day), idle(1)[0].tobytes()
        rows = state_rows.lock(self.conn, np.unique(home_ids))
        began = [(rows[at] != NONE_US) & (rows[at] < end) for at in ("cold_since", "breach_since")]
        told: dict[int, bytes | None] = dict.fromkeys(rows["home_id"].tolist(), none)
        told |= dict.fromkeys(rows["home_id"][began[0] | began[1]].tolist())
        on_record = ledger_rows.starts(self.conn, home_ids.tolist(), to_day)
        return told | {home: machine or none for home, (day, machine) in on_record.items() if day + DAY == to_day}

    def _go_on(self, verdict: SpanVerdict, to_day: date) -> ReplayedHomes:
        """Judge homes on from the end of a span up to now."""
        there = np.flatnonzero(verdict.entered).tolist()
        known = {int(verdict.homes[nth]): verdict.machines[nth].tobytes() for nth in there}
        ledger_rows.forget_machines(self.conn, verdict.homes.tolist(), to_day)
        walked = self._replay(StartGroup(to_day, verdict.homes, known), (verdict.state, verdict.since))
        ended = np.concatenate((verdict.ended, walked.ended))
        return replace(walked, first_day=verdict.first_day, ended=ended)

    def brief(self, homes: NDArray[np.int32], from_day: date) -> ShardBrief:
        """Return what judging homes (rising) from a day on needs beside their readings."""
        told = stays.stays(self.conn, homes.tolist())
        return brief_of(self.groups(homes, from_day), self.history.terms.look_up(self.conn, homes.tolist()), told)

    def unheard(self, homes: NDArray[np.int32], first_day: date) -> ShardBrief:
        """Return the same for homes (rising) without history."""
        told = stays.stays(self.conn, homes.tolist())
        terms = self.history.terms.look_up(self.conn, homes.tolist())
        return brief_of([StartGroup(first_day, homes, {})], terms, told)

    def groups(self, homes: NDArray[np.int32], from_day: date) -> list[StartGroup]:
        """Group homes by the first day of their replay, at the earliest `from_day` or the first day of readings."""
        earliest = min(from_day, self.history.earliest_day(self.now))
        found = {
            home: (day, machine)
            for home, (day, machine) in ledger_rows.starts(self.conn, homes.tolist(), from_day).items()
            if day + DAY >= earliest
        }
        groups: dict[date, list[int]] = {}
        for home, (day, _) in sorted(found.items()):
            groups.setdefault(day + DAY, []).append(home)
        out = [
            StartGroup(day, np.array(members, np.int32), {home: found[home][1] for home in members})
            for day, members in groups.items()
        ]
        fresh = homes[~np.isin(homes, list(found))]
        if len(fresh):
            # No day of theirs was closed before: they begin with their readings, or today if there are none.
            first = self.history.first_day(self.conn, fresh, earliest)
            out.append(StartGroup(first or from_day, fresh, {}))
        return out

    def _replay(self, group: StartGroup, state: tuple[Int, Int] | None = None) -> ReplayedHomes:
        """Judge homes from the start of a day up to now, and write their ledger and their machines.

        Args:
            state: of each home when the day begins, and since when, µs; by default it is not known.
        """
        past, written, ended = resume(group.homes, group.known), 0, [np.empty(0, ENDED)]
        if state:
            past.state, past.since = (told.copy() for told in state)
        for stretch in self.history.walk(self.conn, past, group.first_day, self.now, whole=False):
            days = day_rows(self.history, past.homes, stretch.days, self.now)
            written += ledger_rows.put(self.conn, days, self.history.policy.labels)
            keep_machines(self.conn, self.history, past.homes, stretch.machines, self.now)
            ended.append(stretch.ended)
        return ReplayedHomes(group.first_day, past, written, np.concatenate(ended))

    def _settle(self, walked: Sequence[ReplayedHomes], flags: Sequence[HomesFlags], out: RejudgeOutcome) -> None:
        """Reconcile the flags of homes, and write the state of those that were replayed up to now.

        Together, and last: the numbers of new flags make all others who raise flags wait until the transaction ends.
        """
        stored = [flag for some in flags for flag in some.stored]
        judged = [flag for some in flags for flag in some.judged]
        changes = reconcile(self.conn, self.history, stored, judged, self.now, write=not self.dry)
        out.note(changes)
        for homes in () if self.dry else walked:
            self._put_state(homes, changes.open_flags)

    def _walked_flags(self, walked: ReplayedHomes) -> HomesFlags:
        """Return the flags of homes that were replayed up to now."""
        past = walked.past
        judged = _flags(past.homes, walked.ended) + _open_flags(past)
        return HomesFlags(self._stored(walked.first_day, past.homes, judged), judged)

    def _put_days(self, verdict: SpanVerdict, to_day: date) -> int:
        """Write the days that differ from the record, and the machines at their ends; returns how many days."""
        homes, span = verdict.homes.tolist(), (verdict.first_day, to_day)
        labels, days = self.history.policy.labels, verdict.days
        record = ledger_rows.days(self.conn, homes, span, labels)
        differing, write = days[ledger_rows.differ(days, record)], ledger_rows.put if len(record) else ledger_rows.add
        written = write(self.conn, differing, labels) if len(differing) else 0
        kept = {(int(row["home_id"]), int(row["day"])): row["machine"].tobytes() for row in verdict.kept}
        known = ledger_rows.machines(self.conn, homes, span)
        changed = {key: kept.get(key) for key in known.keys() | kept.keys() if known.get(key) != kept.get(key)}
        if changed:
            ids, ordinals = (list(column) for column in zip(*changed, strict=True))
            ledger_rows.put_machines(self.conn, ids, ordinals, list(changed.values()))
        return written

    def _span_flags(self, verdict: SpanVerdict, to_day: date) -> HomesFlags:
        """Return the flags that ended in a span, of homes that leave it as recorded."""
        end, homes = to_datetime(self.history.midnight_us(to_day)), verdict.homes
        judged, carried = _flags(homes, verdict.ended), _spells(_open_flags(verdict))
        stored = [
            row
            for row in self._stored(verdict.first_day, homes, judged)
            # What a season ends at the midnight of the span's end is of the next day: here it is open still.
            if row.cleared_at and (row.cleared_at < end or (row.cleared_at == end and _spell(row) not in carried))
        ]
        return HomesFlags(stored, judged)

    def _stored(
        self, first_day: date, homes: NDArray[np.int32], judged: Sequence[tuple[int, np.void]]
    ) -> list[flag_rows.FlagRow]:
        """Return the flags on record that a replay is about.

        One that ended in the instant of its start is, if it is open in the machine that the replay resumes: the season
        ended it, and recovery had not.
        """
        start, spells = to_datetime(self.history.midnight_us(first_day)), _spells(judged)
        rows = flag_rows.since(self.conn, homes.tolist(), start)
        return [row for row in rows if row.cleared_at != start or _spell(row) in spells]

    def _put_state(self, walked: ReplayedHomes, open_flags: dict[int, int]) -> None:
        """Write the state of homes, from which live judging continues."""
        past, held = walked.past, walked.past.held
        there = np.flatnonzero(past.entered)
        if not len(there) or held is None:
            return
        rows = np.empty(len(there), wire.native(state_rows.HOME_STATE))
        rows["home_id"] = past.homes[there]
        machines = past.machines[there]
        rows["state"], rows["state_since"] = past.state[there], past.since[there]
        for name in ("breach_since", "severe_since", "warm_since", "lowest"):
            rows[name] = machines[name]
        rows["judged_to"] = last_change(past.last, there, machines, walked.ended)
        rows["flag_id"] = [open_flags.get(home, 0) for home in rows["home_id"].tolist()]
        rows["check_at"] = self._due(past, held, there)
        state_rows.put_homes(self.conn, rows)
        state_rows.replace_held(self.conn, past.homes.tolist(), _held_rows(past.homes, held))

    def _due(self, past: Past, held: Held, there: NDArray[np.intp]) -> Int:
        """Return the next deadline of the homes `there`, µs; NONE_US if there is none."""
        position = np.full(len(past.homes), -1)
        position[there] = np.arange(len(there))
        mine = held.take(past.entered[held.home])
        mine = mine._replace(home=position[mine.home])
        end = past.end[there]
        schedules, schedule = self.history.terms.schedules(self.conn, past.homes[there], int(end.min()), int(end.max()))
        due = next_deadline(past.machines[there], schedules, schedule, end, mine)
        return np.where(due == NEVER_US, NONE_US, due)


def judge_again(
    conn: Connection, history: History, home_ids: Sequence[int], from_day: date, now: datetime, *, dry: bool = False
) -> RejudgeOutcome:
    """Judge homes again from the start of a local day up to now."""
    return Rejudging(conn, history, now, dry).from_day(home_ids, from_day)


def _locked(conn: Connection, home_ids: Sequence[int]) -> NDArray[np.int32]:
    """Lock homes and return the ids of those that exist, rising."""
    homes: NDArray[np.int32] = state_rows.lock(conn, np.unique(np.asarray(home_ids, np.int32)))["home_id"]
    return homes


def _flags(homes: NDArray[np.int32], ended: NDArray[np.void]) -> list[tuple[int, np.void]]:
    """Return (home_id, MACHINE) of ENDED rows."""
    return [(int(homes[row["home"]]), row["flag"]) for row in ended]


def _open_flags(past: Past | SpanVerdict) -> list[tuple[int, np.void]]:
    """Return (home_id, MACHINE) of homes whose flag is open at the end of their replay."""
    return [(int(past.homes[home]), past.machines[home]) for home in np.flatnonzero(past.machines["severity"] > 0)]


def _spells(flags: Sequence[tuple[int, np.void]]) -> set[tuple[int, int]]:
    """Return (home_id, µs of its beginning) of the cold spells of flags."""
    return {(home, int(flag["cold_since"])) for home, flag in flags}


def _spell(row: flag_rows.FlagRow) -> tuple[int, int]:
    return row.home_id, to_us(row.cold_since)


def _leave_as_recorded(past: SpanVerdict, on_record: dict[int, bytes | None]) -> NDArray[np.bool_]:
    """Mask the homes whose machine ends a span in the state that is on record."""
    ends = zip(past.homes.tolist(), past.machines, strict=True)
    return np.array([on_record[home] == machine.tobytes() for home, machine in ends], bool)


def keep_machines(
    conn: Connection, history: History, homes: NDArray[np.int32], machines: list[tuple[int, int, bytes]], now: datetime
) -> None:
    """Store the machines as they stood at the end of closed days."""
    today = history.day_of(now - CLOSE_LAG).toordinal()
    kept = [(int(homes[home]), day, machine) for home, day, machine in machines if day < today]
    if kept:
        ids, days, raw = (list(column) for column in zip(*kept, strict=True))
        ledger_rows.put_machines(conn, ids, days, raw)


def _held_rows(homes: NDArray[np.int32], held: Held) -> NDArray[np.void]:
    """Return the judged part of SENSOR_NOW rows from the last reading of each sensor."""
    rows = np.zeros(len(held.home), wire.native(state_rows.SENSOR_NOW))
    rows["sensor_id"], rows["home_id"] = held.lane, homes[held.home]
    rows["milli"], rows["judged_at"], rows["expires_at"] = held.milli, held.start, held.until
    rows["measured_at"] = rows["received_at"] = held.start
    # A sensor that moved from one of these homes to another belongs to the later one.
    rows = rows[np.lexsort((rows["judged_at"], rows["sensor_id"]))]
    return np.asarray(rows[groups.lasts(rows["sensor_id"])])
