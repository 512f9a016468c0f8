"""Briefs of homes: all that judging needs beside readings, as a value that travels to any process on any machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from alerts.engine.schedule import Terms
from alerts.judging.verdict import StartGroup
from store.base import wire
from store.readings import stays

STAY = wire.native(stays.STAY)


class _Packed(msgspec.Struct, array_like=True):
    """A brief as it travels: arrays as little-endian bytes, terms that are equal once."""

    homes: bytes
    terms: bytes  # of each home, the number of its terms
    kinds: list[Terms]
    stays: bytes
    groups: list[tuple[date, bytes, dict[int, bytes | None]]]


@dataclass(frozen=True)
class ShardBrief:
    """Homes to be judged: where they stand when judging begins, their sensors' stays, and the terms of each."""

    groups: tuple[StartGroup, ...]  # each home is in one
    homes: NDArray[np.int32]  # home_id, rising; those of all groups
    terms: tuple[Terms, ...]  # of each home
    stays: NDArray[np.void]  # store.stays.STAY by sensor and time: all stays of sensors in the homes

    def of(self, homes: NDArray[np.int32]) -> "ShardBrief":
        """Return the brief of some of the homes (rising)."""
        at = np.searchsorted(self.homes, homes)
        groups = (_some(group, homes) for group in self.groups)
        return ShardBrief(
            tuple(group for group in groups if len(group.homes)),
            homes,
            tuple(self.terms[nth] for nth in at.tolist()),
            self.stays[np.isin(self.stays["home_id"], homes)],
        )

    def to_bytes(self) -> bytes:
        """Return the brief as bytes."""
        number: dict[Terms, int] = {}
        terms = [number.setdefault(one, len(number)) for one in self.terms]
        groups = [(group.first_day, _raw(group.homes, "<i4"), group.known) for group in self.groups]
        return msgspec.msgpack.encode(
            _Packed(
                _raw(self.homes, "<i4"),
                np.array(terms, "<i4").tobytes(),
                list(number),
                _raw(self.stays, STAY.newbyteorder("<")),
                groups,
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "ShardBrief":
        """Read a brief.

        Raises:
            ValueError: it is none.
        """
        packed = msgspec.msgpack.decode(data, type=_Packed)
        groups = (StartGroup(day, _ids(homes), known) for day, homes, known in packed.groups)
        told = np.frombuffer(packed.stays, STAY.newbyteorder("<")).astype(STAY)
        terms = (packed.kinds[nth] for nth in _ids(packed.terms).tolist())
        return cls(tuple(groups), _ids(packed.homes), tuple(terms), told)


def brief_of(groups: Sequence[StartGroup], terms: Sequence[Terms], told: NDArray[np.void]) -> ShardBrief:
    """Return the brief of the homes of groups.

    Args:
        terms: of each home, by rising home_id.
        told: the stays of sensors in the homes.
    """
    homes = np.sort(np.concatenate([np.empty(0, np.int32), *(group.homes for group in groups)]))
    return ShardBrief(tuple(groups), homes, tuple(terms), told)


def _some(group: StartGroup, homes: NDArray[np.int32]) -> StartGroup:
    mine = group.homes[np.isin(group.homes, homes)]
    return StartGroup(group.first_day, mine, {home: group.known[home] for home in mine.tolist() if home in group.known})


def _raw(values: NDArray[Any], dtype: Any) -> bytes:
    return values.astype(dtype).tobytes()


def _ids(data: bytes) -> NDArray[np.int32]:
    return np.frombuffer(data, "<i4").astype(np.int32)
