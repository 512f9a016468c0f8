"""A task of many: the homes of a shard judged by the files of an archive, on any machine that reaches its place.

What a task has to know lies in a file, its order, and what it finds goes into files, so that little goes through the
one that hands tasks out. It may be run again, or twice at once: the files of an attempt have names of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from secrets import token_hex
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from alerts.judging import verdict_files
from alerts.judging.briefs import ShardBrief
from alerts.judging.from_archive import NO_ROWS, judge_shard
from alerts.judging.verdict import StartGroup
from alerts.judging.verdict_files import VerdictTarget
from alerts.judging.what_if import WhatIfFigures, figures
from alerts.judging.what_if_terms import WhatIfTerms
from archives import manifest
from archives.columns import JUDGED_ROW
from archives.layout import READINGS
from archives.manifest import ArchiveFile
from archives.place import ArchivePlace
from archives.reading import Shard
from domain import policy_file
from domain.policy import Policy
from domain.refunds import rules_file

ORDER = "order"


class PolicyText(NamedTuple):
    """A policy as it travels."""

    text: str
    zone: str

    @classmethod
    def of(cls, policy: Policy) -> "PolicyText":
        """Return the text of a policy."""
        return cls(policy.text, policy.zone.key)

    def load(self) -> Policy:
        """Return the policy."""
        return policy_file.load(self.text, "policy of the task", self.zone)


class _Packed(msgspec.Struct, array_like=True):
    """The file of a task. Shards have no place: that may hold a key."""

    utility: str
    number: int
    brief: bytes
    more: bytes
    shards: list[tuple[int, tuple[tuple[int, int], ...], tuple[ArchiveFile, ...]]]
    what_if: bytes = b""  # WhatIfTerms; none in orders to judge for good, nor in those of older versions


class ShardOrder(NamedTuple):
    """An order of a task: all that it has to know."""

    utility: str
    number: int  # of the shard
    brief: ShardBrief
    shards: Sequence[Shard]  # all that hold sensors of the homes
    more: NDArray[np.void] = NO_ROWS  # archives.columns.JUDGED_ROW: what is in no file
    what_if: bytes = b""  # WhatIfTerms of the homes

    def to_bytes(self) -> bytes:
        """Return it as it is written."""
        shards = [(shard.number, shard.sensors, shard.files) for shard in self.shards]
        return msgspec.msgpack.encode(
            _Packed(self.utility, self.number, self.brief.to_bytes(), self.more.tobytes(), shards, self.what_if)
        )

    def write(self, place: ArchivePlace) -> ArchiveFile:
        """Write it to a place, where no manifest names it yet."""
        path = f"kind={ORDER}/{self.number:06}-{token_hex(8)}.msgpack"
        with place.writing(manifest.file_name(self.utility, path)) as out:
            out.write(self.to_bytes())
        return verdict_files.named(path, ORDER, self.number, self.brief.homes, out)

    @classmethod
    def from_bytes(cls, data: bytes, readings: ArchivePlace) -> "ShardOrder":
        """Read it; its shards are in the archive at a place."""
        packed = msgspec.msgpack.decode(data, type=_Packed)
        shards = [Shard(readings, packed.utility, READINGS.name, *some) for some in packed.shards]
        brief, more = ShardBrief.from_bytes(packed.brief), np.frombuffer(packed.more, JUDGED_ROW)
        return cls(packed.utility, packed.number, brief, shards, more, packed.what_if)


@dataclass(frozen=True)
class JudgeShards:
    """Judges the homes of orders and writes verdict files; what all tasks of a run share."""

    readings: ArchivePlace
    results: ArchivePlace
    policy: PolicyText
    to_day: date
    now: datetime

    def __call__(self, name: str) -> bytes:
        """Judge the homes of the order of a name; returns the files as JSON."""
        order = ShardOrder.from_bytes(self.results.read(name) or b"", self.readings)
        found = judge_shard(order.brief, order.shards, self.policy.load(), self.to_day, self.now, order.more)
        files = verdict_files.write(VerdictTarget(self.results, order.utility, order.number), list(found))
        return msgspec.json.encode(files)


@dataclass(frozen=True)
class ImagineShards:
    """Judges the homes of orders by two policies, without history, and counts; nothing is written."""

    readings: ArchivePlace
    orders: ArchivePlace
    policies: tuple[PolicyText, PolicyText]  # in force, whose zone is that of all days; and another
    refunds: str | None  # the text of refund rules; None: nothing is counted in money
    span: tuple[date, date]
    now: datetime

    def __call__(self, name: str) -> bytes:
        """Judge the homes of the order of a name; returns the figures by each policy as JSON."""
        order = ShardOrder.from_bytes(self.orders.read(name) or b"", self.readings)
        fresh = (StartGroup(self.span[0], order.brief.homes, {}),)
        brief = ShardBrief(fresh, order.brief.homes, order.brief.terms, order.brief.stays)
        terms = WhatIfTerms.from_bytes(order.what_if, self.policies[0].zone) if order.what_if else WhatIfTerms()
        rules = rules_file.load(self.refunds, "refund rules of the task") if self.refunds else None
        said = []
        for policy in (text.load() for text in self.policies):
            out = WhatIfFigures(visits=terms.visits.tickets, visits_us=terms.visits.us)
            for verdict in judge_shard(brief, order.shards, policy, self.span[1], self.now, order.more):
                out.add(figures(verdict, policy))
                mine = WhatIfTerms(tuple(one.of(verdict.homes) for one in terms.seasons))
                out.add_money(rules, mine, self.span, verdict.days)
            said.append(out)
        return msgspec.json.encode(said)


def files_of(said: bytes) -> list[ArchiveFile]:
    """Return the files that a task tells of."""
    return msgspec.json.decode(said, type=list[ArchiveFile])


def figures_of(said: bytes) -> list[WhatIfFigures]:
    """Return the figures that a task tells of."""
    return msgspec.json.decode(said, type=list[WhatIfFigures])
