"""People at the desk and on site, by the functions that answer the API's requests, under its roles."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any, cast

import psycopg
from psycopg import Connection

from api.desk.desk_routes import HomeTicket, make_move, open_in_home
from api.desk.moves import MODELS
from api.desk.once import do_once, number_once
from api.http import callers
from api.http.problem import Problem
from api.http.session import Session
from domain.policy import Policy
from domain.tickets import EventKind
from store.base.away import AWAY
from tests.simulation import timeline
from tests.simulation.town import HOMES

SELECT_OPEN = "SELECT number, state FROM ticket WHERE state <> 'closed' AND class = 'cold' ORDER BY ticket_id"
Connect = Callable[[], Connection]
FAILED = (*AWAY, psycopg.DataError)  # without an answer; the second by a fault of the seed
CALLS = 0.25  # share of what is done that begins with a call
UNHEARD = 0.2  # share of answers that are lost on their way to the phone
NEXT: dict[str, list[dict[str, Any]]] = {
    "open": [{"kind": "accepted", "opinion": "a crew goes"}, {"kind": "contacted"}, {"kind": "remark", "remark": "x"}],
    "accepted": [{"kind": "arrived"}, {"kind": "contacted"}],
    "working": [{"kind": "done"}, {"kind": "remark", "remark": "on site"}],
    "verifying": [{"kind": "rework", "reason": "still cold"}, {"kind": "replied", "text": "soon", "channel": "phone"}],
    "done": [{"kind": "replied", "text": "it is warm", "channel": "phone"}, {"kind": "closed"}],
}


class Desk:
    """Makes moves and takes calls at each beat; what has no answer is sent again under its key, as a phone does."""

    def __init__(self, tokens: dict[str, str], policy: Policy, chance: Random) -> None:
        self.tokens, self.policy, self.chance = tokens, policy, chance
        self.made: list[tuple[str, str]] = []  # ticket, kind: those that were answered
        self.taken: list[str] = []  # calls, by key: those that were answered
        self.asked: Counter[tuple[str, str]] = Counter()
        self._keys = 0

    def answered(self) -> Counter[tuple[str, str]]:
        """Count the moves that were answered, by ticket and kind."""
        return Counter(self.made)

    def run(self, connect: Connect) -> None:
        """Work until the end."""
        while True:
            timeline.now().poll(0.5)
            for _ in range(self.chance.choice([0, 1, 2])):
                with suppress(*FAILED):
                    self._call(connect) if self.chance.random() < CALLS else self._move(connect)

    def _move(self, connect: Connect) -> None:
        found = self._ask(connect, lambda session: session.conn.execute(SELECT_OPEN).fetchall())
        if not found:
            return
        number, state = self.chance.choice(found)
        said = self.chance.choice(NEXT[state])
        move: Any = MODELS[EventKind(said["kind"])].model_validate(said)
        key = self._key()
        self.asked[number, move.kind] += 1
        if self._answers(connect, lambda it: do_once(it, number, key, lambda: make_move(it, number, move))):
            self.made.append((number, move.kind))

    def _call(self, connect: Connect) -> None:
        """Take down what somebody says on the phone, which may be what a worker is about to find."""
        key, home = self._key(), f"H{self.chance.randrange(HOMES)}"
        report = HomeTicket.model_validate({"class": self.chance.choice(["cold", "repair"]), "description": key})
        if self._answers(
            connect, lambda it: number_once(it, key, lambda: open_in_home(home, cast(Any, it), report).number)
        ):
            self.taken.append(key)

    def _key(self) -> str:
        self._keys += 1
        return f"key {self._keys}"

    def _answers(self, connect: Connect, work: Callable[[Session], Any]) -> bool:
        """Ask until there is an answer, some times at most; True if it was heard, and no refusal."""
        for _ in range(3):
            try:
                self._ask(connect, work)
            except Problem:
                return False
            except FAILED:
                timeline.now().sleep(1)
                continue
            if self.chance.random() > UNHEARD:
                return True
        return False

    def _ask(self, connect: Connect, work: Callable[[Session], Any]) -> Any:
        with connect() as conn, conn.transaction():
            now = timeline.clock()
            asker = callers.enter(conn, self.tokens["desk"], None, now)
            return work(Session(conn, asker, now, self.policy))
