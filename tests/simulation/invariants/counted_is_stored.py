"""The count of stored readings is that of the table, and nothing was refused but by the seed.

A message that the seed refuses twice, the second time alone, is a dead letter, as it should be.
"""

from tests.simulation.faults import Fault
from tests.simulation.world import World

SELECT = """
SELECT (SELECT coalesce(sum(stored), 0)::bigint FROM ingest_worker), (SELECT count(*) FROM reading),
  (SELECT count(*) FROM dead_letter)
"""


def found(world: World) -> list[str]:
    """Return where the counts and the table part."""
    counted, there, dead = world.stage.admin.execute(SELECT).fetchone() or (0, 0, 0)
    most = max(world.met[Fault.REFUSED.value] - 1, 0)
    return ([f"{counted} counted, {there} stored"] if counted != there else []) + (
        [f"{dead} refused"] if dead > most else []
    )
