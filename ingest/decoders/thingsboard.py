"""ThingsBoard's gateway format: `{"Device A": [{"ts": 1451649600512, "values": {"temperature": 42.2}}], …}`."""

from typing import Any

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError, Read
from ingest.decoders.fields import values
from ingest.decoders.shape import Incoming, Shape, code, json
from ingest.uplink import Uplink


def decode(message: Incoming, shape: Shape) -> Read:
    """Read what a gateway says for its devices; an element that is not a reading is a fault and the others count.

    Raises:
        DecodeError: it is not a JSON object.
    """
    said = json(message.payload)
    if not isinstance(said, dict):
        raise DecodeError(RejectReason.MALFORMED, "is not a JSON object of devices")
    uplinks: list[Uplink] = []
    work = message.work
    for device, elements in said.items():
        for element in elements if isinstance(elements, list) else [elements]:
            work.count()
            try:
                uplinks += _element(device, element, shape)
            except DecodeError as error:
                work.fault(error.fault(work.elements - 1, device))
    return uplinks, work.faults


def _element(device: str, element: Any, shape: Shape) -> list[Uplink]:
    if not isinstance(element, dict):
        raise DecodeError(RejectReason.MALFORMED, "is not a JSON object")
    # Values may stand by themselves, without a time.
    uplink = values(element if "values" in element else {"values": element}, shape)
    if uplink is None:
        return []
    uplink.id = code(device)
    return [uplink]
