"""Why a message, or one reading in it, was not stored. Stored with the dead letter and counted."""

from enum import StrEnum


class RejectReason(StrEnum):
    """The reason of a dead letter."""

    BAD_TOPIC = "bad_topic"
    MALFORMED = "malformed"  # not JSON, or not an object or an array of objects
    WRONG_TYPE = "wrong_type"  # a field has another type than the contract says
    NOT_A_NUMBER = "not_a_number"
    NO_VALUE = "no_value"  # no known field
    UNKNOWN_SENSOR = "unknown_sensor"
    FOREIGN_SENSOR = "foreign_sensor"  # spoken for by a device that is not its gateway
    NOT_PLACED = "not_placed"  # the sensor had no place at that time
    FUTURE = "future"  # beyond the tolerance
    ABSURD_TIME = "absurd_time"
    OVERSIZE = "oversize"
    REFUSED = "refused"  # the database refused it for its content
