"""What a single temperature is worth before it is judged (domain.md, pitfall 7)."""

from enum import IntEnum

LOWEST_CELSIUS = -40.0
HIGHEST_CELSIUS = 60.0
SENTINELS_CELSIUS = (85.0, -127.0)  # DS18B20: power-on value, and no answer on the wire


class Quality(IntEnum):
    """Stored beside every reading. GOOD is judged; the others are kept raw and never judged."""

    GOOD = 0
    SENTINEL = 1  # a value the sensor sends when it has none
    OUT_OF_RANGE = 2  # beyond -40..60 °C; of a substation: some channel beyond domain.substation.PLAUSIBLE
    ABSENT = 3  # the message had no temperature
    SUSPECT = 4  # jumps or stands still where the policy does not judge that; never stored: policies change
