"""Rate limits per token and per address, and growing delays for wrong tokens."""

import ipaddress
import threading
import time

from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from domain.backoff import doubled

SWEEP_S = 60.0
WRONG = parse("1000000/minute")  # only counted, never refused
CASES = parse("10/day")  # per customer; an anonymous case leaves no other trace to count
PATIENT = 3  # wrong tokens answered without delay: a typing error is no attack
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 5.0


class Counters(Storage):
    """In-memory counters of this process; each process counts on its own.

    The library's memory storage scans all keys in a new thread after nearly every request; this one sweeps expired keys
    once a minute.
    """

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, float]] = {}  # key → count, end of its window
        self._sweep_at = time.monotonic() + SWEEP_S

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.monotonic()
        with self._lock:
            count, end = self._counts.get(key, (0, 0.0))
            count, end = (count + amount, end) if end > now else (amount, now + expiry)
            self._counts[key] = count, end
            if now > self._sweep_at:
                self._counts = {name: kept for name, kept in self._counts.items() if kept[1] > now}
                self._sweep_at = now + SWEEP_S
        return count

    def get(self, key: str) -> int:
        count, end = self._counts.get(key, (0, 0.0))
        return count if end > time.monotonic() else 0

    def get_expiry(self, key: str) -> float:
        _, end = self._counts.get(key, (0, 0.0))
        return time.time() + max(0.0, end - time.monotonic())

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        forgotten = len(self._counts)
        self._counts = {}
        return forgotten

    def clear(self, key: str) -> None:
        self._counts.pop(key, None)


class Limiter:
    """Request limits by token and by address.

    Args:
        per_token: such as `600/minute`; None: unlimited.
        per_address: the same for an address, across all tokens.
    """

    def __init__(self, per_token: str | None = None, per_address: str | None = None) -> None:
        self.per_token = _item(per_token)
        self.per_address = _item(per_address)
        self._window = FixedWindowRateLimiter(Counters())

    def wait_token(self, actor: str) -> int:
        """Count a request by token; return the seconds to wait, 0 if it may proceed."""
        return self._wait(self.per_token, "token", actor)

    def wait_address(self, address: str) -> int:
        """Count a request by address; return the seconds to wait, 0 if it may proceed."""
        return self._wait(self.per_address, "address", subscriber(address))

    def wait_case(self, actor: str) -> int:
        """Count a case filed by a customer; return the seconds to wait, 0 if it may be filed."""
        return self._wait(CASES, "case", actor)

    def delay_wrong(self, address: str) -> float:
        """Count a wrong token from an address; return the seconds by which the answer is delayed.

        Valid tokens from the same address are not delayed.
        """
        whose = subscriber(address)
        self._window.hit(WRONG, "wrong", whose)
        count: int = self._window.storage.get(WRONG.key_for("wrong", whose))
        return 0.0 if count <= PATIENT else doubled(FIRST_DELAY_S, count - PATIENT, LONGEST_DELAY_S)

    def _wait(self, limit: RateLimitItem | None, *whose: str) -> int:
        if limit is None or self._window.hit(limit, *whose):
            return 0
        reset: float = self._window.get_window_stats(limit, *whose).reset_time
        return max(1, round(reset - time.time() + 0.5))


def subscriber(address: str) -> str:
    """Return the key an address is counted under: its /64 for IPv6 (one subscriber owns it), itself for IPv4."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address  # a Unix socket has none
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _item(text: str | None) -> RateLimitItem | None:
    return parse(text) if text else None
