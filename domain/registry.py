"""Nouns of the registry, as its CSV files tell them: one value is one line, fields in the order of the columns.

Other lines are named by their code. Instants are aware; None at the start is "from ever", at the end "for good".
"""

from datetime import datetime, time
from typing import NamedTuple

CLASSES = ("multistorey", "bungalow", "nonresidential")
HEAT_STATUSES = ("on", "stopped")
ROOM_KINDS = ("living", "bedroom", "other")
# Client ids of Hearth's own sessions at the broker begin so. Where an account is its client id, a device of such a name
# would take a session over, and with it what waits there.
SESSIONS = ("hearth-ingest", "hearth-probe", "hearth-check")


class RegisteredSubstation(NamedTuple):
    """A substation; `station` is the heat station whose crew answers for it. Degrees north and east."""

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
    """A home with one entry of its heat status history; contract limit in °C, its window on the local clock."""

    code: str
    building: str
    unit: str
    home_class: str
    heat_status: str
    status_since: datetime | None
    contract_limit: float | None
    contract_from: time | None
    contract_to: time | None


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
    """Who lives in a home, by the company's reference, from `begins` until before `ends`. No part of `Registry`.

    Without a reference: nobody on record ever lived in the home.
    """

    home: str
    resident: str | None
    begins: datetime | None
    ends: datetime | None


class Contact(NamedTuple):
    """How the people of a home can be told, and when they agreed to it. Personal data, so no part of `Registry`.

    Without channel and address: the home has no contact.
    """

    home: str
    channel: str | None
    address: str | None
    language: str
    consent: datetime | None
    resident: str | None = None  # whose it is; None: of who lived there at the consent
