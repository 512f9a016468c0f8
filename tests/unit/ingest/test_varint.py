"""Whole numbers of variable length: what is encoded is decoded, and what is cut off or too long is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import varint


@given(st.integers(0, 2**64 - 1), st.binary(max_size=4), st.binary(max_size=4))
def test_a_number_comes_back_wherever_it_stands(value: int, before: bytes, after: bytes) -> None:
    encoded = varint.encode(value)
    assert varint.decode(before + encoded + after, len(before), 10) == (value, len(before) + len(encoded))


@pytest.mark.parametrize(
    ("value", "encoded"), [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\1"), (2_097_151, b"\xff\xff\x7f")]
)
def test_examples_of_the_standard(value: int, encoded: bytes) -> None:
    assert varint.encode(value) == encoded


def test_what_is_cut_off_or_too_long_is_refused() -> None:
    with pytest.raises(IndexError):
        varint.decode(b"\x80\x80", 0, 4)
    with pytest.raises(ValueError, match="more than 4 bytes"):
        varint.decode(b"\x80\x80\x80\x80\1", 0, 4)
