"""Units, numbers and times as the field writes them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.quality import SPANS
from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError
from ingest.decoders.numbers import Spelling, number
from ingest.decoders.times import AUTO, SourceClock
from ingest.decoders.units import UNITS, known, unit_of

ZONE = ZoneInfo("Asia/Shanghai")
TEXT, COMMA = Spelling(text=True), Spelling(text=True, comma=True)
NOON_MS = 1_795_831_200_000  # 2026-11-28T10:00:00+08:00


@pytest.mark.parametrize(
    ("channel", "unit", "said", "becomes"),
    [
        ("temperature", "°F", -196.6, -127.0),
        ("temperature", "℃", 21.5, 21.5),
        ("temperature", "k", 294.65, 21.5),
        ("temperature", "degC", 21.5, 21.5),
        ("supply_temperature", "F", 140.0, 60.0),
        ("humidity", "/", 0.45, 45.0),
        ("supply_pressure", "bar", 3.6, 0.36),
        ("supply_pressure", "kPa", 612, 0.612),
        ("return_pressure", "PA", 612_345, 0.612345),
        ("flow", "l/h", 1_250, 1.25),
        ("flow", "m3/h", 1.25, 1.25),
        ("flow", "m³/h", 1.25, 1.25),
        ("heat_power", "W", 4_500, 4.5),
        ("heat_power", "MW", 1.2, 1_200),
        ("battery", "V", 3.6, None),
        ("battery", "mV", 3_600, None),
        ("battery", "ratio", 0.85, 85.0),
    ],
)
def test_a_value_in_a_unit(channel: str, unit: str, said: float, becomes: float | None) -> None:
    found = unit_of(channel, unit)
    assert found is not None
    assert found(said) == becomes


@pytest.mark.parametrize(("said", "becomes"), [(3.6, None), (0.0, None), (5.0, None), (5.5, 5.5), (92, 92)])
def test_a_battery_of_a_codec_may_be_in_volts(said: float, becomes: float | None) -> None:
    assert UNITS["battery"]["% or V"](said) == becomes


def test_a_unit_of_another_quantity_is_none() -> None:
    assert unit_of("supply_pressure", "C") is unit_of("temperature", "bar") is unit_of("flow", "t/h") is None
    assert all(known(channel) for channel in SPANS)


@pytest.mark.parametrize(
    ("text", "spelling", "read"),
    [
        (" 21.5", TEXT, (21.5, None)),
        ("-.5", TEXT, (-0.5, None)),
        ("1e-3", TEXT, (0.001, None)),
        ("21.5 °C", TEXT, (21.5, "°C")),
        ("21.5°C", TEXT, (21.5, "°C")),
        ("90%", TEXT, (90.0, "%")),
        ("21,5", COMMA, (21.5, None)),
        ("21,5 °C", COMMA, (21.5, "°C")),
        ("nan", TEXT, None),
        ("unavailable", Spelling(), None),
        ("", Spelling(), None),
        ("--", TEXT, None),
    ],
)
def test_a_text_is_a_number(text: str, spelling: Spelling, read: tuple[float, str | None] | None) -> None:
    assert number(text, "temperature", spelling) == read


@pytest.mark.parametrize(
    ("text", "spelling", "told"),
    [
        ("21.5", Spelling(), "set text_numbers = true"),
        ("21,5", TEXT, 'set decimal = ","'),
        ("21.5", COMMA, "is not a number"),
        ("1,234.5", TEXT, "is not a number"),
        ("warm", TEXT, "is not a number, but the text 'warm'"),
        ("21.5.1", TEXT, "is not a number"),
        ("２１", TEXT, "is not a number"),
        ("9" * 5_000, TEXT, "is not a number"),
    ],
)
def test_what_is_no_number_says_what_to_set(text: str, spelling: Spelling, told: str) -> None:
    with pytest.raises(DecodeError) as caught:
        number(text, "temperature", spelling)
    assert told in caught.value.detail
    assert len(caught.value.detail) < 150


@pytest.mark.parametrize(
    "said",
    [
        NOON_MS,
        NOON_MS // 1000,
        NOON_MS / 1000,
        str(NOON_MS),
        str(NOON_MS // 1000),
        "2026-11-28 10:00:00",
        "2026/11/28 10:00:00",
        "2026/11/28 10:00",
        "2026.11.28 10:00:00",
        "28.11.2026 10:00:00",
        "2026年11月28日 10:00:00",
        "2026年11月28日10时00分00秒",
        "20261128 10:00:00",
        "20261128100000",
        "202611281000",
        20_261_128_100_000,
        "2026-11-28T10:00:00.000",
        "2026/11/28 10:00:00:000",
    ],
)
def test_the_same_instant_in_the_forms_of_the_field(said: object) -> None:
    assert SourceClock(AUTO, ZONE).read(said) == NOON_MS


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("2026-11-28T02:00:00Z", "2026-11-28T02:00:00Z"),
        ("2026/11/28 02:00:00Z", "2026-11-28T02:00:00+00:00"),
        ("2026-11-28 02:00:00 UTC", "2026-11-28T02:00:00+00:00"),
        ("2026/11/8 2:00:00 +0800", "2026-11-08T02:00:00+08:00"),
        ("Sat, 28 Nov 2026 10:00:00 +0800", "2026-11-28T10:00:00+08:00"),
        (NOON_MS * 1000 + 7, "2026-11-28T02:00:00.000007+00:00"),
        (NOON_MS * 1_000_000, "2026-11-28T02:00:00+00:00"),
        ("", None),
        (None, None),
    ],
)
def test_a_time_with_its_zone_or_beyond_milliseconds(said: object, read: str | None) -> None:
    assert SourceClock(AUTO, ZONE).read(said) == read


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("28/11/2026 10:00:00", RejectReason.WRONG_TYPE),  # the day or the month first: nobody knows
        ("2026/13/28 10:00:00", RejectReason.ABSURD_TIME),
        ("20260231100000", RejectReason.ABSURD_TIME),  # there is no such day
        (20260231100000, RejectReason.ABSURD_TIME),
        ("2026-11-28", RejectReason.WRONG_TYPE),  # which instant of that day
        ("2026/11/8", RejectReason.WRONG_TYPE),
        ("20261128", RejectReason.WRONG_TYPE),
        ("yesterday", RejectReason.WRONG_TYPE),
        ("9" * 400, RejectReason.WRONG_TYPE),
        (True, RejectReason.WRONG_TYPE),
        ({}, RejectReason.WRONG_TYPE),
        (1e300, RejectReason.ABSURD_TIME),
        (10**400, RejectReason.NOT_A_NUMBER),
    ],
)
def test_what_is_no_time(said: object, reason: RejectReason) -> None:
    with pytest.raises(DecodeError) as caught:
        SourceClock(AUTO, ZONE).read(said)
    assert caught.value.reason == reason


@pytest.mark.parametrize("said", [-9 * 10**16, -9 * 10**19, "-90000000000000000"])
def test_an_epoch_before_the_first_year_is_read_for_its_judge_to_refuse(said: object) -> None:
    assert SourceClock(AUTO, ZONE).read(said) == -90_000_000_000_000


@pytest.mark.parametrize("said", [0, 2.06, "1970-01-01T00:00:03", "2019-12-31T23:59:59Z", "1999/1/1 0:00:00"])
def test_a_clock_that_is_not_set_tells_no_time(said: object) -> None:
    assert SourceClock(AUTO, ZONE, 1_577_836_800_000).read(said) is None


def test_local_times_are_as_the_zone_has_them_the_whole_year_round() -> None:
    zone = ZoneInfo("Europe/Berlin")
    clock = SourceClock("auto", zone)
    for minutes in range(0, 366 * 1440, 317):
        said = datetime(2026, 1, 1) + timedelta(minutes=minutes)  # noqa: DTZ001 the zone of the source is meant
        there = said.replace(tzinfo=zone).astimezone(UTC)
        if there.astimezone(zone).replace(tzinfo=None) == said:
            assert clock.read(said.isoformat()) == there.timestamp() * 1000
