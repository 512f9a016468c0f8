"""Secrets in texts that people see."""

import pytest

from domain.redaction import redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"temperature": 20.5}', '{"temperature": 20.5}'),
        ('{"api_key": "h\\"unter", "Password":1234, "t": 1}', '{"api_key": "…", "Password":"…", "t": 1}'),
        ('{"token": "cut off', '{"token": "…"'),
        ('{"auth": null}', '{"auth": "…"}'),
    ],
)
def test_values_of_secret_members_are_replaced(text: str, shown: str) -> None:
    assert redacted(text) == shown
