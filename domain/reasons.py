"""Reasons for decisions: enums that are stored and counted, each with a Chinese and an English text."""

from enum import StrEnum


class RejectReason(StrEnum):
    """Reason a message, or one reading in it, was rejected. Stored with the dead letter."""

    BAD_TOPIC = "bad_topic"
    MALFORMED = "malformed"  # not JSON (or protobuf), or not in the agreed format
    WRONG_TYPE = "wrong_type"  # a field has a type other than the contract's
    NOT_A_NUMBER = "not_a_number"
    NO_VALUE = "no_value"  # no known field, or none with a value
    AMBIGUOUS = "ambiguous"  # several values where one is expected
    NO_SENSOR = "no_sensor"  # it does not name its sensor
    UNKNOWN_ALIAS = "unknown_alias"  # Sparkplug: an alias before the birth message that defines it
    UNKNOWN_SENSOR = "unknown_sensor"
    FOREIGN_SENSOR = "foreign_sensor"  # reported by a device that is not its gateway
    NOT_PLACED = "not_placed"  # the sensor was not installed at that time
    FUTURE = "future"  # beyond the tolerance
    ABSURD_TIME = "absurd_time"
    TOO_OLD = "too_old"  # it arrived too long after it was measured
    OVERSIZE = "oversize"
    TOO_MANY_READINGS = "too_many_readings"  # more elements in one message than are decoded
    TOO_MANY_FAULTS = "too_many_faults"  # more unreadable elements than are examined
    TOO_DEEP = "too_deep"  # nested deeper than any format
    FLOOD = "flood"  # beyond the share of its sender in the dead letters: counted, not kept
    UNREAD_VALUE = "unread_value"  # one value cannot be read; the others of its reading count
    CONFLICT = "conflict"  # a different value of the same quantity, sensor and instant is stored
    REFUSED = "refused"  # the database refused it for its content
    FAILED = "failed"  # Hearth failed at it, by an error of its own


class NoValue(StrEnum):
    """Reason a quantity named in a message has no value. Counted by quantity."""

    SENTINEL = "sentinel"  # the sensor's code for a missing value
    OUT_OF_RANGE = "out_of_range"  # beyond the range of any instrument
    WITHHELD = "withheld"  # marked as bad by its source


class BreachReason(StrEnum):
    """The rule that a home violates. Stored with the flag."""

    BELOW_DAY_LIMIT = "below_day_limit"
    BELOW_FLOOR = "below_floor"
    BELOW_CONTRACT = "below_contract"
