"""The likely cause of a cold home or an incident, told from what was measured there, beside it and at its station."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel

from api.homes.home_places import places_of
from api.http.session import Session
from api.http.values import Instant
from domain.words.text import Text
from insight.cause import MOST_NAMED, ColdCause, ColdEvidence, HeatRecord, explain, together
from insight.rates import Floats
from insight.words.cause import cause_text, joint_text
from store.figures import cause_rows, heat_record_rows
from store.figures.heat_record_rows import HeatSpan
from store.network import incident_pages
from store.sensors import estimate_rows
from store.sensors.estimate_rows import PlacedHome

STEP, STEPS = timedelta(minutes=10), 288
STILL = 6  # steps that the last value is taken for what is now
MOST_BESIDE, MOST_OTHERS = 150, 60  # homes of the building, and of other buildings of the substation
MOST_EXPLAINED = 12  # homes of an incident
KEPT = ("sure", "fell_k", "since_h", "supply_lost")  # of the evidence, with the cause that is found


class HomeCause(BaseModel):
    """The likely cause of a cold home with its evidence; `sure` from 0 to 1. It is no finding: that is the crew's.

    `fell`: kelvin below its usual temperature. `beside` homes were measured around it, `beside_fell` of them fell, too,
    and `homes` names some of those.
    """

    home: str
    at: Instant
    cause: ColdCause
    sure: float
    fell: float
    beside: int
    beside_fell: int
    homes: Sequence[str]
    zh: str
    en: str


class IncidentCause(BaseModel):
    """The likely cause of an open incident with its evidence; `sure` from 0 to 1. It is no finding: that is the crew's.

    `homes` of the `looked_at` cold homes have this cause; at most a dozen are looked at, spread over the incident.
    `cause` null: none of its cold homes is measured now, or it is over, and nothing can be said.
    """

    incident: str
    at: Instant
    cause: ColdCause | None
    sure: float
    homes: int
    looked_at: int
    zh: str | None
    en: str | None


class _Explained(NamedTuple):
    """Evidence of a cold home, with the codes of the homes that it names."""

    home: str
    evidence: ColdEvidence
    named: list[str]


def likely_cause(asking: Session, code: str, at: datetime) -> HomeCause | None:
    """Tell the likely cause of a home's cold at an instant; None: it was not measured then, or cannot be reached."""
    found = _explained(asking, [code], at)
    if not found:
        return None
    _, evidence, homes = found[0]
    said: Text = cause_text(evidence, homes)
    return HomeCause(
        home=code,
        at=at,
        cause=evidence.cause,
        sure=evidence.sure,
        fell=round(evidence.fell_k, 1),
        beside=evidence.beside,
        beside_fell=evidence.beside_fell,
        homes=homes,
        zh=said.zh,
        en=said.en,
    )


def likely_incident(asking: Session, number: str) -> IncidentCause:
    """Tell the likely cause of an open incident from some of its cold homes, if they are measured now."""
    cold = incident_pages.some_cold(asking.conn, asking.scope, number, MOST_EXPLAINED)
    found = _explained(asking, cold, asking.now)
    if not found:
        return IncidentCause(incident=number, at=asking.now, cause=None, sure=0, homes=0, looked_at=0, zh=None, en=None)
    joint = together([one.evidence for one in found])
    said = joint_text(joint, [found[nth].home for nth in joint.homes[:MOST_NAMED]])
    return IncidentCause(
        incident=number,
        at=asking.now,
        cause=joint.cause,
        sure=round(joint.sure, 2),
        homes=len(joint.homes),
        looked_at=joint.of,
        zh=said.zh,
        en=said.en,
    )


def _explained(asking: Session, codes: Collection[str], at: datetime) -> list[_Explained]:
    """Explain the cold of homes of one substation; those that were not measured then are left out."""
    near = _near(estimate_rows.around(asking.conn, codes, MOST_OTHERS, at), codes)
    if not near:
        return []
    read = heat_record_rows.record(asking.conn, [home.home_id for home in near], HeatSpan(at, STEP, STEPS))
    celsius = _until_now(read.celsius)
    supply, outdoor = (_until_now(column[:, None]) for column in (read.supply, read.outdoor))
    cold = [nth for nth, home in enumerate(near) if home.home in codes and not np.isnan(celsius[-1, nth])]
    recording = HeatRecord(celsius, supply, outdoor, STEP.total_seconds() / 3600)
    some = explain(places_of(near), recording, np.array(cold, np.int64))
    return [
        _Explained(near[nth].home, one, [near[named].home for named in one.homes])
        for nth, one in zip(cold, some, strict=True)
    ]


def _near(found: Sequence[PlacedHome], codes: Collection[str]) -> list[PlacedHome]:
    """Return the homes themselves, measured ones of their buildings, spread over all, and those of other buildings."""
    own = [home for home in found if home.home in codes]
    buildings = {home.building for home in own}
    beside = [home for home in found if home.building in buildings and home.home not in codes]
    others = [home for home in found if own and home.building not in buildings]
    return [*own, *_spread(beside, MOST_BESIDE), *others]


def _spread(homes: list[PlacedHome], most: int) -> list[PlacedHome]:
    return homes[:: max(1, -(-len(homes) // most))]


def _until_now(columns: Floats) -> Floats:
    """Return columns whose last row is the last value of the last steps."""
    last = columns[-STILL:]
    at = np.where(np.isnan(last), -1, np.arange(len(last))[:, None]).max(0)
    now = np.where(at < 0, np.nan, last[np.maximum(at, 0), np.arange(columns.shape[1])])
    return np.vstack([columns[:-1], now])


def likely_of(asking: Session, ticket: int) -> dict[str, Any]:
    """Return what is kept with the cause found: the likely one as the ticket was opened, and its evidence."""
    cold = cause_rows.cold_home(asking.conn, ticket)
    if cold is None:
        return {}
    code, at = cold
    found = _explained(asking, [code], at)
    if not found:
        return {}
    evidence = found[0].evidence
    numbers = {name: round(float(getattr(evidence, name)), 2) for name in KEPT}
    outdoor = None if np.isnan(evidence.outdoor) else round(evidence.outdoor, 1)
    counts = {"beside": evidence.beside, "beside_fell": evidence.beside_fell}
    return {"likely": evidence.cause.value, "evidence": {**numbers, **counts, "outdoor": outdoor}}
