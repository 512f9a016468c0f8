"""Each value of a message is weighed by itself, by what its quantity can say."""

import numpy as np
import pytest

from domain.quality import SPANS, Quality
from domain.reasons import NoValue
from ingest.uplink import WITHHELD, Uplink
from ingest.worth import KEPT_RAW, Weighing, quality
from store.readings.reading_rows import HOME_QUANTITIES, SUBSTATION_QUANTITIES

NAN = float("nan")


def stored(channels: tuple[str, ...], *said: float) -> list[float | None]:
    values = Weighing(channels, np.array([said], np.float64)).values[0]
    return [None if np.isnan(value) else float(value) for value in values]


@pytest.mark.parametrize(
    ("channel", "value", "expected"),
    [
        ("temperature", -40.0, Quality.SENTINEL),
        ("temperature", -39.99, Quality.GOOD),
        ("temperature", -40.01, Quality.OUT_OF_RANGE),
        ("temperature", 85.0, Quality.SENTINEL),
        ("temperature", -127.0, Quality.SENTINEL),
        ("temperature", 60.0, Quality.GOOD),
        ("temperature", 60.01, Quality.OUT_OF_RANGE),
        ("temperature", NAN, Quality.ABSENT),
        ("humidity", 0.0, Quality.GOOD),
        ("humidity", 100.0, Quality.GOOD),
        ("humidity", 100.1, Quality.OUT_OF_RANGE),
        ("humidity", 655.35, Quality.OUT_OF_RANGE),
        ("battery", 255.0, Quality.OUT_OF_RANGE),
        ("battery", -1.0, Quality.OUT_OF_RANGE),
        ("battery", 100.0, Quality.GOOD),
        ("supply_temperature", 85.0, Quality.GOOD),  # as hot as water is
        ("supply_temperature", -40.0, Quality.SENTINEL),
        ("outdoor_temperature", -40.0, Quality.GOOD),
    ],
)
def test_what_a_value_is_worth(channel: str, value: float, expected: Quality) -> None:
    assert quality(channel, np.array([value], np.float32)).tolist() == [expected]


def test_no_value_spoils_the_others() -> None:
    assert stored(HOME_QUANTITIES, 20.0, 655.35, 255.0) == [20.0, None, None]
    assert stored(HOME_QUANTITIES, -40.0, 40.0, 97.0) == [-40.0, 40.0, 97.0]  # raw, and marked
    assert stored(HOME_QUANTITIES, 1e300, 40.0, NAN) == [None, 40.0, None]
    assert stored(HOME_QUANTITIES, WITHHELD, 40.0, NAN) == [None, 40.0, None]
    assert stored(SUBSTATION_QUANTITIES, 60.0, NAN, 9.9, NAN, NAN, NAN, NAN)[:3] == [60.0, None, pytest.approx(9.9)]


def test_what_had_no_value_is_told_by_quantity_and_reason() -> None:
    said = np.array(
        [[20, 655.35, 255], [85, 101, NAN], [-40, 50, NAN], [WITHHELD, 50, NAN], [1e10, NAN, 90]], np.float64
    )
    worth = Weighing(HOME_QUANTITIES, said)
    found = {(quantity, reason): which.tolist() for quantity, reason, which in worth.voids()}
    assert found == {
        ("temperature", NoValue.SENTINEL): [1, 2],
        ("temperature", NoValue.OUT_OF_RANGE): [4],
        ("temperature", NoValue.WITHHELD): [3],
        ("humidity", NoValue.OUT_OF_RANGE): [0, 1],
        ("battery", NoValue.OUT_OF_RANGE): [0],
    }
    by_reading = [worth.reasons(nth) for nth in range(len(said))]
    assert {(q, r): [n for n, found in enumerate(by_reading) if found.get(q) == r] for q, r in found} == found
    assert list(Weighing(HOME_QUANTITIES, np.array([[20.0, 40.0, NAN]])).voids()) == []


def test_every_quantity_of_a_message_has_its_span() -> None:
    assert (*HOME_QUANTITIES, *SUBSTATION_QUANTITIES) == tuple(SPANS)
    assert set(SPANS) == set(Uplink.__struct_fields__) - {"id", "ts"}
    assert set(SPANS) - set(KEPT_RAW) == {"humidity", "battery"}
