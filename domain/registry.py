"""Lines of the registry's CSV files: one value per line, fields in the order of the columns.

Lines refer to each other by code. Instants are aware; None is unbounded, at the start and at the end.
"""

from datetime import date, datetime, time
from decimal import Decimal
from typing import NamedTuple

CLASSES = ("multistorey", "bungalow", "nonresidential")
HEAT_STATUSES = ("on", "stopped")
ROOM_KINDS = ("living", "bedroom", "other")
# Where a home lies in its building: between others, at a gable, under the roof, above the ground, or two of these.
EXPOSURES = ("inner", "gable", "roof", "roof_gable", "ground", "ground_gable")
LOWEST_FLOOR, HIGHEST_FLOOR = -5, 200
# Prefixes of the client ids of Hearth's own sessions. Where the account is the client id, a device with such a name
# would take over the session and the messages queued for it.
SESSIONS = ("hearth-ingest", "hearth-probe", "hearth-check", "hearth-push")


class RegisteredSubstation(NamedTuple):
    """A substation; `station` is the heat station responsible for it. Degrees north and east."""

    code: str
    name: str
    station: str
    lat: float | None
    lon: float | None


class RegisteredBuilding(NamedTuple):
    """A building and the substation that heats it."""

    code: str
    substation: str
    name: str
    address: str
    lat: float | None
    lon: float | None


class RegisteredHome(NamedTuple):
    """A home with one entry of its heat status history; contract limit in °C, its window on the local clock.

    `riser`: as the utility names it within the building; `floor`: counted from the ground floor, 1.
    """

    code: str
    building: str
    unit: str
    home_class: str
    heat_status: str
    status_since: datetime | None
    contract_limit: float | None
    contract_from: time | None
    contract_to: time | None
    riser: str | None = None
    floor: int | None = None
    exposure: str | None = None


class RegisteredSensor(NamedTuple):
    """A sensor at one place, in a home or at a substation, from `valid_from` until before `valid_to`."""

    code: str
    home: str | None
    substation: str | None
    gateway: str | None
    room: str | None
    room_kind: str | None
    interval_s: int
    offset_k: float
    valid_from: datetime | None
    valid_to: datetime | None


class Registry(NamedTuple):
    """The registry, or the part of it that some files name."""

    substations: list[RegisteredSubstation]
    buildings: list[RegisteredBuilding]
    homes: list[RegisteredHome]
    sensors: list[RegisteredSensor]


class Resident(NamedTuple):
    """A tenancy: the company's reference of a resident, from `begins` until before `ends`. Not part of `Registry`.

    Without a reference: no resident of the home is on record.
    """

    home: str
    resident: str | None
    begins: datetime | None
    ends: datetime | None


class HomeFee(NamedTuple):
    """A line of fees.csv: what a home pays for a season, named by its first day. Not part of `Registry`."""

    home: str
    season: date
    area_m2: Decimal
    per_m2: Decimal


class Contact(NamedTuple):
    """A channel to the people of a home, and their consent. Personal data, so not part of `Registry`.

    Without channel and address: the home has no contact.
    """

    home: str
    channel: str | None
    address: str | None
    language: str
    consent: datetime | None
    resident: str | None = None  # its owner; None: the resident at the time of consent
    name: str | None = None  # of the person
