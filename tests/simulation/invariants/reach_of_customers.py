"""Through row-level security a customer sees nothing of another home."""

import psycopg

from store.base import access
from tests.simulation.world import World

SELECTS = (
    "SELECT count(*) FROM home WHERE code <> 'H0'",
    "SELECT count(*) FROM flag AS f WHERE f.home_id <> (SELECT home_id FROM home WHERE code = 'H0')",
    "SELECT count(*) FROM ticket AS t WHERE t.home_id IS DISTINCT FROM (SELECT home_id FROM home WHERE code = 'H0')",
    "SELECT count(*) FROM ledger AS l WHERE l.home_id <> (SELECT home_id FROM home WHERE code = 'H0')",
)


def found(world: World) -> list[str]:
    """Return what a customer sees of others."""
    backend = world.stage.pool.lend(world.stage.url_as("api"))
    try:
        with backend.raw.transaction():
            access.enter_by(backend.raw, world.stage.tokens["customer"], world.checked_at)
            seen = [(text, (backend.raw.execute(text.encode()).fetchone() or (0,))[0]) for text in SELECTS]
    except psycopg.Error as error:
        return [str(error)]
    finally:
        world.stage.pool.take_back(backend)
    return [f"{count} rows by {text}" for text, count in seen if count]
