"""Reasons against a move that the state of a ticket allows."""

from enum import StrEnum


class MoveBar(StrEnum):
    """Reason why a ticket does not take a move that its state allows."""

    NEEDS = "needs"  # closing still needs something
    EARLY = "early"  # a call-back has its time
    BY_ITSELF = "by_itself"  # a device job closes with its cause
    ON_RECORD = "on_record"  # it may not end without work
    NO_OTHER = "no_other"  # nothing is open there that could take it
    NOT_YET = "not_yet"  # of an application: something has to be there before
    STANDS = "stands"  # of an application: it is on record already
    OTHER_OPEN = "other_open"  # the home has another open ticket for cold
