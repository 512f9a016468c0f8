"""An independent judge that walks step by step and looks at the wall clock: slow, plain, and nothing shared.

It knows the rules from the regulation's side only: a list of readings, a clock on the wall, a few counters. Degrees
are decimal numbers, as people write them.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

NONE = Decimal("Infinity")  # no temperature


@dataclass
class SlowFlag:
    """A flag as the slow judge saw it; instants are whole seconds."""

    cold_since: int
    confirmed_at: int
    severe_at: int | None = None
    suspended_at: int | None = None
    cleared_at: int | None = None
    reason: str | None = None
    lowest: Decimal = NONE


@dataclass
class SlowRules:
    """One version of the rules for one home; limits are (severity, below, opens, closes)."""

    limits: list[tuple[str, Decimal, time | None, time | None]]
    deadband_k: Decimal
    confirm_s: int
    clear_s: int


@dataclass
class SlowHome:
    """Everything about a home, with instants in whole seconds since 1970."""

    zone: ZoneInfo
    readings: list[list[tuple[int, int, Decimal]]]  # per sensor: (at, held until at most, judged °C)
    versions: list[tuple[date, SlowRules]]
    season: tuple[date, date]
    status: list[tuple[int | None, bool]] = field(default_factory=lambda: [(None, True)])
    ended: list[int] = field(default_factory=list)  # where a measurement ends what is cold


def temperature(home: SlowHome, second: int) -> Decimal | None:
    """Return the coldest of what the sensors say at a second."""
    now = []
    for sensor in home.readings:
        last = None
        for at, until, celsius in sensor:
            if at <= second:
                last = (until, celsius)
        if last is not None and second < last[0]:
            now.append(last[1])
    return min(now) if now else None


def rules_at(home: SlowHome, local: datetime) -> SlowRules | None:
    """Return the version in force on the day on the wall."""
    found = None
    for first, rules in home.versions:
        if first <= local.date():
            found = rules
    return found


def state_at(home: SlowHome, second: int) -> tuple[str, Decimal | None, SlowRules | None, bool, date]:
    """Return (what it is, °C, rules, is a cold window open, local date)."""
    local = datetime.fromtimestamp(second, home.zone)
    rules = rules_at(home, local)
    celsius = temperature(home, second)
    on = False
    for since, heat in home.status:
        if since is None or since <= second:
            on = heat
    window = False
    if rules is not None:
        window = any(s == "cold" and inside(o, c, local.time()) for s, _, o, c in rules.limits)
    if not home.season[0] <= local.date() < home.season[1]:
        return "out_of_season", celsius, rules, window, local.date()
    if not on:
        return "heat_stopped", celsius, rules, window, local.date()
    if rules is None or not rules.limits:
        return "no_policy", celsius, rules, window, local.date()
    if celsius is None:
        return "unknown", None, rules, window, local.date()
    return breach(rules, celsius, local.time()), celsius, rules, window, local.date()


def inside(opens: time | None, closes: time | None, now: time) -> bool:
    """Return whether a wall-clock time lies in a window."""
    if opens is None or closes is None:
        return True
    return opens <= now < closes if opens < closes else not closes <= now < opens


def breach(rules: SlowRules, celsius: Decimal, now: time) -> str:
    """Return severe, cold, short, fair or warm."""
    here = [(s, b) for s, b, o, c in rules.limits if inside(o, c, now)]
    if any(s == "severe" and celsius < b for s, b in here):
        return "severe"
    if any(s == "cold" and celsius < b for s, b in here):
        return "cold"
    day_limits = [b for s, b, _, _ in rules.limits if s == "cold"]
    day_limits = day_limits or [b for _, b, _, _ in rules.limits]
    if celsius < max(day_limits):
        return "short"
    return "warm" if celsius >= max(day_limits) + rules.deadband_k else "fair"


@dataclass
class SlowJudge:
    """Walks a home from one second to another, `step` of them at a time: nothing changes between."""

    home: SlowHome
    step: int = 1
    flags: list[SlowFlag] = field(default_factory=list)
    open: SlowFlag | None = None
    breach_from: int | None = None
    severe_from: int | None = None
    warm_from: int | None = None
    pending_low: Decimal = NONE
    seconds: dict[date, dict[str, int]] = field(default_factory=dict)
    at: int = 0
    was: tuple[str, Decimal | None, SlowRules | None, bool, date] | None = None

    def walk(self, begin: int, end: int) -> "SlowJudge":
        """Judge every step of [begin, end]; the last one is looked at, but has no length."""
        for second in range(begin, end + 1, self.step):
            if self.was is not None:
                self._ring(second)
            if second in self.home.ended:
                self._end(second)
            self.was, self.at = state_at(self.home, second), second
            self._see(second)
            self._ring(second)
            if second < end:
                self._count(self.was)
        return self

    def _ring(self, second: int) -> None:
        """Act on timers that are full at this second under what has been seen so far."""
        assert self.was is not None
        what, _, rules, _, _ = self.was
        if rules is None:
            return

        def full(since: int | None, length: int) -> bool:
            return since is not None and second - since >= length

        if what in ("cold", "severe") and self.open is None and full(self.breach_from, rules.confirm_s):
            self.open = SlowFlag(self.breach_from or 0, second, lowest=self.pending_low)
            self.flags.append(self.open)
        if what == "severe" and self.open and not self.open.severe_at and full(self.severe_from, rules.confirm_s):
            self.open.severe_at = second
        if what == "warm" and self.open and full(self.warm_from, rules.clear_s):
            self._close(second, "recovered")

    def _see(self, second: int) -> None:
        assert self.was is not None
        what, celsius, _, window, _ = self.was
        in_breach = what in ("cold", "severe")
        if not in_breach:
            self.breach_from, self.pending_low = None, NONE
        elif self.breach_from is None:
            self.breach_from = second
        self.severe_from = (second if self.severe_from is None else self.severe_from) if what == "severe" else None
        self.warm_from = (second if self.warm_from is None else self.warm_from) if what == "warm" else None
        if celsius is not None and in_breach:
            self.pending_low = min(self.pending_low, celsius)
        if self.open is None:
            return
        if what in ("out_of_season", "heat_stopped", "no_policy"):
            self._close(second, what)
            return
        if celsius is not None and what != "warm":
            # How far a home was under its limit: under a lower limit that came later, warm may be colder than cold was.
            self.open.lowest = min(self.open.lowest, celsius)
        if in_breach or window:
            self.open.suspended_at = None
        elif what == "short" and self.open.suspended_at is None:
            self.open.suspended_at = second

    def _end(self, second: int) -> None:
        """Let a measurement end what is cold; if it still is, that is another breach."""
        self.breach_from = self.severe_from = self.warm_from = None
        self.pending_low = NONE
        if self.open is not None:
            self._close(second, "measured")

    def _close(self, second: int, reason: str) -> None:
        assert self.open is not None
        self.open.cleared_at, self.open.reason = second, reason
        self.open = None
        self.breach_from = self.severe_from = self.warm_from = None

    def _count(self, seen: tuple[str, Decimal | None, SlowRules | None, bool, date]) -> None:
        names = {"warm": "compliant", "fair": "compliant", "short": "compliant"}
        names |= dict.fromkeys(("out_of_season", "heat_stopped", "no_policy"), "not_judged")
        day = self.seconds.setdefault(seen[4], {})
        name = names.get(seen[0], seen[0])
        day[name] = day.get(name, 0) + self.step
        if name in ("compliant", "cold", "severe") and seen[1] is not None:
            day["heat"] = day.get("heat", 0) + int(1000 * seen[1]) * self.step
        if name in ("cold", "severe") and seen[1] is not None and seen[2] is not None:
            local = datetime.fromtimestamp(self.at, self.home.zone).time()
            limit = max(b for _, b, o, c in seen[2].limits if inside(o, c, local))
            day["deficit"] = day.get("deficit", 0) + int(1000 * (limit - seen[1])) * self.step
        if seen[0] == "short":
            day["shortfall"] = day.get("shortfall", 0) + self.step
