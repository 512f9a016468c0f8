"""Checks of answers that many tests make."""

import base64
from typing import Any

import httpx

from tests.api.conftest import Api


def post(api: Api, path: str, token: str, body: Any) -> httpx.Response:
    api.conn.commit()
    return api.client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})


def everything(api: Api, path: str, token: str, limit: int, **parameters: str) -> list[object]:
    """Return the items of all pages."""
    items: list[object] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get(path, token, limit=limit, **parameters, **cursor).json()
        assert 0 < len(page["items"]) <= limit
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = {"cursor": page["next"]}


def check(answer: httpx.Response, status: int) -> dict[str, object]:
    """Return the problem, after a look at what all problems have."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert set(body) - {"errors"} == {"type", "title", "status", "detail"}
    assert body["status"] == status
    return body


def opaque(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
