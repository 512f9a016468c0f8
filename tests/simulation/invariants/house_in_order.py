"""Every invariant that `hearth verify` looks for (docs/invariants.md) holds."""

from store.evidence import invariants
from tests.simulation.world import World


def found(world: World) -> list[str]:
    """Return the rows that violate one."""
    checks = {**invariants.DESK, **invariants.HOUSE}
    return [f"{name}: {row}" for name, rows in invariants.violations(world.stage.admin, checks).items() for row in rows]
