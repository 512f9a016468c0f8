"""Codes by time, against the vectors of RFC 6238 and RFC 4226."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import totp

SECRET = b"12345678901234567890"
AT = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
# RFC 6238, appendix B, SHA-1: seconds, code of eight digits.
BY_TIME = [
    (59, "94287082"),
    (1_111_111_109, "07081804"),
    (1_111_111_111, "14050471"),
    (1_234_567_890, "89005924"),
    (2_000_000_000, "69279037"),
    (20_000_000_000, "65353130"),
]
# RFC 4226, appendix D: codes of six digits for the counters 0 to 9.
BY_COUNT = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]


@pytest.mark.parametrize(("seconds", "expected"), BY_TIME)
def test_codes_by_time(seconds: int, expected: str) -> None:
    assert totp.code(SECRET, totp.counter_at(datetime.fromtimestamp(seconds, UTC)), 8) == expected


@pytest.mark.parametrize(("counter", "expected"), list(enumerate(BY_COUNT)))
def test_codes_by_counter(counter: int, expected: str) -> None:
    assert totp.code(SECRET, counter) == expected


@pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clocks_may_differ_by_a_step(steps: int, counts: bool) -> None:
    counter = totp.counter_at(AT) + steps
    said = totp.code(SECRET, counter)
    assert totp.matching(SECRET, said, AT) == (counter if counts else None)


def test_a_code_may_be_typed_in_groups() -> None:
    said = totp.code(SECRET, totp.counter_at(AT))
    assert totp.matching(SECRET, f" {said[:3]} {said[3:]} ", AT) == totp.counter_at(AT)


@pytest.mark.parametrize("said", ["", "000000x", "12345", "1234567", "٣٣٣٣٣٣", "\x00", "-00001"])
def test_what_is_no_code_matches_nothing(said: str) -> None:
    assert totp.matching(SECRET, said, AT + timedelta(hours=1)) is None


def test_a_secret_is_read_as_it_is_written() -> None:
    secret = totp.new_secret()
    assert totp.read(totp.written(secret)) == secret
    for wrong in ("", "abc", totp.written(secret)[:-1], "AAAA", "é" * 32):
        assert totp.read(wrong) is None


def test_an_app_is_told_whose_code_it_is() -> None:
    assert totp.address(SECRET, "Hearth", "li na@x") == (
        "otpauth://totp/Hearth:li%20na%40x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Hearth&digits=6&period=30"
    )
