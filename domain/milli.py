"""Temperatures in whole thousandths of a degree (m°C), the only unit in which temperatures are compared.

17.9 plus an offset of 0.3 is 18.2, which binary floating point misses. Stored raw values keep their 32 bits; judged
values are the nearest thousandth.
"""

PER_DEGREE = 1000
NONE_MILLI = 2**31 - 1  # no temperature, or a limit above all: so that the minimum is the lowest known one
LEAST_MILLI = -(2**31)  # no limit: nothing is below it


def milli(celsius: float) -> int:
    """Round to the nearest thousandth of a degree, halves to even, as in arrays and in SQL."""
    return round(celsius * PER_DEGREE)


def celsius(of_milli: int) -> float:
    """Return thousandths as degrees: the shortest decimal that denotes them."""
    return of_milli / PER_DEGREE


def is_whole(celsius: float) -> bool:
    """Return whether a number of degrees has at most three decimals."""
    return round(celsius, 3) == celsius
