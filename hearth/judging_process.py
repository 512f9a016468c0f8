"""Values that a process of judging opens once, for all that it is given to judge."""

from functools import cache

from psycopg import Connection

from alerts.judging.from_archive import AT_ONCE
from alerts.judging.history import History
from hearth.on_record import history_of
from hearth.settings import Settings
from hearth.wiring import chosen_policy, connector
from store.base.stage import open_stages


@cache
def history_by(settings: Settings) -> History:
    """Return what judges stored readings by the policy of settings, a batch in one stretch.

    Groups of rows in files have a month of their sensors: in two stretches each is read twice.
    """
    return history_of(settings, chosen_policy(settings), AT_ONCE)


@cache
def connection(settings: Settings) -> Connection:
    """Open the connection of this process."""
    conn = connector(settings, "recheck")()
    open_stages(conn)
    return conn
