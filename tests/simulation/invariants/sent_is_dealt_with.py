"""A message from the broker is acknowledged soon, as long as its connection lasts: nobody leaves it lying."""

from tests.simulation.broker import LONGEST_US
from tests.simulation.faults import LONGEST_STALL_US, Fault
from tests.simulation.world import World


def found(world: World) -> list[str]:
    """Return the sessions in which a message waited for its acknowledgement for longer than processes stood still."""
    most_us = LONGEST_US + world.met[Fault.STALL.value] * LONGEST_STALL_US
    sessions = world.broker.sessions.values()
    return [
        f"{one.client_id}: {one.longest_us} us until an acknowledgement" for one in sessions if one.longest_us > most_us
    ]
