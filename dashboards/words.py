"""Texts and styles of columns and values. A column means the same in every panel."""

from collections.abc import Mapping
from dataclasses import dataclass

from dashboards.look import BLUE, GREEN, GREY, ORANGE, PALE, RED, YELLOW
from domain.care import CARE_TEXTS
from domain.reasons import REJECT_TEXTS, Text
from domain.substation import AlarmKind


@dataclass(frozen=True)
class Value:
    """The text and colour of one value of a column."""

    text: Text
    colour: str | None = None


@dataclass(frozen=True)
class PanelColumn:
    """The text and style of a column.

    `link` is a key of dashboards.links.LINKS. `celsius`: coloured by the policy's limits.
    """

    text: Text
    unit: str | None = None
    decimals: int | None = None
    values: Mapping[str, Value] | None = None
    colour: str | None = None
    celsius: bool = False
    link: str | None = None


STATES = {
    "compliant": Value(Text("达标", "compliant"), GREEN),
    "cold": Value(Text("低温", "cold"), ORANGE),
    "severe": Value(Text("严重低温", "severe"), RED),
    "unknown": Value(Text("未知", "unknown"), GREY),
    "not_judged": Value(Text("不考核", "not judged"), PALE),
    "suspended": Value(Text("暂停", "suspended"), YELLOW),
    "open": Value(Text("进行中", "open"), ORANGE),
    "known": Value(Text("有数据", "known"), GREEN),
    "silent": Value(Text("无数据", "silent"), GREY),
}
TICKET_CLASSES = {
    "cold": Value(Text("低温", "cold home")),
    "leak": Value(Text("跑冒滴漏", "leak")),
    "repair": Value(Text("报修", "repair")),
    "device": Value(Text("设备", "device")),
    "complaint": Value(Text("投诉", "complaint")),
    "report": Value(Text("举报", "report")),
}
TICKET_STATES = {
    "open": Value(Text("待受理", "open"), RED),
    "accepted": Value(Text("已受理", "accepted"), ORANGE),
    "working": Value(Text("处理中", "working"), BLUE),
    "verifying": Value(Text("待验证", "verifying"), YELLOW),
    "done": Value(Text("已完成", "done"), GREEN),
    "closed": Value(Text("已关闭", "closed"), PALE),
}
ENDINGS = {
    "merged": Value(Text("已合并", "merged"), PALE),
    "void": Value(Text("作废", "void"), PALE),
}
CLOCKS = {
    "station_reply": Value(Text("供热站回复", "station reply")),
    "contact": Value(Text("联系用户", "contact")),
    "on_site": Value(Text("到达现场", "on site")),
    "done": Value(Text("处理完毕", "done")),
    "call_back": Value(Text("回访", "call back")),
    "answer": Value(Text("答复", "answer")),
    "accept": Value(Text("受理", "accept")),
    "finish": Value(Text("办结", "finish")),
}
HOME_CLASSES = {
    "multistorey": Value(Text("楼房", "multi-storey")),
    "bungalow": Value(Text("平房", "bungalow")),
    "nonresidential": Value(Text("非居民", "non-residential")),
}
ALARMS = {
    AlarmKind.SUPPLY_LOW.value: Value(Text("供水温度低", "supply temperature low")),
    AlarmKind.SUPPLY_PRESSURE_LOW.value: Value(Text("供水压力低", "supply pressure low")),
    AlarmKind.SUPPLY_PRESSURE_HIGH.value: Value(Text("供水压力高", "supply pressure high")),
    AlarmKind.RETURN_PRESSURE_LOW.value: Value(Text("回水压力低", "return pressure low")),
}
REASONS = {
    **{reason.value: Value(text) for reason, text in CARE_TEXTS.items()},
    **{reason.value: Value(text) for reason, text in REJECT_TEXTS.items()},
}
CLEAR_REASONS = {
    "recovered": Value(Text("已恢复", "recovered")),
    "out_of_season": Value(Text("供热期结束", "out of season")),
    "heat_stopped": Value(Text("停热", "heat stopped")),
    "no_policy": Value(Text("无标准", "no policy")),
    "withdrawn": Value(Text("已撤销", "withdrawn")),
    "taken_over": Value(Text("传感器接续", "taken over by sensors")),
    "measured": Value(Text("上门测温达标", "measured compliant")),
    "sensor_out": Value(Text("传感器已撤除", "sensor removed")),
}
INCIDENTS = {
    "cold_homes": Value(Text("成片低温", "many cold homes")),
    "substation_alarm": Value(Text("换热站报警", "substation alarm")),
}

