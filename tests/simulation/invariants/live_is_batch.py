"""Judging the whole day again from what is stored changes nothing."""

from datetime import datetime

from psycopg import Rollback

from alerts.judging.history import History
from alerts.judging.rejudge import judge_again
from store.base.stage import open_stages
from tests.simulation.timeline import SECOND
from tests.simulation.world import World


def found(world: World) -> list[str]:
    """Return what judging again would change."""
    conn, day = world.stage.admin, world.plan.day
    first = datetime.fromtimestamp(day.begin_us / SECOND, day.zone).date()
    open_stages(conn)
    with conn.transaction():
        again = judge_again(conn, History(day.policy), world.stage.homes, first, world.checked_at)
        raise Rollback
    counts = {"raised": again.raised, "withdrawn": again.withdrawn, "corrected": again.corrected}
    return [f"{count} {name}" for name, count in counts.items() if count]
