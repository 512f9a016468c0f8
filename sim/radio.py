"""Transmission from the sensors to the broker. All disorder of delivery comes from when messages are due."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sim import faults, telemetry
from sim.faults import FaultKind
from sim.telemetry import TimedPayload
from sim.town import SECOND_US, Town, TownReadings, channel_values

DELAY_SECONDS = (0.1, 1.5)
DUPLICATE_CHANCE = 0.002  # per message
LATE_CHANCE = 0.003  # per message: overtaken by its successors
LATE_INTERVALS = (1.0, 2.5)
ON_THE_DOT_SHARE = 0.1  # of the devices measure on the full interval, the others at some moment within it

_PHASE_STREAM, _DELIVERY_STREAM = 51, 52


def substation_device(code: str) -> str:
    """Return the device that publishes for a substation."""
    return f"s-{code.lower()}"


class Radio:
    """Turns the steps of a town into messages; `held` are those still in transit between steps."""

    def __init__(self, town: Town, held: Sequence[TimedPayload] = ()) -> None:
        self.town = town
        self.held = list(held)
        self._device_of_sensor = np.array([sensor.device for sensor in town.layout.sensors])
        self._phase_us = _phases(town.seed, len(town.layout.devices), town.interval_us)

    def step(self) -> list[TimedPayload]:
        """Return the messages due before the town's next step, in order of time, and advance the town to it."""
        until_us = self.town.at_us + self.town.interval_us
        under_way = self.held + self._from_homes() + self._from_substations()
        due = sorted(message for message in under_way if message.due_us < until_us)
        self.held = [message for message in under_way if message.due_us >= until_us]
        self.town.advance()
        return due

    def _from_homes(self) -> list[TimedPayload]:
        town = self.town
        readings = town.readings()
        measured_us = town.at_us + self._phase_us
        objects = self._objects(readings, measured_us)
        due_us, copy_us = self._due(measured_us)
        messages = []
        for device, due, copy in zip(town.layout.devices, due_us.tolist(), copy_us.tolist(), strict=True):
            speaking = [i for i in device.sensors if objects[i]]
            if not speaking:
                continue
            payload = (
                telemetry.array([town.layout.sensors[i].id for i in speaking], [objects[i] for i in speaking])
                if device.gateway
                else objects[speaking[0]]
            )
            messages.append(TimedPayload(due, telemetry.topic(device.name), payload))
            if copy:
                messages.append(TimedPayload(copy, telemetry.topic(device.name), payload))
        return messages

    def _objects(self, readings: TownReadings, measured_us: npt.NDArray[np.int64]) -> list[str]:
        """Render each sensor's JSON object, empty for silent ones."""
        error_us = (readings.clock_error_seconds * SECOND_US).astype(np.int64)
        claimed_us = measured_us[self._device_of_sensor] + error_us
        times = telemetry.milliseconds(claimed_us)
        for i, sensor in enumerate(self.town.layout.sensors):
            if sensor.text_time:
                times[i] = telemetry.rfc3339(int(claimed_us[i]))
        values = (readings.celsius.tolist(), readings.humidity.tolist(), readings.battery.tolist())
        objects = list(map(telemetry.room, times, *values))
        for i in np.flatnonzero(readings.silent).tolist():
            objects[i] = ""
        return objects

    def _due(self, measured_us: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return (instant to send, instant to resend or 0) for every device's message."""
        town, count = self.town, len(measured_us)
        rng = np.random.default_rng([town.seed, _DELIVERY_STREAM, town.at_us])
        due_us = measured_us + (rng.uniform(*DELAY_SECONDS, count) * SECOND_US).astype(np.int64)
        late_us = (rng.uniform(*LATE_INTERVALS, count) * town.interval_us).astype(np.int64)
        due_us = np.where(rng.random(count) < LATE_CHANCE, due_us + late_us, due_us)
        gap_end_us = faults.latest_end_us(town.calendar.active(town.at_us)[FaultKind.RADIO_GAP], count)
        # Messages held back by a gap arrive in order of measurement, in the last seconds of the gap.
        catch_up_us = gap_end_us - (gap_end_us - measured_us) // 10_000
        due_us = np.where(gap_end_us > due_us, catch_up_us, due_us)
        again = rng.random(count) < DUPLICATE_CHANCE
        return due_us, np.where(again, due_us + 3 * SECOND_US, 0)

    def _from_substations(self) -> list[TimedPayload]:
        town = self.town
        channels = town.channels()
        ts = str(town.at_us // 1000)
        return [
            TimedPayload(
                town.at_us + SECOND_US,
                telemetry.topic(substation_device(substation.code)),
                telemetry.channels(ts, channel_values(channels, i)),
            )
            for i, substation in enumerate(town.layout.substations)
        ]


def _phases(seed: int, devices: int, interval_us: int) -> npt.NDArray[np.int64]:
    rng = np.random.default_rng([seed, _PHASE_STREAM])
    phases = rng.integers(0, interval_us, devices)
    phases[rng.random(devices) < ON_THE_DOT_SHARE] = 0
    return phases
