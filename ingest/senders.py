"""Allowances of senders in the present minute: one beyond its own waits behind the others, and is named."""

from dataclasses import dataclass, field

NETWORK = "$"  # what the account of a network begins with; no topic of a device does
MINUTE_US = 60_000_000
NETWORK_SHARES = 8  # a network that speaks for many sensors may do so many times what a device may
MOST_KNOWN = 100_000  # a bound on memory: beyond it a minute ends early


@dataclass(frozen=True)
class Allowance:
    """The allowance of a device for a minute of receipt: readings above it wait, letters above it are only counted."""

    readings: int = 60_000
    faults: int = 10_000
    letter_bytes: int = 10_000_000
    put_by_bytes: int = 250_000_000


@dataclass
class MinuteCount:
    """The counts of an account in a minute."""

    readings: int = 0
    faults: int = 0
    letter_bytes: int = 0
    put_by_bytes: int = 0

    def add(self, more: "MinuteCount") -> None:
        """Add other counts of the account."""
        self.readings += more.readings
        self.faults += more.faults
        self.letter_bytes += more.letter_bytes
        self.put_by_bytes += more.put_by_bytes


@dataclass
class Senders:
    """The accounts that spoke in the present minute. One thread writes; `over` may be asked by another."""

    allowance: Allowance = field(default_factory=Allowance)
    over: set[str] = field(default_factory=set)  # accounts beyond one of their bounds
    faulty: set[str] = field(default_factory=set)  # those of them that said so much that cannot be stored
    _spent: dict[str, MinuteCount] = field(default_factory=dict)
    _minute: int = 0

    def turn(self, now_us: int) -> None:
        """Begin another minute if this one is over."""
        if now_us // MINUTE_US != self._minute or len(self._spent) > MOST_KNOWN:
            self._minute = now_us // MINUTE_US
            self._spent.clear()
            self.over.clear()
            self.faulty.clear()

    def spend(self, account: str, said: MinuteCount) -> None:
        """Add what an account said in a batch that is stored."""
        spent = self._spent.setdefault(account, MinuteCount())
        spent.add(said)
        if not self.may_keep(account, MinuteCount()):
            self.faulty.add(account)
        if account in self.faulty or spent.readings > self.allowance.readings * _shares(account):
            self.over.add(account)

    def may_keep(self, account: str, more: MinuteCount) -> bool:
        """Return whether a letter of an account is kept, given what else of it is in the batch."""
        spent = self._spent.get(account, MinuteCount())
        return (
            spent.faults + more.faults <= self.allowance.faults * _shares(account)
            and spent.letter_bytes + more.letter_bytes <= self.allowance.letter_bytes
        )

    def may_put_by(self, account: str, more: MinuteCount) -> bool:
        """Return whether messages of an account are put by if they do not fit; not those of one that sends garbage."""
        spent = self._spent.get(account, MinuteCount())
        within = spent.put_by_bytes + more.put_by_bytes <= self.allowance.put_by_bytes
        return within and account not in self.faulty


def _shares(account: str) -> int:
    return NETWORK_SHARES if account.startswith(NETWORK) else 1
