"""Publishing of messages that came by HTTP, each until the broker has acknowledged it."""

import secrets
from enum import Enum

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.address import Address
from ingest.client import lasting

PUSHED = "hearth/push/v1/"  # a topic for each source, below which devices may not write
ACCOUNT = "hearth-push"
AT_ONCE = 1_000  # messages on their way
RECONNECT_SECONDS = 1, 30
NO_SUBSCRIBER = 0x10
MOST_KEPT = 10_000


class Published(Enum):
    """Fate of a message."""

    TAKEN = "acknowledged by the broker"
    AWAY = "the broker is away, or has not answered in time"
    DENIED = "the broker denies this account the topic"
    UNREAD = "nobody reads this topic: the source is not in HEARTH_SOURCES of hearth ingest"


class PushPublisher:
    """A connection to the broker that stays, or comes back by itself.

    MQTT 5, because earlier versions acknowledge what they drop.
    """

    def __init__(self, address: Address) -> None:
        name = f"{ACCOUNT}-{secrets.token_hex(4)}"
        self._client = lasting(address, name)
        self._codes: dict[int, ReasonCode] = {}
        self._client.on_publish = self._acknowledged
        self._client.max_inflight_messages_set(AT_ONCE)
        self._client.reconnect_delay_set(*RECONNECT_SECONDS)
        self._client.connect_async(address.host, address.port, keepalive=address.keep_alive_s)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes, wait_s: float) -> Published:
        """Publish with QoS 1 and wait for the answer.

        A message that is answered too late may still arrive: the sender repeats it, and it is stored once.
        """
        if not self._client.is_connected():
            return Published.AWAY
        info = self._client.publish(topic, payload, qos=1)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS or not _answered(info, wait_s):
            return Published.AWAY
        code = self._codes.pop(info.mid, None)
        if code is None:
            return Published.AWAY
        if code.value == NO_SUBSCRIBER:
            return Published.UNREAD
        return Published.DENIED if code.is_failure else Published.TAKEN

    def close(self) -> None:
        """End the connection."""
        self._client.disconnect()
        self._client.loop_stop()

    def _acknowledged(self, _: Client, __: object, mid: int, code: ReasonCode, ___: Properties | None) -> None:
        """Keep the answer for the thread that waits for it; those that nobody waited for are bounded."""
        if len(self._codes) > MOST_KEPT:
            self._codes.clear()
        self._codes[mid] = code


def _answered(info: MQTTMessageInfo, wait_s: float) -> bool:
    try:
        info.wait_for_publish(wait_s)
    except (RuntimeError, ValueError):  # the connection ended meanwhile
        return False
    return info.is_published()
