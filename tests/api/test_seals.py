"""Seals are for everybody: without a token, a page at a time, and enough to check the chain and the signatures."""

import base64
import hashlib
from datetime import datetime, timedelta

import pytest

from alerts.evidence import chain
from domain.instants import to_us
from store.base import audit
from store.evidence import signing
from store.evidence.signing import SigningKey
from tests.api.conftest import Api
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only


def sealed(api: Api, count: int, key: SigningKey | None) -> None:
    """Add so many seals."""
    api.conn.commit()
    api.conn.autocommit = True
    for nth in range(count):
        at = NOW + timedelta(minutes=nth)
        audit.record(api.conn, audit.AuditEntry(at=at, actor="a", role="admin", address=None, action="GET", target={}))
        for _ in range(2):
            chain.seal(api.conn, at, key)


def test_the_chain_can_be_checked_by_anybody(api: Api) -> None:
    key = SigningKey.made()
    sealed(api, 2, None)
    sealed(api, 3, key)
    page = api.get("/v1/seals", limit=2).json()
    seals = page["items"]
    while page["next"]:
        page = api.get("/v1/seals", cursor=page["next"], limit=2).json()
        seals += page["items"]
    seals.reverse()
    assert [seal["number"] for seal in seals] == list(range(1, len(seals) + 1))
    previous = None
    for seal in seals:
        assert seal["previous"] == previous
        told = f"{to_us(datetime.fromisoformat(seal['at']))}|{seal['upto']}|{seal['events']}|".encode()
        told += bytes.fromhex(seal["digest"]) + f"|{seal['entries_upto']}|{seal['entries']}|".encode()
        told += bytes.fromhex(seal["entries_digest"])
        previous = hashlib.sha256(bytes.fromhex(seal["previous"] or "") + told).hexdigest()
        assert seal["hash"] == previous
    (listed,) = api.get("/v1/seals/keys").json()["items"]
    assert listed["key"] == key.key_id
    public = base64.b64decode(listed["public_key"])
    assert [seal["key"] for seal in seals] == [None, None, *[key.key_id] * (len(seals) - 2)]
    assert len(seals) >= 5
    for seal in seals[2:]:
        signature = base64.b64decode(seal["signature"])
        assert signing.is_signed(public, signature, f"hearth-seal/1|{seal['number']}|{seal['hash']}".encode())


def test_there_may_be_none(plain_api: Api) -> None:
    assert plain_api.get("/v1/seals").json() == {"items": [], "next": None}
    assert plain_api.get("/v1/seals/keys").json() == {"items": []}
