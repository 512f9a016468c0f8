"""Say whether a network is supplied with far less heat than it commonly is in such weather."""

import numpy as np

from insight.belief import OF_MEDIAN, belief
from insight.window import DAY, Floats, Window

ENOUGH = DAY  # steps with supply and outdoor temperature to tell from
ROUNDS = 5  # of the line, in which what is off counts less and less
LEAST_SCATTER_K = 0.5
OFF_K = 10.0  # an outage lacks more; a boiler at its end in a cold snap lacks 5 K and less


def off(window: Window) -> bool:
    """Say whether supply is off now; False where it is not known."""
    return shortfall(window.supply, window.outdoor) > OFF_K


def shortfall(supply: Floats, outdoor: Floats) -> float:
    """Return by how many kelvin the last supply temperature is below its line over the outdoor one; NaN: not known.

    Both are °C, [step]. An outage that lies within the steps hardly turns the line.
    """
    known = np.isfinite(supply) & np.isfinite(outdoor)
    if known.sum() < ENOUGH or not known[-1]:
        return float("nan")
    warm, cold, weight = supply[known], outdoor[known], np.ones(int(known.sum()))
    for _ in range(ROUNDS):
        share = weight / weight.sum()
        from_middle = cold - share @ cold
        above = warm - share @ warm
        above -= from_middle * (share @ (from_middle * above)) / max(float(share @ from_middle**2), 1e-9)
        weight = belief(above / max(OF_MEDIAN * float(np.median(np.abs(above))), LEAST_SCATTER_K))
    return -float(above[-1])
