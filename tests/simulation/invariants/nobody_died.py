"""No process ends by an error of its own: what fails is tried again."""

from tests.simulation.world import World


def found(world: World) -> list[str]:
    """Return the errors that ended a process."""
    return world.timeline.crashes
