"""The states of a home, finer inside than the four that are shown.

`State` is an order: everything from COLD on is a breach, everything from WARM to SHORT is compliant. The same numbers
stand in `home_state.state`; the SQL function `state_name` gives the names people see.
"""

from enum import IntEnum, StrEnum


class HomeState(IntEnum):
    """What a home's temperature means at an instant."""

    NOT_JUDGED = 0
    UNKNOWN = 1
    WARM = 2  # at or above day limit + deadband
    FAIR = 3  # between day limit and day limit + deadband
    SHORT = 4  # under the day limit while its window is closed: shortfall, compliant
    COLD = 5  # under the day limit inside its window
    SEVERE = 6  # under the limit that holds at any time

    @property
    def shown(self) -> str:
        """compliant | cold | severe | unknown | not_judged"""
        return "compliant" if self in (HomeState.WARM, HomeState.FAIR, HomeState.SHORT) else self.name.lower()


class NotJudged(IntEnum):
    """Why a home is not judged at an instant."""

    JUDGED = 0
    OUT_OF_SEASON = 1
    HEAT_STOPPED = 2
    NO_POLICY = 3

    @property
    def code(self) -> str:
        """The text stored in `flag.clear_reason`."""
        return self.name.lower()


class FlagEndCause(IntEnum):
    """What other than the home's temperature and its rules ended a flag; beside NotJudged, and under it."""

    TAKEN_OVER = -1
    MEASURED = -2
    SENSOR_OUT = -3


class Severity(IntEnum):
    """How bad a flag is; a flag only ever gets worse."""

    COLD = 1
    SEVERE = 2


class ClearReason(StrEnum):
    """Why a flag ended."""

    RECOVERED = "recovered"
    OUT_OF_SEASON = "out_of_season"
    HEAT_STOPPED = "heat_stopped"
    NO_POLICY = "no_policy"
    WITHDRAWN = "withdrawn"  # late data, or a correction, took its cause away
    TAKEN_OVER = "taken_over"  # of a measurement: the sensors tell of the cold now
    MEASURED = "measured"  # of the sensors: people measured that the home is warm, and no sensor contradicts any more
    SENSOR_OUT = "sensor_out"  # the same, when the sensor that contradicted was taken away


class FlagSource(StrEnum):
    """Who told of the cold."""

    SENSOR = "sensor"
    MEASUREMENT = "measurement"
