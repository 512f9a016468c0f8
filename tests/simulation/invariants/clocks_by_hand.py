"""The clocks of a ticket run out when the rules say, counted from its opening, and are broken then and only then."""

from datetime import timedelta

from tests.simulation.timeline import SECOND
from tests.simulation.world import World

FROM_OPENING = {"station_reply": 60, "contact": 30, "on_site": 120, "done": 1440}  # minutes, by chapter 9
SELECT = """
SELECT t.number, c.name, c.started_at, c.due_at, c.met_at, c.breached_at
FROM clock AS c JOIN ticket AS t USING (ticket_id)
WHERE t.class = 'cold' AND c.round = 1 AND c.void_at IS NULL AND c.started_at IS NOT NULL ORDER BY 1, 2
"""


def found(world: World) -> list[str]:
    """Return the clocks that run otherwise."""
    wrong = []
    for number, name, started, due, met, breached in world.stage.admin.execute(SELECT).fetchall():
        if name in FROM_OPENING and due != started + timedelta(minutes=FROM_OPENING[name]):
            wrong.append(f"{number} {name}: from {started} to {due}")
        is_late = met is not None and met > due
        if (is_late and breached != due) or (breached is not None and met is not None and not is_late):
            wrong.append(f"{number} {name}: due {due}, met {met}, broken {breached}")
        if breached is not None and breached.timestamp() * SECOND > world.timeline.now_us:
            wrong.append(f"{number} {name}: broken, and due only at {due}")
    return wrong
