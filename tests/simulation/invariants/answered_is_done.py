"""A move or a call that was answered is on record; one that was made again under its key is there once."""

from tests.simulation.desk import NEXT
from tests.simulation.world import World

SELECT = """
SELECT t.number, e.kind, count(*) FROM ticket_event AS e JOIN ticket AS t USING (ticket_id)
WHERE e.actor LIKE 'token%%' GROUP BY 1, 2
"""
CALLS = "SELECT description, count(*) FROM ticket WHERE description LIKE 'key %%' GROUP BY 1"
MADE = {said["kind"] for moves in NEXT.values() for said in moves}


def found(world: World) -> list[str]:
    """Return the moves that are missing or there too often."""
    made = world.stage.admin.execute(SELECT).fetchall()
    there = {(number, kind): count for number, kind, count in made}
    answered = world.desk.answered()
    asked = world.desk.asked
    missing = [f"{key}: {n} answered, {there.get(key, 0)} on record" for key, n in answered.items()
               if there.get(key, 0) < n]  # fmt: skip
    calls: dict[str, int] = dict(world.stage.admin.execute(CALLS).fetchall())
    missing += [f"{key}: taken down, and not on record" for key in world.desk.taken if key not in calls]
    missing += [f"{key}: {count} tickets of one call" for key, count in calls.items() if count > 1]
    return missing + [
        f"{key}: asked {asked[key]} times, {n} on record"
        for key, n in there.items()
        if key[1] in MADE and n > asked[key]
    ]