OUTAGES = {
    "planned": Value(Text("计划停热", "planned")),
    "fault": Value(Text("故障停热", "fault")),
}
OUTAGE_STATES = {
    "planned": Value(Text("未开始", "not started"), BLUE),
    "running": Value(Text("进行中", "running"), ORANGE),
    "late": Value(Text("逾期未恢复", "late"), RED),
}
AUDIENCES = {
    "dispatch": Value(Text("调度", "dispatch")),
    "crew": Value(Text("抢修人员", "crew")),
    "supervisor": Value(Text("主管", "supervisor")),
    "witness": Value(Text("见证方", "witness")),
    "user": Value(Text("用户", "user")),
}

_TIME = "dateTimeAsIso"
COLUMNS: Mapping[str, PanelColumn] = {
    # places
    "station": PanelColumn(Text("供热站", "station")),
    "substation": PanelColumn(Text("换热站", "substation"), link="substation"),
    "building": PanelColumn(Text("楼栋", "building"), link="building"),
    "home": PanelColumn(Text("住户", "home"), link="home"),
    "unit": PanelColumn(Text("房号", "unit")),
    "room": PanelColumn(Text("房间", "room")),
    "sensor": PanelColumn(Text("传感器", "sensor")),
    "name": PanelColumn(Text("名称", "name")),
    "place": PanelColumn(Text("位置", "place")),
    "lat": PanelColumn(Text("纬度", "latitude")),
    "lon": PanelColumn(Text("经度", "longitude")),
    # temperatures
    "temperature": PanelColumn(Text("室温", "temperature"), unit="celsius", decimals=1, celsius=True),
    "coldest": PanelColumn(Text("最低室温", "coldest"), unit="celsius", decimals=1, celsius=True),
    "mean": PanelColumn(Text("平均室温", "mean"), unit="celsius", decimals=1, celsius=True),
    "lowest": PanelColumn(Text("最低", "lowest"), unit="celsius", decimals=1, celsius=True),
    "limit": PanelColumn(Text("标准", "limit"), unit="celsius", decimals=1),
    "cold_limit": PanelColumn(Text("达标线", "limit by day"), unit="celsius", decimals=1, colour=ORANGE),
    "severe_limit": PanelColumn(Text("最低线", "floor"), unit="celsius", decimals=1, colour=RED),
    "supply_temperature": PanelColumn(Text("供水温度", "supply"), unit="celsius", decimals=1, colour=RED),
    "return_temperature": PanelColumn(Text("回水温度", "return"), unit="celsius", decimals=1, colour=BLUE),
    "outdoor_temperature": PanelColumn(Text("室外温度", "outdoor"), unit="celsius", decimals=1, colour=GREY),
    # other channels
    "supply_pressure": PanelColumn(Text("供水压力", "supply pressure"), unit="suffix: MPa", decimals=2, colour=RED),
    "return_pressure": PanelColumn(Text("回水压力", "return pressure"), unit="suffix: MPa", decimals=2, colour=BLUE),
    "flow": PanelColumn(Text("流量", "flow"), unit="suffix: m³/h", decimals=1),
    "heat_power": PanelColumn(Text("热功率", "heat power"), unit="kwatt", decimals=0),
    "measured_at": PanelColumn(Text("测量时间", "measured at"), unit=_TIME),
    # homes by state
    "homes": PanelColumn(Text("住户数", "homes"), unit="short"),
    "compliant": PanelColumn(Text("达标", "compliant"), unit="short", colour=GREEN),
    "cold": PanelColumn(Text("低温", "cold"), unit="short", colour=ORANGE),
    "severe": PanelColumn(Text("严重低温", "severe"), unit="short", colour=RED),
    "unknown": PanelColumn(Text("未知", "unknown"), unit="short", colour=GREY),
    "not_judged": PanelColumn(Text("不考核", "not judged"), unit="short", colour=PALE),
    "cold_homes": PanelColumn(Text("低温户数", "cold homes"), unit="short", colour=ORANGE),
    "state": PanelColumn(Text("状态", "state"), values=STATES),
    "state_since": PanelColumn(Text("自", "since"), unit=_TIME),
    "flag": PanelColumn(Text("标记", "flag"), values=STATES),
    "signal": PanelColumn(Text("数据", "signal"), values=STATES),
    # share of time
    "rate": PanelColumn(Text("室温合格率", "qualified rate"), unit="percentunit", decimals=1),
    "coverage": PanelColumn(Text("数据覆盖率", "coverage"), unit="percentunit", decimals=1),
    "judged_hours": PanelColumn(Text("考核户时", "judged home-hours"), unit="short", decimals=0),
    "day": PanelColumn(Text("日期", "day")),
    "compliant_h": PanelColumn(Text("达标", "compliant"), unit="h", decimals=1, colour=GREEN),
    "cold_h": PanelColumn(Text("低温", "cold"), unit="h", decimals=1, colour=ORANGE),
    "severe_h": PanelColumn(Text("严重低温", "severe"), unit="h", decimals=1, colour=RED),
    "unknown_h": PanelColumn(Text("未知", "unknown"), unit="h", decimals=1, colour=GREY),
    "not_judged_h": PanelColumn(Text("不考核", "not judged"), unit="h", decimals=1, colour=PALE),
    "rate_by_time": PanelColumn(Text("合格率（按时间）", "qualified rate by time"), unit="percentunit", decimals=1),
    "rate_by_homes": PanelColumn(Text("合格率（按户）", "qualified rate by homes"), unit="percentunit", decimals=1),
    "qualified_homes": PanelColumn(Text("合格户数", "qualified homes"), unit="short"),
    "judged_homes": PanelColumn(Text("考核户数", "judged homes"), unit="short"),
    "kelvin_hours": PanelColumn(Text("欠温度时", "kelvin-hours below limit"), unit="short", decimals=0),
    # flags, tickets, clocks
    "severity": PanelColumn(Text("程度", "severity"), values=STATES),
    "flags": PanelColumn(Text("标记数", "flags"), unit="short"),
    "cold_since": PanelColumn(Text("低温开始", "cold since"), unit=_TIME),
    "raised_at": PanelColumn(Text("标记时间", "raised at"), unit=_TIME),
    "cleared_at": PanelColumn(Text("解除时间", "cleared at"), unit=_TIME),
    "clear_reason": PanelColumn(Text("解除原因", "clear reason"), values=CLEAR_REASONS),
    "ticket": PanelColumn(Text("工单", "ticket"), link="ticket"),
    "class": PanelColumn(Text("类别", "class"), values=TICKET_CLASSES),
    "home_class": PanelColumn(Text("类型", "home class"), values=HOME_CLASSES),
    "ticket_state": PanelColumn(Text("工单状态", "ticket state"), values={**TICKET_STATES, **ENDINGS}),
    "priority": PanelColumn(Text("优先级", "priority"), unit="none"),
    "opened_at": PanelColumn(Text("开单时间", "opened at"), unit=_TIME),
    "closed_at": PanelColumn(Text("关闭时间", "closed at"), unit=_TIME),
    "done_at": PanelColumn(Text("报完工时间", "marked done"), unit=_TIME),
    "clock": PanelColumn(Text("时限", "clock"), values=CLOCKS),
    "due_at": PanelColumn(Text("到期", "due at"), unit=_TIME),
    "left_s": PanelColumn(Text("剩余", "time left"), unit="dtdurations", decimals=0),
    "tickets": PanelColumn(Text("工单数", "tickets"), unit="short"),
    "breached": PanelColumn(Text("已超时", "breached"), unit="short", colour=RED),
    "due_soon": PanelColumn(Text("半小时内到期", "due within 30 min"), unit="short", colour=ORANGE),
    "running": PanelColumn(Text("计时中", "running"), unit="short", colour=BLUE),
    "unanswered": PanelColumn(Text("待回复", "unanswered"), unit="short", colour=ORANGE),
    "due": PanelColumn(Text("应完成", "due"), unit="short"),
    "in_time": PanelColumn(Text("及时", "on time"), unit="short", colour=GREEN),
    "unmet": PanelColumn(Text("未完成", "not done"), unit="short", colour=RED),
    "in_time_rate": PanelColumn(Text("及时率", "on-time rate"), unit="percentunit", decimals=1),
    "median_s": PanelColumn(Text("用时中位数", "median time"), unit="dtdurations", decimals=0),
    "received": PanelColumn(Text("受理", "received"), unit="short"),
    "closed": PanelColumn(Text("办结", "closed"), unit="short"),
    "merged": PanelColumn(Text("合并", "merged"), unit="short"),
    "void": PanelColumn(Text("作废", "void"), unit="short"),
    "closure": PanelColumn(Text("办结率", "closure rate"), unit="percentunit", decimals=1),
    "closure_in_time": PanelColumn(Text("按期办结率", "closed on time"), unit="percentunit", decimals=1),
    "answered": PanelColumn(Text("按期答复率", "answered on time"), unit="percentunit", decimals=1),
    "overdue": PanelColumn(Text("逾期", "overdue"), unit="short", colour=RED),
    "waiting": PanelColumn(Text("办理中", "waiting"), unit="short"),
    "called_back": PanelColumn(Text("已回访", "called back"), unit="short"),
    "called_back_rate": PanelColumn(Text("回访率", "call-back rate"), unit="percentunit", decimals=1),
    "satisfied": PanelColumn(Text("满意", "satisfied"), unit="short"),
    "asked": PanelColumn(Text("已评价", "asked"), unit="short"),
    "satisfaction": PanelColumn(Text("满意率", "satisfaction rate"), unit="percentunit", decimals=1),
    "recovered": PanelColumn(Text("已恢复", "recovered"), unit="short"),
    "warm_median_s": PanelColumn(Text("恢复用时中位数", "median time to recovery"), unit="dtdurations", decimals=0),
    # incidents, alarms, devices
    "incident": PanelColumn(Text("事件", "incident")),
    "incident_kind": PanelColumn(Text("类别", "kind"), values=INCIDENTS),
    "children": PanelColumn(Text("涉及住户", "homes affected"), unit="short"),
    "still_cold": PanelColumn(Text("仍低温", "still cold"), unit="short", colour=ORANGE),
    "outage": PanelColumn(Text("停热编号", "outage")),
    "outage_kind": PanelColumn(Text("类别", "kind"), values=OUTAGES),
    "outage_state": PanelColumn(Text("状态", "state"), values=OUTAGE_STATES),
    "begins_at": PanelColumn(Text("开始", "begins"), unit=_TIME),
    "expected_end": PanelColumn(Text("预计恢复", "expected end"), unit=_TIME),
    "announced_at": PanelColumn(Text("已公告", "announced"), unit=_TIME),
    "in_buildings": PanelColumn(Text("涉及楼栋", "buildings"), unit="short"),
    "alarm": PanelColumn(Text("报警", "alarm"), values=ALARMS),
    "alarms": PanelColumn(Text("报警数", "alarms"), unit="short", colour=RED),
    "since": PanelColumn(Text("自", "since"), unit=_TIME),
    "reason": PanelColumn(Text("原因", "reason"), values=REASONS),
    "jobs": PanelColumn(Text("设备工单", "device jobs"), unit="short"),
    # ingest
    "worker": PanelColumn(Text("进程", "worker")),
    "silent_for_s": PanelColumn(Text("距上批", "since last batch"), unit="s", decimals=0),
    "stored_per_s": PanelColumn(Text("入库", "stored"), unit="suffix: /s", decimals=1, colour=GREEN),
    "messages_per_s": PanelColumn(Text("消息", "messages"), unit="suffix: /s", decimals=1, colour=BLUE),
    "duplicates_per_s": PanelColumn(Text("重复", "duplicates"), unit="suffix: /s", decimals=1, colour=GREY),
    "late_per_s": PanelColumn(Text("迟到", "late"), unit="suffix: /s", decimals=1, colour=YELLOW),
    "conflicts_per_s": PanelColumn(Text("冲突", "conflicts"), unit="suffix: /s", decimals=1, colour=ORANGE),
    "dead_per_s": PanelColumn(Text("死信", "dead letters"), unit="suffix: /s", decimals=1, colour=RED),
    "measured_lag_s": PanelColumn(Text("距测量", "since measured"), unit="s", decimals=1, colour=ORANGE),
    "received_lag_s": PanelColumn(Text("距接收", "since received"), unit="s", decimals=1, colour=BLUE),
    "queue_messages": PanelColumn(Text("排队消息", "queued messages"), unit="short"),
    "letters": PanelColumn(Text("死信", "dead letters"), unit="short", colour=RED),
    "count": PanelColumn(Text("数量", "count"), unit="short"),
    "stored": PanelColumn(Text("入库总数", "stored, total"), unit="short"),
    "duplicates": PanelColumn(Text("重复总数", "duplicates, total"), unit="short"),
    "conflicts": PanelColumn(Text("冲突总数", "conflicts, total"), unit="short"),
    "late": PanelColumn(Text("迟到总数", "late, total"), unit="short"),
    "dead": PanelColumn(Text("死信总数", "dead letters, total"), unit="short"),
    "audience": PanelColumn(Text("对象", "audience"), values=AUDIENCES),
    "channel": PanelColumn(Text("渠道", "channel")),
    "retrying": PanelColumn(Text("重试中", "retrying"), unit="short", colour=ORANGE),
    "waiting_since": PanelColumn(Text("最早等待", "waiting since"), unit=_TIME),
    "failed": PanelColumn(Text("失败", "failed"), unit="short", colour=RED),
    "sent_in_a_day": PanelColumn(Text("24小时内已发送", "sent in 24 h"), unit="short", colour=GREEN),
    "last_sent_at": PanelColumn(Text("最近发送", "last sent"), unit=_TIME),
    "open_from": PanelColumn(Text("未结账自", "open from")),
    "counted_to": PanelColumn(Text("统计至", "counted to"), unit=_TIME),
}
