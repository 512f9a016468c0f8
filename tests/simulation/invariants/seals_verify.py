"""Events, journal and seals are a chain without a gap, and every row of evidence is as its last entry has it."""

from alerts.evidence import check
from tests.simulation.world import World

CHECKS = (check.check_tickets, check.check_records)


def found(world: World) -> list[str]:
    """Return the faults that `hearth verify` would list."""
    findings = check.Findings(world.checked_at)
    for one in CHECKS:
        one(world.stage.admin, findings)
    return [f"{told['check']}: {told['what']}" for told in findings.told]
