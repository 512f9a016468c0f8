"""Texts of decisions about readings and flags."""

from collections.abc import Mapping

from domain.reasons import BreachReason, RejectReason
from domain.states import ClearReason
from domain.words.text import Text

CONTRACT = "合同 / contract"  # the clause that a contract's limit names
ANY_TIME = Text("任何时间", "at any time")
WINDOW = Text("{opens}至{closes}", "{opens} to {closes}")
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
    RejectReason.FAILED: Text(
        "程序处理该消息时出错，修复后可重新处理。",
        "Hearth failed at this message by an error of its own; it can be replayed once that is fixed.",
    ),
}
# Templates: at (local time), room, celsius, limit, window, clause, number.
MEASURED_TEXT = Text(
    "{at}上门测温（{room}）为{celsius}℃，低于{limit}℃（{window}）；依据：{clause}；测温记录{number}。",
    "Measured on site at {at} ({room}): {celsius} °C, under {limit} °C ({window}). Source: {clause}; record {number}.",
)
