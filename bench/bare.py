"""The yardstick: a paho subscriber that does nothing but count."""

import sys
import time
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ingest.sources import NATIVE
from local.port import LOOPBACK


def main() -> None:
    """Count messages; print `ready`, and when the last one of argv[2] had come (monotonic seconds)."""
    port, wanted = int(sys.argv[1]), int(sys.argv[2])
    count = 0

    def _message(client: Client, _data: Any, _message: MQTTMessage) -> None:
        nonlocal count
        count += 1
        if count == wanted:
            print(time.monotonic(), flush=True)
            client.disconnect()

    def _connected(client: Client, *_: Any) -> None:
        client.subscribe(NATIVE, qos=1)

    client = Client(CallbackAPIVersion.VERSION2, client_id="bare", protocol=MQTTProtocolVersion.MQTTv5)
    client.on_message = _message
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.on_connect = _connected
    client.connect(LOOPBACK, port, 60)
    client.loop_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
