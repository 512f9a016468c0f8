"""The clocks of a ticket run out when the rules say, counted from its opening, and are broken then and only then."""

from datetime import datetime, timedelta
from typing import NamedTuple

from tests.simulation.faults import Fault
from tests.simulation.timeline import SECOND
from tests.simulation.world import World

FROM_OPENING = {"station_reply": 60, "contact": 30, "on_site": 120, "done": 1440}  # minutes, by chapter 9
SELECT = """
SELECT t.number, c.name, c.started_at, c.due_at, c.met_at, c.breached_at
FROM clock AS c JOIN ticket AS t USING (ticket_id)
WHERE t.class = 'cold' AND c.round = 1 AND c.void_at IS NULL AND c.started_at IS NOT NULL ORDER BY 1, 2
"""


class Clock(NamedTuple):
    """A clock on record."""

    number: str
    name: str
    started: datetime
    due: datetime
    met: datetime | None
    breached: datetime | None

    def runs_wrong(self, apart: bool) -> bool:
        """Return whether it is broken and should not be, or the other way round; `apart`: clocks of processes differ.

        Who meets a clock that is broken, by a clock of their own that is behind, meets it when it broke.
        """
        if self.met is None:
            return False
        if self.met > self.due:
            return self.breached != self.due
        return self.breached is not None and not (apart and self.met == self.breached)


def found(world: World) -> list[str]:
    """Return the clocks that run otherwise."""
    wrong, apart = [], bool(world.plan.skews or world.met[Fault.CLOCK.value])
    for row in world.stage.admin.execute(SELECT).fetchall():
        clock = Clock(*row)
        what = f"{clock.number} {clock.name}"
        if clock.name in FROM_OPENING and clock.due != clock.started + timedelta(minutes=FROM_OPENING[clock.name]):
            wrong.append(f"{what}: from {clock.started} to {clock.due}")
        if clock.runs_wrong(apart):
            wrong.append(f"{what}: due {clock.due}, met {clock.met}, broken {clock.breached}")
        if clock.breached is not None and clock.breached.timestamp() * SECOND > world.timeline.now_us:
            wrong.append(f"{what}: broken, and due only at {clock.due}")
    return wrong
