"""Warnings of homes that are likely to be cold: why it is thought so, and how sure one is before one warns."""

from datetime import time
from enum import StrEnum

WARN_FROM = 0.3  # a chance from here on is a warning
EVENING = time(18)  # local: from then on the list of the next morning is made, …
LATE_EVENING = time(22)  # … and no more from then on
MORNING = time(6)


class ChillReason(StrEnum):
    """The strongest sign that a home will be cold. Stored with the warning."""

    FALLING = "falling"  # its own temperature falls
    NEIGHBOURS = "neighbours"  # that of the homes around falls
    OUTDOOR = "outdoor"  # it becomes colder outside
    SUPPLY = "supply"  # its network supplies less
    RHYTHM = "rhythm"  # it does so at this time of the day
    NEAR = "near"  # it is near the limit already
