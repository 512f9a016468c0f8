"""`/v1/exchange/{peer}`: a peer tells of a case; answered when it is stored."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from alerts.exchange.incoming import MessageChanged, PeerMessage, PeerUnknown, Taken, take
from alerts.exchange.peers_file import Peer
from api.http.limits import Limiter
from api.http.problem import Problem, too_many, unauthorised, unavailable
from api.http.session import surroundings
from api.uplinks.signatures import Pushed
from api.uplinks.uplink_routes import ANY_JSON, whole
from api.words import exchange
from api.words.problems import NOT_JSON, NOT_PROVEN
from domain.exchange import proofs
from store.base import access

router = APIRouter(prefix="/v1/exchange", tags=["exchange"])


@dataclass(frozen=True)
class PeerDoors:
    """The peers that may tell of cases, each with its own limit."""

    peers: Mapping[str, Peer] = field(default_factory=dict)
    limiters: Mapping[str, Limiter] = field(default_factory=dict)

    @classmethod
    def of(cls, peers: Mapping[str, Peer]) -> "PeerDoors":
        """Return the doors of some peers."""
        return cls(peers, {name: Limiter(per_token=peer.limit) for name, peer in peers.items()})


class PeerAnswer(BaseModel):
    """Outcome of a message: `ticket` is our number of the case."""

    outcome: Literal["opened", "linked", "noted", "ignored"]
    ticket: str | None


@router.post("/{peer}", openapi_extra=ANY_JSON)
def tell(peer: str, request: Request, pushed: Annotated[Pushed, Depends(whole)]) -> PeerAnswer:
    """Take what a peer says of a case: signed, each message once, in the order in which they come."""
    found, given = _proven(request, peer, pushed)
    with surroundings(request).pool.connection() as conn:
        conn.read_only = False  # the request before may have read
        access.enter(conn, access.EVERYWHERE, access.Role.DISPATCHER)
        try:
            taken = take(conn, surroundings(request).policy, found, given, surroundings(request).clock())
        except PeerUnknown:
            raise unavailable(exchange.PEER_UNKNOWN) from None
        except MessageChanged:
            raise Problem(409, exchange.MESSAGE_CHANGED) from None
    return _answer(taken)


def _answer(taken: Taken) -> PeerAnswer:
    if taken.reason is not None:
        raise Problem(404 if taken.is_unknown else 422, exchange.REFUSED.fill(reason=taken.reason))
    return PeerAnswer.model_validate({"outcome": taken.outcome.value, "ticket": taken.ticket})


def _proven(request: Request, name: str, pushed: Pushed) -> tuple[Peer, PeerMessage]:
    """Return the peer and its message, if the request proves to be one."""
    doors: PeerDoors = request.app.state.peer_doors
    given, peer = surroundings(request), doors.peers.get(name)
    now = given.clock()
    version = peer.mapping.at(now.astimezone(given.policy.zone).date()) if peer else None
    proof = None
    if peer and version and version.incoming:
        proof = proofs.proven(version.incoming.proof, peer.their_keys, pushed.headers, pushed.body, now)
    if peer is None or proof is None:
        address = request.client.host if request.client else ""
        raise unauthorised(NOT_PROVEN, given.guard.limiter.delay_wrong(address))
    if seconds := doors.limiters[name].wait_token(name):
        raise too_many(seconds)
    try:
        return peer, PeerMessage(proof.message, pushed.body, json.loads(pushed.body), proof.is_timed)
    except (ValueError, RecursionError):
        raise Problem(422, NOT_JSON) from None
