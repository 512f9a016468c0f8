"""Preview of an import: its changes by home and sensor, for review before it is written."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, time
from typing import NamedTuple, TypeVar

from domain.registry import RegisteredBuilding, RegisteredHome, RegisteredSensor, RegisteredSubstation
from registry.fields import text
from registry.keeping import held_place, since
from registry.rules import FROM_EVER

Row = TypeVar("Row", RegisteredHome, RegisteredSensor)
Plain = TypeVar("Plain", RegisteredSubstation, RegisteredBuilding)


class ValueChange(NamedTuple):
    """A value of a home or sensor, before and after; None: none."""

    code: str
    field: str
    before: str | None
    after: str | None


class Losses(NamedTuple):
    """Number of homes and sensors with changes that are often mistakes."""

    contracts_lost: int  # homes that would lose their contract limit
    not_judged: int  # homes that would no longer be judged: heat stopped, or no limit
    sensors_moved: int  # to another home or substation
    sensors_ended: int  # that would be nowhere any more


def losses(changes: Collection[ValueChange]) -> Losses:
    """Count the changes an operator should double-check."""
    return Losses(
        contracts_lost=sum(c.field == "contract" and c.after is None for c in changes),
        not_judged=sum(c.field == "judged" and c.after == "no" for c in changes),
        sensors_moved=sum(c.field == "place" for c in changes),
        sensors_ended=sum(c.field == "stays" and c.after == "no" for c in changes),
    )


def home_changes(
    known: Iterable[RegisteredHome], new: Iterable[RegisteredHome], limited: Collection[str]
) -> Iterator[ValueChange]:
    """Compare known homes with their values after a file's lines.

    Args:
        limited: the home classes that have a limit without a contract.
    """
    after = _by_code(new)
    for code, old in _by_code(known).items():
        history = {
            home.status_since: home for home in [*old, *after[code]]
        }  # a line replaces the entry of the same instant
        yield from _differences(code, _terms(old, limited), _terms([*history.values()], limited, after[code][0]))


def home_lines(known: Iterable[RegisteredHome], new: Iterable[RegisteredHome]) -> list[RegisteredHome]:
    """Return the lines of homes after a file: its facts for the whole history, which its lines add to."""
    before = _by_code(known)
    return [line for code, lines in _by_code(new).items() for line in _after(before.get(code, []), lines)]


def _after(old: Sequence[RegisteredHome], new: Sequence[RegisteredHome]) -> Iterable[RegisteredHome]:
    facts = new[0]
    kept = [facts._replace(heat_status=one.heat_status, status_since=one.status_since) for one in old]
    return {home.status_since: home for home in [*kept, *new]}.values()


def plain_changes(known: Iterable[Plain], new: Iterable[Plain]) -> Iterator[ValueChange]:
    """Compare known substations or buildings, which have one line each."""
    after = {row.code: row for row in new}
    for old in known:
        for field, before, now in zip(old._fields, old, after[old.code], strict=True):
            if before != now:
                yield ValueChange(old.code, field, text(before) or None, text(now) or None)


def _terms(
    history: Sequence[RegisteredHome], limited: Collection[str], terms: RegisteredHome | None = None
) -> dict[str, str | None]:
    home = terms or history[0]
    last = max(history, key=since)
    has_limit = home.home_class in limited or home.contract_limit is not None
    return {
        "building": home.building,
        "unit": home.unit,
        "class": home.home_class,
        "contract": _contract(home),
        "heat": f"{last.heat_status}{_since(last.status_since)}",
        "riser": home.riser,
        "floor": None if home.floor is None else str(home.floor),
        "exposure": home.exposure,
        "judged": "yes" if has_limit and last.heat_status == "on" else "no",
    }


def _contract(home: RegisteredHome) -> str | None:
    if home.contract_limit is None:
        return None
    window = f" {_clock(home.contract_from)}-{_clock(home.contract_to)}" if home.contract_from is not None else ""
    return f"{home.contract_limit:g} °C{window}"


def sensor_changes(
    known: Iterable[RegisteredSensor], new: Iterable[RegisteredSensor], now: datetime
) -> Iterator[ValueChange]:
    """Compare the present placement of sensors with the new one."""
    after = _by_code(new)
    for code, old in _by_code(known).items():
        yield from _differences(code, _place(old, now), _place(after[code], now))


def _place(places: Sequence[RegisteredSensor], now: datetime) -> dict[str, str | None]:
    sensor = held_place(places, now)
    return {
        "place": sensor.home or sensor.substation,
        "room": f"{sensor.room} ({sensor.room_kind})" if sensor.room else None,
        "gateway": sensor.gateway,
        "interval": f"{sensor.interval_s} s",
        "offset": f"{sensor.offset_k:g} K",
        "from": _since(sensor.valid_from).strip() or None,
        "to": _since(sensor.valid_to).strip() or None,
        "stays": "yes" if any(place.valid_to is None for place in places) else "no",
    }


def _differences(code: str, before: dict[str, str | None], after: dict[str, str | None]) -> Iterator[ValueChange]:
    for field, value in before.items():
        if after[field] != value:
            yield ValueChange(code, field, value, after[field])


def _by_code(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.code].append(row)
    return found


def _since(instant: datetime | None) -> str:
    return "" if instant in (None, FROM_EVER) else f" {instant:%Y-%m-%d %H:%M}Z"


def _clock(at: time | None) -> str:
    return f"{at:%H:%M}" if at else ""
