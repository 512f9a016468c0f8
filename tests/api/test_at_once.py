"""Many requests at the same instant: limits hold, and the same report does not open two tickets."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.api import town
from tests.api.conftest import Api
from tests.conftest import PLAIN_HTTP

LEAK = {"class": "leak", "description": "it drips"}


def at_once(count: int, send: Callable[[int], httpx.Response]) -> Counter[int]:
    """Return how often each status was answered."""
    with ThreadPoolExecutor(count) as pool:
        return Counter(answer.status_code for answer in pool.map(send, range(count)))


def sending(api: Api, path: str, token: str, **body: object) -> Callable[[int], httpx.Response]:
    """Send the same with one of several tokens, each on a connection of its own."""
    api.conn.commit()

    def send(_: int) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.post(
            f"{api.client.base_url}{path}", json=body, headers=headers, timeout=60, trust_env=False, verify=PLAIN_HTTP
        )

    return send


def count(api: Api) -> int:
    api.conn.commit()
    return town.one(api.conn, "SELECT count(*) FROM ticket", None)


def test_no_more_complaints_are_open_than_may_be(plain_api: Api) -> None:
    """Of one home by two tokens, which its people may have."""
    town.home(plain_api.conn)
    body = {"class": "complaint", "subject": "conduct", "text": "nobody came"}
    senders = [sending(plain_api, "/v1/cases", plain_api.token("customer", "B1-101"), **body) for _ in range(3)]
    plain_api.conn.commit()
    assert at_once(24, lambda n: senders[n % 3](n)) == {201: 5, 409: 19}
    assert count(plain_api) == 5


def test_no_more_tickets_of_a_user_are_open_than_may_be(plain_api: Api) -> None:
    home = town.home(plain_api.conn)
    plain_api.conn.execute("DELETE FROM home_state WHERE home_id = %s", (home,))  # as of a home that was never judged
    token = plain_api.token("customer", "B1-101")
    assert at_once(24, sending(plain_api, "/v1/homes/B1-101/tickets", token, **LEAK, new=True)) == {201: 5, 409: 19}
    assert count(plain_api) == 5


def test_the_same_report_at_the_same_instant_opens_one_ticket(plain_api: Api) -> None:
    home = town.home(plain_api.conn)
    plain_api.conn.execute("DELETE FROM home_state WHERE home_id = %s", (home,))
    desk = plain_api.token("dispatcher")
    assert at_once(8, sending(plain_api, "/v1/homes/B1-101/tickets", desk, **LEAK)) == {201: 1, 409: 7}
    for nth, place in enumerate(({"building": "B1"}, {"substation": "S-North"}), 2):
        assert at_once(8, sending(plain_api, "/v1/tickets", desk, **LEAK, **place)) == {201: 1, 409: 7}
        assert count(plain_api) == nth
