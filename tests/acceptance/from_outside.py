"""A device and a person outside of the containers, as a program in the network where the stack publishes its ports.

python -m tests.acceptance.from_outside publish CA USER PASSWORD PAYLOAD
python -m tests.acceptance.from_outside get CA TOKEN PATH
"""

import json
import sys
from collections.abc import Callable

import httpx
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

PORT = 8883
PATIENCE_S = 20.0


def publish(ca: str, user: str, password: str, payload: str) -> dict[str, bool]:
    """Say something as a device, over TLS; whether the broker has acknowledged it."""
    client = Client(CallbackAPIVersion.VERSION2, user, protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set(ca)
    client.username_pw_set(user, password)
    client.connect("localhost", PORT)
    client.loop_start()
    said = client.publish(f"hearth/v1/{user}/telemetry", payload, qos=1)
    said.wait_for_publish(PATIENCE_S)
    client.disconnect()
    client.loop_stop()
    return {"acknowledged": said.is_published()}


def get(ca: str, token: str, path: str) -> dict[str, object]:
    """Ask over HTTPS; status and body."""
    with httpx.Client(verify=ca, trust_env=False, timeout=PATIENCE_S) as client:
        answer = client.get(f"https://localhost{path}", headers={"Authorization": f"Bearer {token}"})
    return {"status": answer.status_code, "body": answer.text}


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    does: dict[str, Callable[..., object]] = {"publish": publish, "get": get}
    print(json.dumps(does[what](*arguments)))
