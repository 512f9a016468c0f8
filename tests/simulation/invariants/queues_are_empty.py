"""Nothing waits any more at the stated time after the last fault: at the broker, to be judged, or to be told."""

from datetime import UTC, datetime

from tests.simulation.timeline import SECOND
from tests.simulation.world import World

SELECT = """
SELECT
  (SELECT count(*) FROM rejudge) AS rejudge,
  (SELECT count(*) FROM home_state WHERE check_at < %(then)s) AS overdue,
  (SELECT count(*) FROM outbox WHERE fate IS NULL AND at < %(before)s) AS outbox,
  (SELECT count(*) FROM message WHERE state NOT IN ('sent', 'failed') AND created_at < %(before)s) AS messages,
  (SELECT count(*) FROM clock WHERE next_at < %(then)s) AS clocks,
  (SELECT count(*) FROM ingest_deferred) AS deferred
"""
GRACE_US = 600 * SECOND


def found(world: World) -> list[str]:
    """Return the queues in which something waits."""
    last_us = world.plan.day.beats_us[-1]
    then, before = (datetime.fromtimestamp(us / SECOND, UTC) for us in (last_us, last_us - GRACE_US))
    cursor = world.stage.admin.execute(SELECT, {"then": then, "before": before})
    names = [column.name for column in cursor.description or ()]
    waiting = dict(zip(names, cursor.fetchone() or (), strict=True)) | {"broker": world.broker.depth()}
    if "notify-1" not in world.plan.processes:
        del waiting["outbox"], waiting["messages"]
    return [f"{count} in {name}" for name, count in waiting.items() if count]
