"""Reasons for decisions: enums that are stored and counted, each with a Chinese and an English text."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from domain.states import ClearReason


class Text(NamedTuple):
    """A text in two languages."""

    zh: str
    en: str


class RejectReason(StrEnum):
    """Reason a message, or one reading in it, was rejected. Stored with the dead letter."""

    BAD_TOPIC = "bad_topic"
    MALFORMED = "malformed"  # not JSON (or protobuf), or not in the agreed format
    WRONG_TYPE = "wrong_type"  # a field has a type other than the contract's
    NOT_A_NUMBER = "not_a_number"
    NO_VALUE = "no_value"  # no known field, or none with a value
    AMBIGUOUS = "ambiguous"  # several values where one is expected
    NO_SENSOR = "no_sensor"  # it does not name its sensor
    UNKNOWN_ALIAS = "unknown_alias"  # Sparkplug: an alias before the birth message that defines it
    UNKNOWN_SENSOR = "unknown_sensor"
    FOREIGN_SENSOR = "foreign_sensor"  # reported by a device that is not its gateway
    NOT_PLACED = "not_placed"  # the sensor was not installed at that time
    FUTURE = "future"  # beyond the tolerance
    ABSURD_TIME = "absurd_time"
    TOO_OLD = "too_old"  # it arrived too long after it was measured
    OVERSIZE = "oversize"
    TOO_MANY_READINGS = "too_many_readings"  # more elements in one message than are decoded
    TOO_MANY_FAULTS = "too_many_faults"  # more unreadable elements than are examined
    TOO_DEEP = "too_deep"  # nested deeper than any format
    FLOOD = "flood"  # beyond the share of its sender in the dead letters: counted, not kept
    UNREAD_VALUE = "unread_value"  # one value cannot be read; the others of its reading count
    CONFLICT = "conflict"  # a different value of the same quantity, sensor and instant is stored
    REFUSED = "refused"  # the database refused it for its content


class NoValue(StrEnum):
    """Reason a quantity named in a message has no value. Counted by quantity."""

    SENTINEL = "sentinel"  # the sensor's code for a missing value
    OUT_OF_RANGE = "out_of_range"  # beyond the range of any instrument
    WITHHELD = "withheld"  # marked as bad by its source


class BreachReason(StrEnum):
    """The rule that a home violates. Stored with the flag."""

    BELOW_DAY_LIMIT = "below_day_limit"
    BELOW_FLOOR = "below_floor"
    BELOW_CONTRACT = "below_contract"


# Templates: since, confirmed (local time), celsius, limit, window, clause.
BREACH_TEXTS: Mapping[BreachReason, Text] = {
    BreachReason.BELOW_DAY_LIMIT: Text(
        "自{since}起室温低于规定的{limit}℃（{window}），{confirmed}确认时为{celsius}℃；依据：{clause}。",
        "Below the required {limit} °C ({window}) since {since}; {celsius} °C when confirmed at {confirmed}. "
        "Source: {clause}.",
    ),
    BreachReason.BELOW_FLOOR: Text(
        "自{since}起室温不达标，{confirmed}确认时为{celsius}℃，低于最低限{limit}℃（{window}）；依据：{clause}。",
        "Too cold since {since}; {celsius} °C when confirmed at {confirmed}, below the floor limit of {limit} °C "
        "({window}). Source: {clause}.",
    ),
    BreachReason.BELOW_CONTRACT: Text(
        "自{since}起室温低于合同约定的{limit}℃（{window}），{confirmed}确认时为{celsius}℃；依据：{clause}。",
        "Below the contract's {limit} °C ({window}) since {since}; {celsius} °C when confirmed at {confirmed}. "
        "Source: {clause}.",
    ),
}
CLEAR_TEXTS: Mapping[ClearReason, Text] = {
    ClearReason.RECOVERED: Text("室温已恢复并保持达标。", "The home is warm again and has stayed so."),
    ClearReason.OUT_OF_SEASON: Text("供热期已结束。", "The heating season is over."),
    ClearReason.HEAT_STOPPED: Text("该户已停热。", "The home's heating was stopped."),
    ClearReason.NO_POLICY: Text("该户已无适用的温度标准。", "No limit applies to the home any more."),
    ClearReason.WITHDRAWN: Text(
        "补到的数据或更正表明并未低温。", "Late data or a correction shows that the home was not cold."
    ),
    ClearReason.TAKEN_OVER: Text(
        "传感器也已测得低温，由其继续跟踪。", "The sensors now show the cold too and continue to track it."
    ),
    ClearReason.MEASURED: Text("经上门测温确认室温达标。", "Measured on site, the home is warm."),
    ClearReason.SENSOR_OUT: Text(
        "经上门测温确认室温达标；读数不符的传感器已撤除。",
        "Measured on site, the home is warm; the contradicting sensor was removed.",
    ),
}
NO_VALUE_TEXTS: Mapping[NoValue, Text] = {
    NoValue.SENTINEL: Text("传感器以此值表示没有读数。", "The sensor sends this in place of a missing value."),
    NoValue.OUT_OF_RANGE: Text("超出仪表量程。", "Out of the instrument's range."),
    NoValue.WITHHELD: Text("数据源标明该值不可用。", "The source marks the value as unusable."),
}
REJECT_TEXTS: Mapping[RejectReason, Text] = {
    RejectReason.BAD_TOPIC: Text("主题不符合约定。", "The topic does not follow the contract."),
    RejectReason.MALFORMED: Text("内容不符合约定格式。", "The payload is not in the agreed format."),
    RejectReason.WRONG_TYPE: Text("字段类型不符。", "A field has the wrong type."),
    RejectReason.NOT_A_NUMBER: Text("数值不可用。", "A value is not a usable number."),
    RejectReason.NO_VALUE: Text("没有任何可用的数值。", "The message has no usable value."),
    RejectReason.AMBIGUOUS: Text("应有一个数值之处有多个数值。", "Several values where one is expected."),
    RejectReason.NO_SENSOR: Text("消息未指明传感器。", "The message does not name its sensor."),
    RejectReason.UNKNOWN_ALIAS: Text("尚未收到别名的定义。", "The alias has not been defined yet."),
    RejectReason.UNKNOWN_SENSOR: Text("传感器未登记。", "The sensor is not registered."),
    RejectReason.FOREIGN_SENSOR: Text("该设备无权为此传感器上报。", "The device may not report for this sensor."),
    RejectReason.NOT_PLACED: Text("当时该传感器没有安装位置。", "The sensor was not installed at that time."),
    RejectReason.FUTURE: Text("测量时间超前。", "The time of measurement is in the future."),
    RejectReason.ABSURD_TIME: Text("测量时间不合理。", "The time of measurement is implausible."),
    RejectReason.TOO_OLD: Text("测量时间过早，已超出接收期限。", "It arrived too long after it was measured."),
    RejectReason.OVERSIZE: Text("消息过大。", "The message is too large."),
    RejectReason.TOO_MANY_READINGS: Text("一条消息中的读数过多。", "Too many readings in one message."),
    RejectReason.TOO_MANY_FAULTS: Text("一条消息中的错误过多。", "Too many errors in one message."),
    RejectReason.TOO_DEEP: Text("消息嵌套过深。", "The message is nested too deeply."),
    RejectReason.FLOOD: Text(
        "发送量超出可暂存的上限，仅计数。", "Its sender exceeded the storage limit: it is counted but not kept."
    ),
    RejectReason.UNREAD_VALUE: Text(
        "其中一个数值无法读取，其余数值照常入库。", "One value cannot be read; the other values of the reading count."
    ),
    RejectReason.CONFLICT: Text(
        "同一传感器同一时刻已存有另一数值。", "A different value of that sensor and instant is already stored."
    ),
    RejectReason.REFUSED: Text("数据库因内容拒收。", "The database rejected the content."),
}
