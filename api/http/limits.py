"""Rate limits per token and per address, and growing delays for wrong tokens."""

import ipaddress
import math
import threading
import time
from dataclasses import dataclass
from functools import lru_cache

from domain.backoff import doubled
from domain.rate_limit import UNITS_S, RateLimit

SWEEP_S = 60.0
PATIENT = 3  # wrong tokens answered without delay: a typing error is no attack
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 5.0


UPLOADS = RateLimit(60, UNITS_S["minute"])  # per token; a telephone that comes back sends the photos of a day
STATEMENTS = RateLimit(30, UNITS_S["day"])  # per customer; each is told to the staff
CASES = RateLimit(10, UNITS_S["day"])  # per customer; an anonymous case leaves no other trace to count
# Tries at passwords from an address, at a name's from there, and at a name's from anywhere, in a quarter of an hour;
# beyond them the right one is not taken either. One address alone cannot lock a name out everywhere.
TRIES_S = 15 * UNITS_S["minute"]
BY_ADDRESS = "tries at"
MOST_TRIES = {BY_ADDRESS: 60, "tries of at": 10, "tries of": 100}
MOST_CODES = 6


class Windows:
    """Counts by key in this process, each from its first event to the end of its window; each process counts alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], tuple[int, float]] = {}  # key → count, end of its window
        self._sweep_at = time.monotonic() + SWEEP_S

    def count(self, key: tuple[str, str], window_s: float) -> tuple[int, float]:
        """Count an event; return how many there were in the window, and the seconds to its end."""
        now = time.monotonic()
        with self._lock:
            count, end = self._counts.get(key, (0, 0.0))
            count, end = (count + 1, end) if end > now else (1, now + window_s)
            self._counts[key] = count, end
            if now > self._sweep_at:
                self._counts = {name: kept for name, kept in self._counts.items() if kept[1] > now}
                self._sweep_at = now + SWEEP_S
        return count, end - now

    def take_back(self, key: tuple[str, str]) -> None:
        """Count an event no more."""
        with self._lock:
            count, end = self._counts.get(key, (0, 0.0))
            if count:
                self._counts[key] = count - 1, end


@dataclass(frozen=True)
class Try:
    """A try to sign in: whether it counts, and by how much the answer is delayed if it is wrong.

    `wait_s`: seconds until the address may try again; 0 if it may now.
    """

    allowed: bool
    delay_s: float
    wait_s: int = 0


class Limiter:
    """Request limits by token and by address.

    Args:
        per_token: such as `600/minute`; None: unlimited.
        per_address: the same for an address, across all tokens.
    """

    def __init__(self, per_token: str | None = None, per_address: str | None = None) -> None:
        self.per_token = RateLimit.parse(per_token) if per_token else None
        self.per_address = RateLimit.parse(per_address) if per_address else None
        self._windows = Windows()

    def wait_token(self, actor: str) -> int:
        """Count a request by token; return the seconds to wait, 0 if it may proceed."""
        return self._wait(self.per_token, "token", actor)

    def wait_address(self, address: str) -> int:
        """Count a request by address; return the seconds to wait, 0 if it may proceed."""
        return self._wait(self.per_address, "address", subscriber(address))

    def wait_case(self, actor: str) -> int:
        """Count a case filed by a customer; return the seconds to wait, 0 if it may be filed."""
        return self._wait(CASES, "case", actor)

    def wait_statement(self, actor: str) -> int:
        """Count a statement on a ticket by a customer; return the seconds to wait, 0 if it may be made."""
        return self._wait(STATEMENTS, "statement", actor)

    def wait_upload(self, actor: str) -> int:
        """Count a file sent, taken or not; return the seconds to wait, 0 if it may be sent."""
        return self._wait(UPLOADS, "upload", actor)

    def delay_wrong(self, address: str) -> float:
        """Count a wrong token from an address; return the seconds by which the answer is delayed.

        Valid tokens from the same address are not delayed.
        """
        count, _ = self._windows.count(("wrong", subscriber(address)), UNITS_S["minute"])
        return _delay(count)

    def try_password(self, address: str, name: str) -> Try:
        """Count a try at the password of a name; `right_password` takes it back."""
        counts = []
        for kind, whose in _tries(address, name):
            count, left_s = self._windows.count((kind, whose), TRIES_S)
            counts.append(count)
            if count > MOST_TRIES[kind]:
                return Try(False, _delay(max(counts)), math.ceil(left_s) if kind == BY_ADDRESS else 0)
        return Try(True, _delay(max(counts)))

    def right_password(self, address: str, name: str) -> None:
        """Take back a try, which was none: the password was right."""
        for key in _tries(address, name):
            self._windows.take_back(key)

    def try_code(self, staff_id: int) -> Try:
        """Count a try at the code of a person; `right_code` takes it back."""
        count, _ = self._windows.count(("code", str(staff_id)), TRIES_S)
        return Try(count <= MOST_CODES, _delay(count))

    def right_code(self, staff_id: int) -> None:
        """Take back a try, which was none: the code was right."""
        self._windows.take_back(("code", str(staff_id)))

    def _wait(self, rate: RateLimit | None, kind: str, whose: str) -> int:
        if rate is None:
            return 0
        count, left_s = self._windows.count((kind, whose), rate.window_s)
        return 0 if count <= rate.most else max(1, math.ceil(left_s))


def _tries(address: str, name: str) -> list[tuple[str, str]]:
    """Return the keys under which a try at a password is counted; one refused for the first counts for no other."""
    at = subscriber(address)
    return [(BY_ADDRESS, at), ("tries of at", f"{at} {name}"), ("tries of", name)]


def _delay(count: int) -> float:
    return 0.0 if count <= PATIENT else doubled(FIRST_DELAY_S, count - PATIENT, LONGEST_DELAY_S)


@lru_cache(4_096)  # asked for each request
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
