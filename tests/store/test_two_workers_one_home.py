"""Two transactions with readings of one home: the second waits, and then sees all that the first has done."""

import threading
from typing import Any

from tests import registry_rows as town
from tests.acceptance.waiting import until
from tests.conftest import Database
from tests.store.desk import MINUTE, NOON, Desk
from tests.store.waiting import WAITING


def test_a_worker_that_waited_for_a_home_sees_the_flag_that_was_opened_meanwhile(database: Database) -> None:
    with database.connect(autocommit=True) as one, database.connect(autocommit=True) as two:
        home = town.home(one, "H1")
        for sensor in ("s1", "s2"):
            town.sensor(one, sensor, home)
        first, second = Desk(one), Desk(two)
        first.say(("s1", NOON, 20.0), ("s2", NOON, 20.0))
        said: list[Any] = []
        waiting = threading.Thread(target=lambda: said.append(second.say(("s2", NOON + 2 * MINUTE, 19.0))))
        with one.transaction():
            first.say(("s1", NOON + MINUTE, 17.0))
            waiting.start()
            until(lambda: first.rows(WAITING), "the second waits for the home")
        waiting.join()
        assert [fates.stored for fates in said] == [1]
        (flag,) = first.flags()
        assert flag["cleared_at"] is None
        assert first.rows("SELECT flag_id, breach_since FROM home_state") == [
            {"flag_id": flag["flag_id"], "breach_since": NOON + MINUTE}
        ]
