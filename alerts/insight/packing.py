"""Forecasts as they are kept: hundredths as 16 bits, per cent as 8, in the order of the homes."""

import numpy as np
import numpy.typing as npt

from insight.window import Floats

HUNDREDTHS, HOMES = "<i2", "<i4"
UNKNOWN_HUNDREDTHS, UNKNOWN_PER_CENT = -32768, 255


def hundredths(values: Floats) -> bytes:
    """Pack values; NaN is kept, what does not fit is cut."""
    whole = np.clip(np.nan_to_num(values * 100).round(), -32_767, 32_767)
    return np.where(np.isnan(values), UNKNOWN_HUNDREDTHS, whole).astype(HUNDREDTHS).tobytes()


def of_hundredths(packed: bytes) -> Floats:
    """Unpack values."""
    whole = np.frombuffer(packed, HUNDREDTHS).astype(np.float64)
    return np.where(whole == UNKNOWN_HUNDREDTHS, np.nan, whole / 100)


def per_cent(values: Floats) -> bytes:
    """Pack probabilities; NaN is kept."""
    whole = np.nan_to_num(values * 100).round()
    return np.where(np.isnan(values), UNKNOWN_PER_CENT, whole).astype(np.uint8).tobytes()


def of_per_cent(packed: bytes) -> Floats:
    """Unpack probabilities."""
    whole = np.frombuffer(packed, np.uint8).astype(np.float64)
    return np.where(whole == UNKNOWN_PER_CENT, np.nan, whole / 100)


def homes(ids: npt.NDArray[np.int32]) -> bytes:
    """Pack the numbers of homes."""
    return ids.astype(HOMES).tobytes()


def of_homes(packed: bytes) -> npt.NDArray[np.int32]:
    """Unpack the numbers of homes."""
    return np.frombuffer(packed, HOMES)
