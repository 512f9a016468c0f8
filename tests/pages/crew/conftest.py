"""The desk behind the phones of a crew, which the modules of this folder share."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from api.http.company import Company
from tests.api.conftest import Api, served_town
from tests.api.desk import Desk
from tests.api.staff import member, session_of
from tests.api.town import NOW
from tests.conftest import Servers
from tests.pages.conftest import HOTLINE, PHONE, Visitor, Visitors
from tests.pages.crew.phone import Arrival

NUMBERS = count(1)


@pytest.fixture(scope="module")
def desk(servers: Servers) -> Iterator[Desk]:
    """One desk for all tests of a module; each has a job of its own."""
    with served_town(servers, company=Company(hotline=HOTLINE)) as api:
        yield Desk(api)


@pytest.fixture
def api(desk: Desk) -> Api:
    """The API of the desk, at NOW."""
    desk.api.clock.now = NOW
    return desk.api


@pytest.fixture
def arrive(api: Api, visitor: Visitors) -> Arrival:
    """Returns a function that signs somebody in: a person of the crew, with a telephone, unless said otherwise."""

    def come(language: str = "zh", size: dict[str, int] = PHONE, role: str = "crew", **options: Any) -> Visitor:
        station = "North" if role == "crew" else None
        token = session_of(api.conn, member(api.conn, role, f"a.{role}.{next(NUMBERS)}", station=station))
        api.conn.commit()
        return visitor.signed_in(token, language, size, has_touch=role == "crew", **options)

    return come
