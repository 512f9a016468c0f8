"""Why a flag was raised, in the words of the regulation."""

from enum import StrEnum
from typing import Any

import numpy as np

from alerts.engine.schedule import NONE_US, to_datetime
from domain.policy import Policy
from domain.states import Severity


class BreachReason(StrEnum):
    """The rule that a home broke. Stored with the flag and counted."""

    BELOW_DAY_LIMIT = "below_day_limit"
    BELOW_FLOOR = "below_floor"


CLAUSE = {
    BreachReason.BELOW_DAY_LIMIT: "七(一) 早六时至二十一时 / 7(1) 06:00-21:00",
    BreachReason.BELOW_FLOOR: "七(一) 最低不得低于 / 7(1) never below",
}


def why(policy: Policy, flag: np.void) -> dict[str, Any]:
    """The explanation stored with a flag.

    Args:
        flag: MACHINE as it was when the flag was raised.
    """
    severe = flag["severity"] == Severity.SEVERE
    reason = BreachReason.BELOW_FLOOR if severe else BreachReason.BELOW_DAY_LIMIT
    version = policy.versions[int(flag["version"])]
    since = to_datetime(int(flag["cold_since"])) if flag["cold_since"] != NONE_US else None
    return {
        "reason": reason.value,
        "clause": CLAUSE[reason],
        "policy": policy.labels[int(flag["version"])],
        "limit": float(flag["limit"]),
        "lowest": round(float(flag["lowest"]), 3),
        "cold_since": since.isoformat() if since else None,
        "confirm_for_s": version.confirm_for_s,
    }
