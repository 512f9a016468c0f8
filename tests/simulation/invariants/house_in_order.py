"""Every invariant that `hearth verify` looks for (docs/invariants.md) holds; `seals_verify` has those of the desk."""

from store.evidence import invariants
from tests.simulation.world import World


def found(world: World) -> list[str]:
    """Return the rows that violate one."""
    seen = invariants.violations(world.stage.admin, invariants.HOUSE)
    return [f"{name}: {row}" for name, rows in seen.items() for row in rows]
