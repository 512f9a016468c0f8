"""States of a home, finer than the ones shown.

`HomeState` is ordered: COLD and above is a breach, WARM to SHORT is compliant. `home_state.state` stores the same
numbers; the SQL function `state_name` returns the names people see.
"""

from enum import IntEnum, StrEnum


class HomeState(IntEnum):
    """State of a home at an instant."""

    NOT_JUDGED = 0
    UNKNOWN = 1
    WARM = 2  # at or above day limit + deadband
    FAIR = 3  # between day limit and day limit + deadband
    SHORT = 4  # below the day limit outside its window: shortfall, compliant
    COLD = 5  # below the day limit inside its window
    SEVERE = 6  # below the floor limit, which holds at any time

    @property
    def shown(self) -> str:
        """compliant | cold | severe | unknown | not_judged"""
        return "compliant" if self in (HomeState.WARM, HomeState.FAIR, HomeState.SHORT) else self.name.lower()


class NotJudged(IntEnum):
    """Reason a home is not judged at an instant."""

    JUDGED = 0
    OUT_OF_SEASON = 1
    HEAT_STOPPED = 2
    NO_POLICY = 3

    @property
    def code(self) -> str:
        """The text stored in `flag.clear_reason`."""
        return self.name.lower()


class FlagEndCause(IntEnum):
    """Causes that end a flag other than temperature and rules. Negative, so distinct from NotJudged."""

    TAKEN_OVER = -1
    MEASURED = -2
    SENSOR_OUT = -3


class Severity(IntEnum):
    """Severity of a flag; it only ever rises."""

    COLD = 1
    SEVERE = 2


class ClearReason(StrEnum):
    """Reason a flag ended."""

    RECOVERED = "recovered"
    OUT_OF_SEASON = "out_of_season"
    HEAT_STOPPED = "heat_stopped"
    NO_POLICY = "no_policy"
    WITHDRAWN = "withdrawn"  # late data or a correction removed its cause
    TAKEN_OVER = "taken_over"  # of a measurement: the sensors show the cold now
    MEASURED = "measured"  # of the sensors: measured warm on site, and no sensor contradicts any more
    SENSOR_OUT = "sensor_out"  # the same, after the contradicting sensor was removed


class FlagSource(StrEnum):
    """Origin of a flag."""

    SENSOR = "sensor"
    MEASUREMENT = "measurement"
