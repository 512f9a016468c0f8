"""Rates of a span of months: the parts and the wholes of its months, added up."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from domain.kpi import MonthKpi, share

ORDER = {table: nth for nth, table in enumerate(("heat", "clocks", "cases", "desk", "applications", "peers"))}


class RateKey(NamedTuple):
    """The key of a rate: station (None: the company), table of its figures, class, kind or peer, and its name."""

    station: str | None
    table: str
    subject: str
    name: str


@dataclass(frozen=True, kw_only=True)
class SpanRate:
    """A rate of a span; `part` and `whole` are those of its months together, times in seconds."""

    key: RateKey
    part: float
    whole: float

    @property
    def rate(self) -> float | None:
        """The share from 0 to 1; None: there is nothing to take a share of."""
        return share(self.part, self.whole)


Parts = tuple[RateKey, float, float]


def span_rates(
    months: Iterable[MonthKpi], applications: Iterable[Mapping[str, Any]], peers: Iterable[Mapping[str, Any]]
) -> list[SpanRate]:
    """Add the parts and wholes of months up, in the order in which they first appear.

    Rates by homes are not among them: the homes that were warm in each of three months are not those of any sum.

    Args:
        months: figures of months, of the company and of stations.
        applications: counts of months by `kind`.
        peers: counts of months by `peer`.
    """
    sums: dict[RateKey, tuple[float, float]] = {}
    for key, part, whole in (*_of_months(months), *_of_applications(applications), *_of_peers(peers)):
        before = sums.get(key, (0, 0))
        sums[key] = (before[0] + part, before[1] + whole)
    found = [SpanRate(key=key, part=part, whole=whole) for key, (part, whole) in sums.items()]
    return sorted(found, key=lambda one: (one.key.station is not None, one.key.station or "", ORDER[one.key.table]))


def _of_months(months: Iterable[MonthKpi]) -> Iterator[Parts]:
    for one in months:
        of, heat, desk = one.station, one.heat, one.desk
        yield RateKey(of, "heat", "", "rate_by_time"), heat.compliant_s, heat.known_s
        yield RateKey(of, "heat", "", "coverage"), heat.known_s, heat.known_s + heat.unknown_s
        for clock in one.clocks:
            yield RateKey(of, "clocks", clock.ticket_class, clock.name), clock.in_time, clock.due
        for case in one.cases:
            answered = case.answered_in_time + case.answered_late + case.overdue
            yield RateKey(of, "cases", case.ticket_class, "closure"), case.closed, case.received
            yield RateKey(of, "cases", case.ticket_class, "closure_in_time"), case.closed_in_time, case.received
            yield RateKey(of, "cases", case.ticket_class, "answered"), case.answered_in_time, answered
        yield RateKey(of, "desk", "", "satisfaction"), desk.satisfied, desk.asked
        yield RateKey(of, "desk", "", "recovery"), desk.recovered, desk.flags


def _of_applications(rows: Iterable[Mapping[str, Any]]) -> Iterator[Parts]:
    for row in rows:
        in_time, warm = row["answered_in_time"], row["warm_in_time"]
        answered = in_time + row["answered_late"] + row["overdue"]
        yield RateKey(row["station"], "applications", row["kind"], "answered"), in_time, answered
        yield RateKey(row["station"], "applications", row["kind"], "warm"), warm, warm + row["warm_late"]


def _of_peers(rows: Iterable[Mapping[str, Any]]) -> Iterator[Parts]:
    for row in rows:
        for name in ("response", "solution"):
            yield RateKey(None, "peers", row["peer"], name), row[f"{name}_met"], row[f"{name}_due"]
        yield RateKey(None, "peers", row["peer"], "satisfaction"), row["satisfied"], row["rated"]
