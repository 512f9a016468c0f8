"""Homes that speak and a desk that writes while everything breaks, and what of it was acknowledged."""

import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import httpx
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import MQTTErrorCode

Told = tuple[int, int]  # home, and the Unix second of its reading
TEMPERATURES = (15.0, 17.0, 17.9, 19.0, 20.5, 21.0)  # severe, cold, and warm again
LASTING = 0.6  # how often a home says what it said before
LATE, LATE_S = 0.1, 40
REMARK_S = 1.0
ANSWER_S = 5.0


class Repeating:
    """A thread that does something again and again until it is stopped."""

    def __init__(self, act: Callable[[], None], pause_s: float) -> None:
        self._over = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(act, pause_s), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let it finish what it is doing; raise what has ended it before."""
        self._over.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self, act: Callable[[], None], pause_s: float) -> None:
        try:
            while not self._over.wait(pause_s):
                act()
        except Exception as error:
            self._error = error


class Thermometers:
    """Sensors of all homes behind one client: each reading has a second of its own, some come late.

    One home more than are judged says the first readings, which nobody may have heard.
    """

    def __init__(self, client: Client, homes: int, chance: random.Random) -> None:
        self.client, self.homes, self.chance = client, homes, chance
        self.sent: dict[Told, float] = {}
        self.acknowledged: set[Told] = set()
        self._on_their_way: deque[tuple[Told, MQTTMessageInfo]] = deque()

    def wake(self) -> None:
        """Say a reading that nobody has to hear."""
        self.client.publish(f"hearth/v1/s{self.homes}/telemetry", json.dumps({"temperature": 20.0}), 1)

    def say(self) -> None:
        """Say a reading of some home, and note which ones the broker has acknowledged."""
        self.settle()
        home = self.chance.randrange(self.homes)
        late = self.chance.randrange(LATE_S) if self.chance.random() < LATE else 0
        told = (home, int(time.time()) - late)
        if told in self.sent:
            return
        before = max((one for one in self.sent if one[0] == home), default=None)
        lasts = before is not None and self.chance.random() < LASTING
        celsius = self.sent[before] if before is not None and lasts else self.chance.choice(TEMPERATURES)
        self.sent[told] = celsius
        payload = json.dumps({"ts": told[1] * 1000, "temperature": celsius})
        info = self.client.publish(f"hearth/v1/s{home}/telemetry", payload, 1)
        if info.rc == MQTTErrorCode.MQTT_ERR_NO_CONN:
            info.rc = MQTTErrorCode.MQTT_ERR_SUCCESS  # the client keeps it, and sends it when the broker is back
        self._on_their_way.append((told, info))

    def settle(self) -> bool:
        """Note what was acknowledged; returns whether all is."""
        for _ in range(len(self._on_their_way)):
            told, info = self._on_their_way.popleft()
            if info.is_published():
                self.acknowledged.add(told)
            else:
                self._on_their_way.append((told, info))
        return not self._on_their_way


class Desk:
    """A dispatcher who adds remarks to a ticket over HTTP: each under a key of its own, until it is answered."""

    def __init__(self, port: int, token: str, run: int) -> None:
        self.root, self.run = f"http://127.0.0.1:{port}/v1", run
        self._headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(trust_env=False, timeout=ANSWER_S)
        self.number: str | None = None
        self.asked = self.answered = 0

    def close(self) -> None:
        """End its connections."""
        self._client.close()

    def open(self) -> bool:
        """Open the ticket that everything is written to; returns whether it is there."""
        report = {"class": "repair", "source": "phone", "description": "a valve drips"}
        self.number = self._post("homes/h0/tickets", report, {})
        return self.number is not None

    def remark(self) -> None:
        """Add the next remark, or the last one again if nobody has answered."""
        if self.asked == self.answered:
            self.asked += 1
        key = {"Idempotency-Key": f"remark-{self.run}-{self.asked}"}
        said = {"kind": "remark", "remark": str(self.asked)}
        if self._post(f"tickets/{self.number}/events", said, key):
            self.answered = self.asked

    def _post(self, path: str, body: dict[str, str], headers: dict[str, str]) -> str | None:
        with suppress(httpx.HTTPError):
            answer = self._client.post(f"{self.root}/{path}", json=body, headers=self._headers | headers)
            if answer.status_code == 201:
                return str(answer.json()["number"])
            if answer.status_code < 500 and answer.status_code != 429:
                raise RuntimeError(f"the API refuses: {answer.text}")
        return None
