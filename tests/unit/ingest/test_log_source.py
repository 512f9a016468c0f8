"""Addresses of records of a log."""

import pytest

pytest.importorskip("confluent_kafka", reason="NOT TESTED WITH KAFKA: no confluent-kafka (make setup)")

from ingest.log_source import address_of


@pytest.mark.parametrize(
    ("topic", "key", "address"),
    [
        ("telemetry", b"hearth/v1/s1/telemetry", "hearth/v1/s1/telemetry"),
        ("meters", b"m-7", "meters/m-7"),
        ("meters", b"", "meters"),
        ("meters", b"\xff", "meters/\ufffd"),
    ],
)
def test_a_record_is_known_by_its_key(topic: str, key: bytes, address: str) -> None:
    assert address_of(topic, key) == address
