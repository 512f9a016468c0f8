"""The state of a building, or of several together, from the states of its homes."""

from collections.abc import Mapping
from enum import StrEnum

COUNTS = ("severe", "cold", "unknown", "compliant", "not_judged")


class BuildingState(StrEnum):
    """State of a building, or of several together, on a map; never shown by colour alone."""

    SEVERE = "severe"
    COLD = "cold"
    UNKNOWN = "unknown"
    WARM = "warm"
    NOT_JUDGED = "not_judged"

    @property
    def sign(self) -> str:
        """The character that stands for the state."""
        return {"severe": "‼", "cold": "!", "unknown": "?", "warm": "✓", "not_judged": "–"}[self.value]


def state_of(counts: Mapping[str, int]) -> BuildingState:
    """Return the state of homes counted by theirs: any cold one is seen, and silence is no warmth."""
    if counts["severe"]:
        return BuildingState.SEVERE
    if counts["cold"]:
        return BuildingState.COLD
    if counts["compliant"] + counts["unknown"] == 0:
        return BuildingState.NOT_JUDGED
    return BuildingState.UNKNOWN if counts["unknown"] > counts["compliant"] else BuildingState.WARM
