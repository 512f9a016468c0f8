"""ThingsBoard's gateway format: `{"Device A": [{"ts": 1451649600512, "values": {"temperature": 42.2}}], …}`."""

from typing import Any

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError, Read
from ingest.decoders.fields import Reader
from ingest.decoders.payload import json
from ingest.decoders.shape import Incoming, Shape

DEVICE = "device"  # the key under which an element gets its device's name; the preset reads it there


def decode(message: Incoming, shape: Shape) -> Read:
    """Read what a gateway says for its devices; an element that is not a reading is a fault and the others count.

    Raises:
        DecodeError: it is not a JSON object.
    """
    said = json(message.payload)
    if not isinstance(said, dict):
        raise DecodeError(RejectReason.MALFORMED, "is not a JSON object of devices")
    reader, work = Reader(message, shape), message.work
    for device, elements in said.items():
        for element in elements if isinstance(elements, list) else [elements]:
            work.count()
            try:
                reader.take(whole(device, element), work.elements - 1)
            except DecodeError as error:
                work.fault(error.fault(work.elements - 1, device))
    return reader.uplinks, work.faults


def whole(device: str, element: Any) -> dict[str, Any]:
    """Return an element with the name of its device, its values in their place.

    Raises:
        DecodeError: it is not an object.
    """
    if not isinstance(element, dict):
        raise DecodeError(RejectReason.MALFORMED, "is not a JSON object")
    # Values may stand by themselves, without a time.
    return {DEVICE: device, **(element if "values" in element else {"values": element})}
