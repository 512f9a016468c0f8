"""A substation of the simulated town fails and is repaired: one incident, one dispatch, and each home its own case."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from psycopg import Connection

from alerts.judging.by_clock import tick
from alerts.network import incidents, substations
from domain import policy_file
from domain.policy import Policy
from domain.substation import SubstationLimits
from ingest.batch import store_batch
from ingest.message import Message
from registry.importing import import_folder
from sim import town as towns
from sim.faults import FAULT, FaultKind, Faults
from sim.layout import Layout
from sim.radio import Radio
from sim.registry import write_registry
from sim.thermal import Floats
from sim.town import Town
from tests.conftest import FLAVOURS, Database
from tests.store.desk import MID, ZONE, Desk
from tests.store.incident_rules import SWALLOWED

HOMES = 1_000
FAILS = 4  # position of the substation
BREAKS = datetime(2026, 1, 14, 9, 0, tzinfo=ZONE)
REPAIRED = BREAKS + timedelta(hours=4)
END = datetime(2026, 1, 14, 20, 0, tzinfo=ZONE)
LIMITS = SubstationLimits(
    supply_low_celsius=40,
    supply_pressure_low_mpa=0.2,
    supply_pressure_high_mpa=0.9,
    return_pressure_low_mpa=0.1,
    for_s=1200,
)
WHERE = (
    "FROM home AS h JOIN building AS b USING (building_id) JOIN substation AS u USING (substation_id) "
    "WHERE u.code = 'S05' AND EXISTS (SELECT FROM flag AS f WHERE f.home_id = h.home_id)"
)


class OneFault:
    """A calendar in which one substation fails, and three homes elsewhere have a leaking window all day."""

    def __init__(self, town: Town) -> None:
        plan = town.layout
        far = [
            i
            for i, home in enumerate(plan.homes)
            if plan.buildings[home.building].substation not in (FAILS, FAILS + 1)
            and home.home_class == "multistorey"
            and not home.stopped
        ]
        self.windows = np.zeros(3, FAULT)
        self.windows["kind"], self.windows["target"] = FaultKind.WINDOW, far[:: len(far) // 3][:3]
        self.windows["strength"] = 400
        self.substation = np.zeros(1, FAULT)
        self.substation["target"], self.substation["strength"] = FAILS, 0.8
        self.cold = [plan.homes[i].code for i in self.windows["target"]]

    def active(self, at_us: int) -> Mapping[FaultKind, Faults]:
        at = datetime.fromtimestamp(at_us / 1e6, UTC)
        now = {kind: np.zeros(0, FAULT) for kind in FaultKind} | {FaultKind.WINDOW: self.windows}
        return now | ({FaultKind.SUBSTATION: self.substation} if BREAKS <= at < REPAIRED else {})


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Town:
    """A town whose homes are all comfortable by themselves."""
    traits = towns._home_traits

    def comfortable(seed: int, plan: Layout) -> tuple[Floats, Floats]:
        targets, size = traits(seed, plan)
        stopped = [home.stopped for home in plan.homes]
        return np.where(stopped, targets, np.maximum(targets, 20.5)), size

    monkeypatch.setattr(towns, "_home_traits", comfortable)
    epoch_us = int((BREAKS - timedelta(hours=14)).timestamp()) * 1_000_000
    made = Town(7, HOMES, 600, epoch_us=epoch_us)
    made.calendar = OneFault(made)  # type: ignore[assignment]
    made.advance_to(int((BREAKS - timedelta(hours=2)).timestamp()) * 1_000_000)
    return made


@pytest.fixture
def desk(database: Database, town: Town, tmp_path: Path) -> Iterator[Desk]:
    write_registry(town, tmp_path)
    with database.connect(autocommit=True) as conn:
        with conn.transaction():
            import_folder(conn, tmp_path, ZONE, BREAKS)
        yield Desk(conn)


def rules(limits: SubstationLimits | None) -> Policy:
    seed = policy_file.builtin("seed")
    return replace(seed, versions=(replace(seed.versions[0], substation=limits),))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flavour", "limits"),
    [(FLAVOURS[0], LIMITS), (FLAVOURS[1], None)],
    ids=["with an alarm-plain", "by its homes alone-timescale"],
)
def test_a_substation_fails_and_is_mended(desk: Desk, town: Town, limits: SubstationLimits | None) -> None:
    chosen, radio = rules(limits), Radio(town)
    most = 0
    while town.at_us < END.timestamp() * 1e6:
        due = radio.step()
        now = datetime.fromtimestamp(town.at_us / 1e6, UTC)
        messages = [Message(m.topic, m.payload.encode(), m.due_us, next(MID), 1, 1, False) for m in due]
        store_batch(desk.conn, desk.intake, messages, now)
        work(desk.conn, desk, chosen, now)
        assert desk.rows(SWALLOWED) == []
        most = max(most, *(row["still_cold"] for row in desk.rows("SELECT still_cold FROM incident_open")), 0)
    assert most > 80  # of the 120 behind it
    # Where homes tell of it one by one, a riser or two may come before the rest: they become part of the one incident.
    ended = [row["close_reason"] for row in desk.rows("SELECT close_reason FROM incident")]
    assert ended.count("recovered") == 1
    narrower = ended.count("merged")
    assert len(ended) == 1 + narrower
    assert narrower <= (0 if limits else 2)
    assert len(desk.rows("SELECT FROM outbox WHERE kind = 'incident_opened'")) == 1 + narrower
    assert desk.rows("SELECT kind FROM outbox WHERE kind = 'home_stayed_cold'") == []
    cold = {row["code"] for row in desk.rows(f"SELECT h.code {WHERE}")}
    parts = desk.rows(
        "SELECT h.code, t.ticket_id, f.cleared_at, f.clear_reason FROM incident AS i "
        "JOIN incident_ticket AS k ON k.incident_id = i.incident_id AND i.close_reason = 'recovered' "
        "JOIN ticket AS t ON t.ticket_id = k.ticket_id JOIN home AS h USING (home_id) "
        "JOIN flag AS f ON f.ticket_id = t.ticket_id"
    )
    assert {row["code"] for row in parts} == cold
    assert len({row["ticket_id"] for row in parts}) == len(cold)
    assert {row["clear_reason"] for row in parts} == {"recovered"}
    assert len({row["cleared_at"] for row in parts}) > len(cold) / 2  # each when it was warm itself
    outside = desk.rows("SELECT home, state FROM flag_open ORDER BY home")
    assert sorted(town.calendar.cold) == [row["home"] for row in outside]  # type: ignore[attr-defined]
    assert (
        desk.rows("SELECT FROM incident_ticket AS k JOIN flag AS f USING (ticket_id) WHERE f.cleared_at IS NULL") == []
    )


def work(conn: Connection, desk: Desk, chosen: Policy, now: datetime) -> None:
    """Run the rounds of watch."""
    while tick(conn, desk.judge, now):
        pass
    substations.look(conn, chosen, now)
    while incidents.look(conn, chosen, now):
        pass
