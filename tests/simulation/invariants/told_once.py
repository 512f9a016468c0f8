"""Each message that is on record as sent was taken by its channel, and again only where nobody could know."""

from collections import Counter

from tests.simulation.world import World

SELECT = "SELECT key::text, attempts FROM message WHERE state = 'sent'"
OPENED = """
SELECT t.number FROM ticket AS t
WHERE t.class = 'cold' AND NOT t.retrospective
  AND NOT EXISTS (SELECT FROM outbox AS o WHERE o.ticket_id = t.ticket_id AND o.kind = 'ticket_opened')
"""


def found(world: World) -> list[str]:
    """Return the messages that nobody has, or somebody too often, and tickets that nobody was told of."""
    taken = Counter(world.door.taken)
    sent = world.stage.admin.execute(SELECT).fetchall()
    untold = [f"{number}: not put into the outbox" for (number,) in world.stage.admin.execute(OPENED).fetchall()]
    unheard = [f"{key}: sent, not taken" for key, _ in sent if not taken[key]]
    often = [f"{key}: taken {taken[key]} times in {n} attempts" for key, n in sent if taken[key] > n]
    return untold + unheard + often
