"""Say how much a value counts that is far off: less than others, as if what is off had the tails of Student's t.

One that a fault nobody can foresee has thrown off then teaches little of how homes commonly are.
Source: K. L. Lange, R. J. A. Little, J. M. G. Taylor, J. Amer. Stat. Assoc. 84 (1989).
"""

import numpy as np
import numpy.typing as npt

FREEDOM = 4.0  # of Student's t
OF_MEDIAN = 1.4826  # a deviation for each unit of the median distance


def belief(off: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how much values count that are so many deviations off; NaN where that is not known."""
    return np.asarray((FREEDOM + 1) / (FREEDOM + off**2))
