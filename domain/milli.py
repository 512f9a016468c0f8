"""Temperatures in whole thousandths of a degree (m°C): in these, and in nothing else, temperatures are compared.

17.9 and an offset of 0.3 are 18.2, which no sum of binary fractions says. A raw value keeps its 32 bits where it is
stored; whatever is judged is the nearest thousandth.
"""

PER_DEGREE = 1000
NONE_MILLI = 2**31 - 1  # no temperature, or a limit above all: the lowest of some is the lowest that is known
LEAST_MILLI = -(2**31)  # no limit: nothing lies under it


def milli(celsius: float) -> int:
    """The nearest thousandth of a degree; half of one goes to the even side, as in arrays and in SQL."""
    return round(celsius * PER_DEGREE)


def celsius(of_milli: int) -> float:
    """The decimal number of degrees: the shortest that names these thousandths."""
    return of_milli / PER_DEGREE


def is_whole(celsius: float) -> bool:
    """Whether a number of degrees, as written in decimals, has no more than three of them."""
    return round(celsius, 3) == celsius
