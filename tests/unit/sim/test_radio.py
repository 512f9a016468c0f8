import json
from datetime import datetime
from typing import Any

import numpy as np

from sim import telemetry
from sim.faults import FaultKind
from sim.radio import Radio
from sim.telemetry import TimedPayload
from sim.town import Town

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
START_US = 1_768_363_200_000_000
FIELDS = {
    *("ts", "temperature", "humidity", "battery", "supply_temperature", "return_temperature", "supply_pressure"),
    *("return_pressure", "flow", "heat_power", "outdoor_temperature"),
}


def town_of(homes: int = 200) -> Town:
    return Town(5, homes, 300, epoch_us=START_US)


def messages(town: Town, hours: float) -> list[TimedPayload]:
    radio, result, end_us = Radio(town), [], town.at_us + int(hours * HOUR_US)
    while town.at_us < end_us:
        result += radio.step()
    return result


def objects(message: TimedPayload) -> list[dict[str, Any]]:
    body = json.loads(message.payload)
    return body if isinstance(body, list) else [body]


def device(message: TimedPayload) -> str:
    return message.topic.split("/")[2]


def milliseconds(ts: int | str) -> int:
    return ts if isinstance(ts, int) else round(datetime.fromisoformat(ts).timestamp() * 1000)


def test_every_message_speaks_the_contract() -> None:
    town = town_of()
    gateways = {d.name for d in town.layout.devices if d.gateway}
    ids = {s.id for s in town.layout.sensors}
    sent = messages(town, 1)
    assert {device(m) for m in sent} >= gateways
    for message in sent:
        assert message.topic == f"hearth/v1/{device(message)}/telemetry"
        for body in objects(message):
            named = body.pop("id", None)
            assert named in ids if device(message) in gateways else named is None
            assert set(body) <= FIELDS
            assert milliseconds(body["ts"]) > 0


def test_times_are_written_as_milliseconds_and_as_text() -> None:
    kinds = {type(body["ts"]) for m in messages(town_of(500), 0.5) for body in objects(m)}
    assert kinds == {int, str}


def test_messages_come_in_order_of_time_and_none_before_its_time() -> None:
    town = town_of()
    sent = messages(town, 2)
    due = [message.due_us for message in sent]
    assert due == sorted(due)
    assert due[0] >= START_US
    assert due[-1] < town.at_us


def test_two_runs_send_the_same() -> None:
    assert messages(town_of(), 1) == messages(town_of(), 1)


def test_a_radio_gap_holds_readings_back_and_sends_them_in_order() -> None:
    town = town_of(500)
    half_hours = range(START_US, START_US + 48 * HOUR_US, HOUR_US // 2)
    gaps = (gap for at_us in half_hours for gap in town.calendar.active(at_us)[FaultKind.RADIO_GAP])
    gap = next(g for g in gaps if g["begin_us"] >= START_US and g["end_us"] - g["begin_us"] > 2 * HOUR_US)
    town.advance_to(int(gap["begin_us"]))
    name = town.layout.devices[int(gap["target"])].name
    sent = [m for m in messages(town, 5) if device(m) == name]
    begin_us, end_us = int(gap["begin_us"]), int(gap["end_us"])
    held = [m for m in sent if begin_us + 5 * MINUTE_US < m.due_us < end_us]
    assert len(held) > 20
    assert end_us - held[0].due_us < 5_000_000
    times = [milliseconds(objects(m)[0]["ts"]) for m in held]
    assert times == sorted(times)
    assert end_us / 1000 - times[0] > 100 * MINUTE_US / 1000


def test_some_messages_come_twice_and_some_are_overtaken() -> None:
    sent = messages(town_of(500), 6)
    assert len(sent) > len({(m.topic, m.payload) for m in sent})
    last: dict[str, int] = {}
    overtaken = 0
    for message in sent:
        ts = milliseconds(objects(message)[0]["ts"])
        overtaken += ts < last.get(message.topic, ts)
        last[message.topic] = ts
    assert overtaken > 0


def test_what_is_under_way_can_be_kept_and_sent_later() -> None:
    town, reference = town_of(500), Radio(town_of(500))
    radio = Radio(town)
    radio.step()
    reference.step()
    resumed = Radio(town_of(500), radio.held)
    resumed.town.restore(town.state())
    assert radio.held
    assert resumed.step() == reference.step()


def test_packed_messages_hold_the_same_readings() -> None:
    sent = messages(town_of(), 0.5)
    packed = telemetry.packed(sent)

    def readings(some: list[TimedPayload]) -> list[str]:
        return sorted(f"{m.topic} {body}" for m in some for body in objects(m))

    assert len(packed) < len(sent) / 3
    assert readings(packed) == readings(sent)
    assert max(len(m.payload) for m in packed) < 2 * telemetry.PACKED_CHARACTERS


def test_encoders_to_the_letter() -> None:
    at_us = 1_768_363_200_123_456
    body = telemetry.room(telemetry.milliseconds(np.array([at_us]))[0], 17.456, 40.0, 3.0)
    assert body == '{"ts":1768363200123,"temperature":17.46,"humidity":40.0,"battery":3.00}'
    assert telemetry.rfc3339(at_us) == '"2026-01-14T04:00:00.123Z"'
    assert telemetry.array(["a", "b"], ['{"ts":1}', '{"ts":2}']) == '[{"id":"a","ts":1},{"id":"b","ts":2}]'
    assert telemetry.channels("1", {"flow": 2.5}) == '{"ts":1,"flow":2.5}'
    assert telemetry.temperature(at_us, 16.921) == '{"ts":1768363200123,"temperature":16.921}'
