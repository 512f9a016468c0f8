"""The robots of DingTalk and WeCom: JSON by POST; they refuse with a number within an answer of 200."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from domain.notices import NotSent, SendFault

BUSY = frozenset({-1, 45009, 45033, 130101})  # both: busy; WeCom: too often, too many at once; DingTalk: too fast
SECONDS = re.compile(r"[0-9]{1,6}")  # a date instead of seconds is not read
FOR_NOW = frozenset({408, 425, 429})  # and all from 500 on
MOST_BYTES = 10_000  # of an answer


def post(url: str, payload: Mapping[str, Any], timeout_s: float) -> None:
    """Post a message; the robot has it when this returns.

    Raises:
        NotSent: it was refused, or nobody knows.
    """
    body = json.dumps(payload, ensure_ascii=False).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json; charset=utf-8"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            text = answer.read(MOST_BYTES)
    except urllib.error.HTTPError as error:
        error.close()
        raise of_status(error.code) from None
    except OSError as error:
        raise NotSent(SendFault.UNREACHABLE, type(error).__name__, unsure=True) from None
    code = _code(text)
    if code != 0:
        permanent = code not in BUSY
        fault = SendFault.REFUSED if permanent else SendFault.REFUSED_FOR_NOW
        raise NotSent(fault, f"errcode {code}", permanent=permanent)


def _code(text: bytes) -> int:
    """Return the code in an answer; -1, a temporary refusal, if there is none."""
    try:
        return int(json.loads(text)["errcode"])
    except (ValueError, KeyError, TypeError):
        return -1


def of_status(status: int, retry_after: str = "") -> NotSent:
    """Classify an HTTP status other than success, with the seconds of its `Retry-After`."""
    if status >= 500 or status in FOR_NOW:
        # A gateway may have lost the answer of somebody behind it who took the message.
        after = timedelta(seconds=int(retry_after)) if SECONDS.fullmatch(retry_after) else timedelta(0)
        return NotSent(SendFault.REFUSED_FOR_NOW, f"HTTP {status}", unsure=status in (502, 504), after=after)
    return NotSent(SendFault.REFUSED, f"HTTP {status}", permanent=True)
