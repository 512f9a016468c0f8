"""Invariants at the end of every seed, one file each: `found` returns what is wrong, in words."""

from collections.abc import Callable

from tests.simulation.invariants import (
    acknowledged_is_stored,
    answered_is_done,
    clocks_by_hand,
    counted_is_stored,
    flags_by_hand,
    house_in_order,
    live_is_batch,
    nobody_died,
    one_order_of_locks,
    queues_are_empty,
    reach_of_customers,
    seals_verify,
    sent_is_dealt_with,
    told_once,
)
from tests.simulation.world import World

ALL: dict[str, Callable[[World], list[str]]] = {
    module.__name__.rpartition(".")[2]: module.found
    for module in (
        nobody_died, acknowledged_is_stored, sent_is_dealt_with, counted_is_stored, queues_are_empty, house_in_order,
        flags_by_hand, clocks_by_hand, answered_is_done, told_once, one_order_of_locks, reach_of_customers,
        seals_verify, live_is_batch,
    )
}  # fmt: skip


def violations(world: World) -> list[str]:
    """Return everything that is wrong after a seed, each with the name of its check."""
    return [f"{name}: {what}" for name, check in ALL.items() for what in check(world)[:5]]
