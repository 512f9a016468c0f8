"""Work that comes again and again: each round has its own pace, and one that fails does not stop the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg
import structlog
from psycopg import Connection

PUT_OFF_S = 5.0  # a round that failed comes again after this, or after its own pace if that is longer
log = structlog.get_logger()


@dataclass
class Round:
    """One kind of work.

    `work` opens its own transactions on a connection in autocommit mode. If it returns True there is more to do, and it
    comes again at the next turn; else after `every_s`.
    """

    name: str
    every_s: float  # 0: at each turn
    work: Callable[[Connection], object]
    due_s: float = field(default=float("-inf"), compare=False)

    def turn(self, conn: Connection, now_s: float) -> bool:
        """Work if it is time to; True when there is more to do at once.

        Raises:
            psycopg.Error: the connection is lost.
        """
        if now_s < self.due_s:
            return False
        try:
            more = self.work(conn) is True
        except psycopg.OperationalError:
            raise
        except Exception:
            if conn.closed:
                raise
            log.exception("round failed", round=self.name)
            self.due_s = now_s + max(self.every_s, PUT_OFF_S)
            return False
        self.due_s = now_s if more else now_s + self.every_s
        return more


def turn(rounds: Sequence[Round], conn: Connection, clock_s: Callable[[], float]) -> bool:
    """Give each round its turn, in order; True when any has more to do at once."""
    return any([each.turn(conn, clock_s()) for each in rounds])
