"""Redaction of secrets in texts that people see, such as payloads of dead letters."""

import re

SECRET = re.compile(
    r'("[^"]*(?:pass|secret|token|key|auth)[^"]*"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^,}\]\s]+)', re.IGNORECASE
)


def redacted(text: str) -> str:
    """Replace the values of JSON members whose names suggest a secret, also in truncated JSON."""
    return SECRET.sub(r'\1"…"', text)
