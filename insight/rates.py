"""Proofs by a count of warm homes: exact bounds of what was counted, and how many homes have to be measured.

Nothing here judges a home. A home is warm or not by the ledger alone; these functions say how much is known of the
homes that nobody measured.
"""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SURE = 0.95
HALVINGS = 60
Z = 1.959963984540054  # of the two-sided 95 %


def proven(measured: int, warm: int, homes: int | None = None, sure: float = SURE) -> float:
    """Return the share of warm homes that a count proves, with this certainty: the one-sided exact bound.

    Args:
        measured, warm: homes that were measured, and those of them that were warm.
        homes: all homes, if their number is known; a bound for them counts the homes that were not measured.
    Raises:
        ValueError: there are more warm homes than measured ones, or more measured than there are.
    Source: Clopper and Pearson, Biometrika 26 (1934); with `homes` the hypergeometric bound.
    """
    if not 0 <= warm <= measured or (homes is not None and homes < measured):
        raise ValueError(f"{warm} warm of {measured} measured of {homes} homes")
    if warm == 0:
        return 0.0
    if homes is None:
        return _binomial_bound(measured, warm, 1 - sure)
    return _fewest_warm(measured, warm, homes, 1 - sure) / homes


def disproven(measured: int, warm: int, homes: int | None = None, sure: float = SURE) -> float:
    """Return the share above which the warm homes cannot be, with this certainty."""
    return 1 - proven(measured, measured - warm, homes, sure)


def needed(share: float, homes: int | None = None, sure: float = SURE) -> int:
    """Return how many homes, all of them warm, prove that so large a share is: 149 for 98 %.

    Args:
        share: from 0 to below 1; 1 only where the number of homes is known, and then all of them are needed.
    Raises:
        ValueError: no number of homes proves it.
    """
    if not 0 <= share <= 1 or (share == 1 and homes is None):
        raise ValueError(f"no number of homes proves {share}")
    enough, short = homes or 1, 0
    while homes is None and proven(enough, enough, None, sure) < share:
        enough, short = enough * 2, enough
    while enough - short > 1:
        middle = (enough + short) // 2
        if proven(middle, middle, homes, sure) >= share:
            enough = middle
        else:
            short = middle
    return enough


def score_interval(measured: float, warm: float) -> tuple[float, float]:
    """Return the two-sided 95 % interval of a share, which errs as often on either side; of nothing: 0 to 1.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927).
    """
    if measured <= 0:
        return 0.0, 1.0
    share, square = warm / measured, Z * Z
    middle = (share + square / (2 * measured)) / (1 + square / measured)
    half = Z * math.sqrt(share * (1 - share) / measured + square / (4 * measured**2)) / (1 + square / measured)
    return 0.0 if warm == 0 else middle - half, 1.0 if warm == measured else middle + half


def _binomial_bound(measured: int, warm: int, chance: float) -> float:
    """Return the share at which so many warm homes, or more, are so rare."""
    logs = _log_choices(measured)[warm:]
    counts = np.arange(warm, measured + 1)
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        share = (low + high) / 2
        if share in (0.0, 1.0):
            break
        terms = logs + counts * math.log(share) + (measured - counts) * math.log1p(-share)
        low, high = (low, share) if np.exp(terms).sum() > chance else (share, high)
    return low


def _fewest_warm(measured: int, warm: int, homes: int, chance: float) -> int:
    """Return the smallest number of warm homes among all at which so many in the sample, or more, are not so rare."""
    few, enough = warm - 1, homes - (measured - warm)
    factorials = _log_factorials(homes)
    while enough - few > 1:
        middle = (few + enough) // 2
        if _sampled_at_least(factorials, (measured, warm, homes), middle) > chance:
            enough = middle
        else:
            few = middle
    return enough


def _sampled_at_least(logs: Floats, sample: tuple[int, int, int], good: int) -> float:
    """Return the chance of at least `warm` in a sample from `homes` of which `good` are warm."""
    measured, warm, homes = sample
    found = np.arange(max(warm, measured - (homes - good)), min(measured, good) + 1)

    def choices(whole: int, part: npt.NDArray[np.int64]) -> Floats:
        return np.asarray(logs[whole] - logs[part] - logs[whole - part])

    all_ways = logs[homes] - logs[measured] - logs[homes - measured]
    return float(np.exp(choices(good, found) + choices(homes - good, measured - found) - all_ways).sum())


def _log_factorials(most: int) -> Floats:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])


def _log_choices(whole: int) -> Floats:
    logs = _log_factorials(whole)
    return np.asarray(logs[whole] - logs - logs[::-1])
