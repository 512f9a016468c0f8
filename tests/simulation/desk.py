"""People at the desk and on site, by the functions that answer the API's requests, under its roles."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import psycopg
from psycopg import Connection

from api.desk.desk_routes import make_move
from api.desk.moves import MODELS
from api.desk.once import do_once
from api.http import callers
from api.http.problem import Problem
from api.http.session import Session
from domain.policy import Policy
from domain.tickets import EventKind
from store.base.away import AWAY
from tests.simulation import timeline

SELECT_OPEN = "SELECT number, state FROM ticket WHERE state <> 'closed' AND class = 'cold' ORDER BY ticket_id"
NEXT: dict[str, list[dict[str, Any]]] = {
    "open": [{"kind": "accepted", "opinion": "a crew goes"}, {"kind": "contacted"}, {"kind": "remark", "remark": "x"}],
    "accepted": [{"kind": "arrived"}, {"kind": "contacted"}],
    "working": [{"kind": "done"}, {"kind": "remark", "remark": "on site"}],
    "verifying": [{"kind": "rework", "reason": "still cold"}, {"kind": "replied", "text": "soon", "channel": "phone"}],
    "done": [{"kind": "replied", "text": "it is warm", "channel": "phone"}, {"kind": "closed"}],
}


class Desk:
    """Makes a few moves at each beat; one without an answer is made again under its key, as a phone does."""

    def __init__(self, tokens: dict[str, str], policy: Policy, chance: Random) -> None:
        self.tokens, self.policy, self.chance = tokens, policy, chance
        self.made: list[tuple[str, str]] = []  # ticket, kind: those that were answered
        self.asked: Counter[tuple[str, str]] = Counter()
        self._keys = 0

    def answered(self) -> Counter[tuple[str, str]]:
        """Count the moves that were answered, by ticket and kind."""
        return Counter(self.made)

    def run(self, connect: Callable[[], Connection]) -> None:
        """Work until the end."""
        while True:
            timeline.now().poll(0.5)
            for _ in range(self.chance.choice([0, 1, 2])):
                with suppress(*AWAY):
                    self._move(connect)

    def _move(self, connect: Callable[[], Connection]) -> None:
        found = self._ask(connect, lambda session: session.conn.execute(SELECT_OPEN).fetchall())
        if not found:
            return
        number, state = self.chance.choice(found)
        said = self.chance.choice(NEXT[state])
        move: Any = MODELS[EventKind(said["kind"])].model_validate(said)
        self._keys += 1
        key = f"key {self._keys}"
        self.asked[number, move.kind] += 1
        for _ in range(3):
            try:
                self._ask(
                    connect, lambda session: do_once(session, number, key, lambda: make_move(session, number, move))
                )
            except Problem:
                return
            except psycopg.OperationalError:
                timeline.now().sleep(1)
                continue
            self.made.append((number, move.kind))
            return

    def _ask(self, connect: Callable[[], Connection], work: Callable[[Session], Any]) -> Any:
        with connect() as conn, conn.transaction():
            now = timeline.clock()
            asker = callers.enter(conn, self.tokens["desk"], None, now)
            return work(Session(conn, asker, now, self.policy))
