"""Names in the field: which quantity, sensor or time the name of a field is likely to mean."""

import re

from ingest.decoders.hints import OTHERS, WORDS

NOT_THESE = re.compile(
    r"attempt|template|temporary|cpu|board|chip|esp32|mcu|core|low$|_ok$|state|status", re.IGNORECASE
)
HOT = re.compile(r"temp|tmp|温|wendu|celsius", re.IGNORECASE)
PRESSURE = re.compile(r"press|压力|压$|^p\d?(?:_[a-z/0-9]+)?$|yali", re.IGNORECASE)
RETURN = re.compile(r"return|回|huishui|(?:^|_)ret(?:_|$)", re.IGNORECASE)
SUPPLY = re.compile(r"supply|forward|flow|供|gongshui|(?:^|_)sup(?:_|$)", re.IGNORECASE)
SIDES = {"return_temperature": RETURN, "supply_temperature": re.compile(r"supply|供", re.IGNORECASE)}
SECOND = re.compile(r"2(?:_|$)")
NUMBERED = re.compile(r"t(?:emp(?:erature)?)?_?([12])(?:_.*)?", re.IGNORECASE)  # of a substation: supply and return
PARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
OUTDOOR = re.compile(r"out|室外|户外|ambient", re.IGNORECASE)
BATTERY = re.compile(r"batt|电量|电池|^bat(?:$|_)|^soc$", re.IGNORECASE)
ROOM = re.compile(r"room|indoor|air|室内|室温|^temperature$", re.IGNORECASE)
# From the surest on; a field that has none of them names no sensor.
NAMING = (
    re.compile(
        r"dev_?eui|imei|^mac$|mac_?addr|serial|^s/?n$|device_?id|sensor_?id|dev_?id|设备编号|编号|编码", re.IGNORECASE
    ),
    re.compile(
        r"^_?id$|^uid$|^eui$|^addr(?:ess)?$|device_?(?:name|code|no|sn)|sensor|^dev(?:ice)?$|location_code",
        re.IGNORECASE,
    ),
    re.compile(r"^name$|^node$|^src$|^code$|[a-z]id$|_id$|名称", re.IGNORECASE),
)
TIME = re.compile(r"^ts$|time|date|^at$|^t$|时间|stamp", re.IGNORECASE)
# What a person could be known by, or a key: it is not shown.
PRIVATE = re.compile(
    r"passw|secret|token|apikey|api_key|ssid|phone|mobile|email|owner|user|customer|tenant|lati|longi|^lat$|^lon$|^lng$"
    r"|gps|position|address_|imsi|iccid|姓名|电话|手机|地址|密码",
    re.IGNORECASE,
)


def channel_of(name: str) -> str | None:
    """Return the channel that a name is likely to mean; None if it means none."""
    if len(name) > 80 or OTHERS.search(name) or NOT_THESE.search(name):
        return None
    if BATTERY.search(name):
        return "battery"
    parts = {part.casefold() for part in PARTS.split(name)} if SUPPLY.search(name) or RETURN.search(name) else set()
    if PRESSURE.search(name) or "p" in parts:
        return "return_pressure" if RETURN.search(name) or SECOND.search(name) else "supply_pressure"
    if HOT.search(name) or "t" in parts or WORDS["temperature"].search(name) or NUMBERED.fullmatch(name):
        return _temperature(name)
    found = next((channel for channel in ("humidity", "flow", "heat_power") if WORDS[channel].search(name)), None)
    return found or next((channel for channel, words in SIDES.items() if words.search(name)), None)


def _temperature(name: str) -> str:
    if OUTDOOR.search(name):
        return "outdoor_temperature"
    if RETURN.search(name):
        return "return_temperature"
    return "supply_temperature" if SUPPLY.search(name) else "temperature"


def rank_of_name(name: str) -> int | None:
    """Return how surely a field of this name names the sensor, 0 the surest; None if it does not."""
    return next((rank for rank, words in enumerate(NAMING) if words.search(name)), None)
