"""Seeds: what each has shown, the smallest plan that still fails, and the command that repeats it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tests.simulation import invariants, world
from tests.simulation.stage import Stage
from tests.simulation.timeline import Stuck
from tests.simulation.town import HOMES
from tests.simulation.world import Plan

MOST_TRIES = 60  # of shrinking
# What is said is not in the trace. The rows of one statement come into the journal in no certain order, and the key of
# a message is drawn by chance.
SELECT_RECORD = """
SELECT md5(concat(
  (SELECT string_agg(e.hash, ''::bytea ORDER BY e.event_id) FROM ticket_event AS e),
  (SELECT string_agg(j.hash, ''::bytea ORDER BY j.hash) FROM journal AS j WHERE j.relation <> 'message')
))
"""


@dataclass(frozen=True)
class Outcome:
    """The result of a seed."""

    seed: int
    steps: int
    statements: int
    digest: int
    faults: dict[str, int]
    violations: list[str]
    record: str = ""  # digest of what is under seals


@dataclass(frozen=True)
class Cut:
    """The parts taken out of a seed's plan: faults by number, the messages of homes, messages by number."""

    faults: frozenset[int] = frozenset()
    homes: frozenset[int] = frozenset()
    messages: frozenset[int] = frozenset()

    def of(self, plan: Plan) -> Plan:
        """Return what is left of a plan."""
        kept = [fault for n, fault in enumerate(plan.faults) if n not in self.faults]
        return replace(plan, faults=kept, day=plan.day.without(self.homes, self.messages))

    def __str__(self) -> str:
        parts = {"faults": self.faults, "homes": self.homes, "messages": self.messages}
        return "".join(f" --without-{name} {','.join(map(str, sorted(of)))}" for name, of in parts.items() if of)


def play(stage: Stage, seed: int, cut: Cut = Cut(), trace: list[str] | None = None) -> Outcome:
    """Play a seed, and look at what it leaves."""
    plan = cut.of(world.plan_of(seed))
    try:
        played = world.play(stage, plan, trace)
    except Stuck as stuck:
        return Outcome(seed, 0, 0, 0, {}, [f"stuck: {stuck}"])
    violations = invariants.violations(played)
    (record,) = stage.admin.execute(SELECT_RECORD).fetchone() or ("",)
    return Outcome(seed, played.timeline.steps, played.statements, played.digest, dict(played.met), violations, record)


def shrink(stage: Stage, seed: int) -> Cut:
    """Find a small part of a failing seed that still fails by the same check."""
    check = _check(play(stage, seed).violations)
    cut, plan = Cut(), world.plan_of(seed)
    groups: list[tuple[str, list[frozenset[int]]]] = [
        ("faults", [frozenset(range(len(plan.faults)))]),
        ("faults", [frozenset({n}) for n in range(len(plan.faults))]),
        ("homes", [*_halves(range(HOMES), 5), *(frozenset({n}) for n in range(HOMES))]),
        ("messages", _halves(range(len(plan.day.sendings)), 20)),
    ]
    tries = 0
    for name, parts in groups:
        for part in parts:
            wider = replace(cut, **{name: getattr(cut, name) | part})
            if wider == cut or tries >= MOST_TRIES:
                continue
            tries += 1
            if check in map(_name, play(stage, seed, wider).violations):
                cut = wider
    return cut


def command(seed: int, cut: Cut) -> str:
    """Return the command that plays a part of a seed again."""
    return f"python -m tests.simulation --seed {seed}{cut}"


def _check(violations: list[str]) -> str:
    return _name(violations[0]) if violations else ""


def _name(violation: str) -> str:
    return violation.partition(":")[0]


def _halves(numbers: Iterable[int], parts: int) -> list[frozenset[int]]:
    listed = list(numbers)
    size = max(len(listed) // parts, 1)
    return [frozenset(listed[n : n + size]) for n in range(0, len(listed), size)]
