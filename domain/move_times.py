"""The time at which a move was made, where it is recorded later: by a phone that had no network, or told by telephone.

It is beside the time of recording and never instead of it: clocks stop when a move is recorded.
"""

from datetime import datetime, timedelta
from enum import StrEnum

MADE_AT = "made_at"  # key in an event's data
LONGEST = timedelta(days=7)  # between making a move and recording it
AHEAD = timedelta(minutes=5)  # clocks of people differ


class MadeAtFault(StrEnum):
    """Reason why a move cannot have been made at a time."""

    FUTURE = "future"
    TOO_OLD = "too_old"
    BEFORE_TICKET = "before_ticket"


class NotMadeThen(Exception):
    """A move whose time is out of bounds; nothing was changed."""

    def __init__(self, fault: MadeAtFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


def recorded_time(made_at: datetime, opened_at: datetime, now: datetime) -> datetime:
    """Return the time of a move as it is kept; that of a clock a little ahead is now.

    Raises:
        NotMadeThen: it is in the future, before the ticket was opened, or too long ago.
    """
    if made_at > now + AHEAD:
        raise NotMadeThen(MadeAtFault.FUTURE)
    if made_at < opened_at:
        raise NotMadeThen(MadeAtFault.BEFORE_TICKET)
    if made_at < now - LONGEST:
        raise NotMadeThen(MadeAtFault.TOO_OLD)
    return min(made_at, now)
