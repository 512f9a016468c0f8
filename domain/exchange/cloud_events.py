"""CloudEvents 1.0 in structured mode: one JSON object holds the event and what is said of it."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
LONGEST = 200  # of an attribute


class NotAnEvent(ValueError):
    """A body that is no CloudEvent of version 1.0; says which attribute is at fault."""


class CloudEvent(NamedTuple):
    """An event: the attributes that are used here, and its data."""

    id: str
    source: str
    type: str
    data: Mapping[str, Any]
    time: str | None = None
    subject: str | None = None
    sequence: str | None = None  # extension: rises within a subject

    def body(self) -> bytes:
        """Return it as a structured body."""
        attributes = {name: value for name, value in self._asdict().items() if value is not None}
        whole = {"specversion": "1.0", "datacontenttype": "application/json", **attributes}
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def read(value: Any) -> CloudEvent:
    """Read a structured body that is parsed already.

    Raises:
        NotAnEvent: it is none.
    """
    if not isinstance(value, dict) or value.get("specversion") != "1.0":
        raise NotAnEvent("specversion is not 1.0")
    found: dict[str, Any] = {}
    for name in ("id", "source", "type", "time", "subject", "sequence"):
        given = value.get(name)
        needed = name in ("id", "source", "type")
        if given is None and not needed:
            continue
        if not isinstance(given, str) or not 0 < len(given) <= LONGEST:
            raise NotAnEvent(f"{name} is no text of 1 to {LONGEST} characters")
        found[name] = given
    data = value.get("data")
    if not isinstance(data, dict):
        raise NotAnEvent("data is no JSON object")
    return CloudEvent(data=data, **found)
