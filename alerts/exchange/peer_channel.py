"""A peer as a channel of messages: the request is made by its mapping, signed, and sent to its address alone."""

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from alerts.exchange.peers_file import Peer
from alerts.notices import straight
from domain.exchange import proofs
from domain.exchange.bodies import NotKnownThere, PeerBody, TheirNumbers, request
from domain.exchange.mapping import OutgoingRules
from domain.notices import NotSent, SendFault

if TYPE_CHECKING:  # apprise takes a second to load, and watch needs none of it
    from alerts.notices.channel import Outgoing

LONGEST_NUMBER, LONGEST_HANDLE = 100, 200


@dataclass(frozen=True)
class PeerChannel:
    """A peer with an address."""

    peer: Peer
    zone: ZoneInfo
    clock: Callable[[], datetime]

    def send(self, message: "Outgoing", timeout_s: float) -> TheirNumbers | None:
        """Tell the peer of an event; returns what it calls the case, if it says so.

        Raises:
            NotSent: it was not taken, or nobody knows.
        """
        facts, rules = parts(self.peer, self.zone, message)
        case = message.case
        try:
            made = request(rules, facts, case.theirs, str(message.key), is_first=case.is_first)
        except NotKnownThere as error:
            raise NotSent(SendFault.REFUSED, f"the peer has not said its {error}", permanent=True) from None
        answer = self._post(made, str(message.key), timeout_s)
        return _numbers(rules, answer) if case.is_first else None

    def _post(self, made: PeerBody, key: str, timeout_s: float) -> bytes:
        headers = {
            "Content-Type": made.content_type,
            "User-Agent": "Hearth",
            **proofs.signed(self.peer.keys, key, self.clock(), made.body),
        }
        if self.peer.authorization:
            headers["Authorization"] = self.peer.authorization
        asked = urllib.request.Request(self.peer.url + made.path, made.body, headers, method=made.method)
        return straight.ask(asked, timeout_s)


def parts(peer: Peer, zone: ZoneInfo, message: "Outgoing") -> tuple[dict[str, Any], OutgoingRules]:
    """Return the facts of a message and the rules by which they are told: those in force when it happened.

    Raises:
        NotSent: the mapping tells the peer nothing on that day.
    """
    facts = {**json.loads(message.body), "desk": peer.desk}
    version = peer.mapping.at(datetime.fromisoformat(facts["at"]).astimezone(zone).date())
    if version is None or version.out is None:
        raise NotSent(SendFault.NO_CHANNEL, "the mapping tells this peer nothing", permanent=True)
    return facts, version.out


def _numbers(rules: OutgoingRules, answer: bytes) -> TheirNumbers | None:
    """Read what the peer calls the case."""
    if rules.number is None and rules.handle is None:
        return None
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    number = _named(rules.number.of(said) if rules.number else None, LONGEST_NUMBER)
    handle = _named(rules.handle.of(said) if rules.handle else None, LONGEST_HANDLE)
    return TheirNumbers(number, handle) if number or handle else None


def _named(value: object, longest: int) -> str | None:
    """Return a number or a text as a name; None: it is none."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if 0 < len(text) <= longest and text.isprintable() else None
