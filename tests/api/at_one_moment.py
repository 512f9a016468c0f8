"""Questions that are asked at one moment, and the same asked of their routes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.api.conftest import Api

Asked = tuple[str, str]  # a path, and a token


def by_route(api: Api, path: str, token: str) -> httpx.Response:
    """Ask so that the route answers: it takes any name of the scheme."""
    return api.client.get(path, headers={"Authorization": f"bearer {token}"})


def together(api: Api, asked: Sequence[Asked]) -> list[httpx.Response]:
    """Ask from many threads."""

    def ask(one: Asked) -> httpx.Response:
        return api.client.get(one[0], headers={"Authorization": f"Bearer {one[1]}"})

    with ThreadPoolExecutor(12) as pool:
        return list(pool.map(ask, asked))


def told(answer: httpx.Response) -> tuple[int, bytes, dict[str, Any]]:
    """Return what must be the same, by one way and the other."""
    kept = {name: value for name, value in answer.headers.items() if name != "date"}
    return answer.status_code, answer.content, kept
