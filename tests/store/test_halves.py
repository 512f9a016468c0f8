"""Work on many at once, where the database refuses one of them."""

from collections.abc import Sequence

import pytest

from store.base.halves import Aside, in_halves
from tests.conftest import Database

pytestmark = pytest.mark.plain_only

SELECT_NESTED = "SELECT (repeat('[', %(levels)s::integer) || repeat(']', %(levels)s::integer))::jsonb"


def test_one_that_is_too_large_for_the_server_stops_no_other(database: Database) -> None:
    """psycopg counts its error among those of a server that is away, for which whole rounds waited."""
    done, aside = list[int](), list[tuple[int, str]]()

    with database.connect(autocommit=True) as conn:

        def work(some: Sequence[int]) -> None:
            for levels in some:
                conn.execute(SELECT_NESTED, {"levels": levels})
            done.extend(some)

        left = in_halves(
            conn, [1, 1_000_000, 2], work, Aside[int]("nesting", lambda one, what: aside.append((one, what)))
        )
    assert (done, left, aside) == ([1, 2], [1_000_000], [(1_000_000, "54001")])
