"""Plans of the server for the statements of a transaction."""

from psycopg import Connection

SET_KEPT = "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)"


def keep_plans(conn: Connection) -> None:
    """Let the rest of a transaction use the plans that the server keeps for prepared statements.

    It plans a statement again each time that it takes a plan for these very parameters for cheaper, and planning takes
    several times as long as looking one thing up. Not for statements whose filters may be left out: there the plan for
    these parameters is the better one.
    """
    conn.execute(SET_KEPT)
