"""Texts and styles of columns and values. A column means the same in every panel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboards.look import BLUE, GREEN, GREY, ORANGE, PALE, PURPLE, RED, YELLOW, Look
from domain.substation import AlarmKind
from domain.words.desk import CARE_TEXTS
from domain.words.reasons import REJECT_TEXTS
from domain.words.text import Text


@dataclass(frozen=True)
class Value:
    """The text and colour of one value of a column."""

    text: Text
    colour: str | None = None


@dataclass(frozen=True)
class PanelColumn:
    """The text and style of a column.

    `link`: a key of dashboards.links.LINKS; `celsius`: coloured by the policy's limits; `steps`: from each value on;
    `chars`: characters of a usual long value, for the width of a table's column.
    """

    text: Text
    unit: str | Text | None = None
    decimals: int | None = None
    values: Mapping[str, Value] | None = None
    colour: str | None = None
    celsius: bool = False
    link: str | None = None
    chars: int = 9
    steps: Sequence[tuple[float | None, str]] = ()

    @property
    def is_coloured(self) -> bool:
        """Tell whether its values have colours of their own."""
        return self.celsius or bool(self.steps) or any(v.colour for v in (self.values or {}).values())


def after(zh: str, en: str) -> Text:
    """Make a unit of a word behind the number; Grafana puts the space between them."""
    return Text(f"suffix:{zh}", f"suffix:{en}")


# Grafana's own units say "2 hours", "ago" and "1.20 K" in any language. These have no words, or those given here.
COUNT = "locale"  # 100,000
TIME = "time:MM-DD HH:mm"
DURATION = "dthms"  # hours:minutes:seconds, for values that are not negative
SECONDS = after("秒", "s")
HOURS = after("小时", "h")
PER_SECOND = after("/秒", "/s")
CHARS = {TIME: 11, DURATION: 9, COUNT: 7, "celsius": 7, "percentunit": 6}

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
    "archived": Value(Text("已归档", "in the archive"), PALE),
    "deleted": Value(Text("已删除", "deleted"), PALE),
}
TICKET_CLASSES = {
    "cold": Value(Text("低温", "cold home")),
    "leak": Value(Text("跑冒滴漏", "leak")),
    "repair": Value(Text("报修", "repair")),
    "device": Value(Text("设备", "device")),
    "complaint": Value(Text("投诉", "complaint")),
    "report": Value(Text("举报", "report")),
    "application": Value(Text("用热申请", "application")),
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
    "plan_answer": Value(Text("方案答复", "answer to plan")),
    "heat_on": Value(Text("供热", "heat on")),
    "heat_at_once": Value(Text("立即供热", "heat at once")),
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
    # Sentences elsewhere; here names of bars and lines.
    reason.value: Value(Text(text.zh.rstrip("。"), text.en.rstrip(".")))
    for reason, text in (*CARE_TEXTS.items(), *REJECT_TEXTS.items())
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
QUANTITIES = {
    "supply": Value(Text("供水 ℃", "supply °C")),
    "return": Value(Text("回水 ℃", "return °C")),
    "spread": Value(Text("温差 K", "difference K")),
    "flow": Value(Text("流量 m³/h", "flow m³/h")),
}
INCIDENTS = {
    "cold_homes": Value(Text("成片低温", "many cold homes")),
    "substation_alarm": Value(Text("换热站报警", "substation alarm")),
}

AREAS = {
    "incident": Value(Text("成片事件", "incident"), PURPLE),
    "outage": Value(Text("停热", "outage"), BLUE),
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
AREA_STATES = {
    **INCIDENTS,
    "planned": Value(Text("停热未开始", "outage to come"), BLUE),
    "running": Value(Text("停热中", "outage"), ORANGE),
    "late": Value(Text("停热逾期", "outage, late"), RED),
}
# Seconds until a clock runs out.
URGENCY = ((None, RED), (1800, ORANGE), (7200, GREEN))
CHANNELS = {
    "email": Value(Text("邮件", "e-mail")),
    "phone": Value(Text("电话", "phone")),
    "webhook": Value(Text("回调接口", "webhook")),
}
AUDIENCES = {
    "dispatch": Value(Text("调度", "dispatch")),
    "crew": Value(Text("抢修人员", "crew")),
    "supervisor": Value(Text("主管", "supervisor")),
    "witness": Value(Text("见证方", "witness")),
    "person": Value(Text("值班人员", "person on call")),
    "user": Value(Text("用户", "user")),
    "peer": Value(Text("对接平台", "peer")),
}

COLUMNS: Mapping[str, PanelColumn] = {
    # places
    "station": PanelColumn(Text("供热站", "station"), chars=10),
    "substation": PanelColumn(Text("换热站", "substation"), link="substation"),
    "building": PanelColumn(Text("楼栋", "building"), link="building"),
    "home": PanelColumn(Text("住户", "home"), link="home", chars=12),
    "unit": PanelColumn(Text("房号", "unit")),
    "room": PanelColumn(Text("房间", "room")),
    "sensor": PanelColumn(Text("传感器", "sensor"), chars=14),
    "name": PanelColumn(Text("名称", "name"), chars=14),
    "place": PanelColumn(Text("位置", "place"), chars=14),
    "address": PanelColumn(Text("地址", "address"), chars=18),
    "building_name": PanelColumn(Text("楼栋", "building"), link="building_of_row", chars=14),
    "map_state": PanelColumn(Text("状态", "state")),
    "area": PanelColumn(Text("区域", "area"), values=AREAS, chars=9),
    "area_state": PanelColumn(Text("状态", "state"), values=AREA_STATES, chars=16),
    "number": PanelColumn(Text("编号", "number"), link="area"),
    "in_severe": PanelColumn(Text("严重低温", "severe"), unit=COUNT, colour=RED),
    "in_cold": PanelColumn(Text("低温", "cold"), unit=COUNT, colour=ORANGE),
    "in_compliant": PanelColumn(Text("达标", "warm"), unit=COUNT, colour=GREEN),
    "in_unknown": PanelColumn(Text("未知", "unknown"), unit=COUNT, colour=GREY),
    "in_not_judged": PanelColumn(Text("不考核", "not judged"), unit=COUNT, colour=PALE),
    "lat": PanelColumn(Text("纬度", "latitude")),
    "lon": PanelColumn(Text("经度", "longitude")),
    # temperatures
    "temperature": PanelColumn(Text("室温", "room"), unit="celsius", decimals=1, celsius=True),
    "coldest": PanelColumn(Text("最低室温", "coldest"), unit="celsius", decimals=1, celsius=True),
    "mean": PanelColumn(Text("平均室温", "mean"), unit="celsius", decimals=1, celsius=True),
    "lowest": PanelColumn(Text("最低", "lowest"), unit="celsius", decimals=1, celsius=True),
    "limit": PanelColumn(Text("标准", "limit"), unit="celsius", decimals=1),
    "cold_limit": PanelColumn(Text("达标线", "limit by day"), unit="celsius", decimals=1, colour=ORANGE),
    "severe_limit": PanelColumn(Text("最低限", "floor limit"), unit="celsius", decimals=1, colour=RED),
    "supply_temperature": PanelColumn(Text("供水温度", "supply"), unit="celsius", decimals=1, colour=RED),
    "return_temperature": PanelColumn(Text("回水温度", "return"), unit="celsius", decimals=1, colour=BLUE),
    "outdoor_temperature": PanelColumn(Text("室外温度", "outdoor"), unit="celsius", decimals=1, colour=GREY),
    # other channels
    "supply_pressure": PanelColumn(Text("供水压力", "supply pressure"), unit="suffix:MPa", decimals=2, colour=RED),
    "return_pressure": PanelColumn(Text("回水压力", "return pressure"), unit="suffix:MPa", decimals=2, colour=BLUE),
    "flow": PanelColumn(Text("流量", "flow"), unit="suffix:m³/h", decimals=1),
    "heat_power": PanelColumn(Text("热功率", "heat power"), unit="suffix:kW", decimals=0),
    "measured_at": PanelColumn(Text("测量时间", "measured at"), unit=TIME),
    # homes by state
    "homes": PanelColumn(Text("住户数", "homes"), unit=COUNT),
    "compliant": PanelColumn(Text("达标", "compliant"), unit=COUNT, colour=GREEN),
    "cold": PanelColumn(Text("低温", "cold"), unit=COUNT, colour=ORANGE),
    "severe": PanelColumn(Text("严重低温", "severe"), unit=COUNT, colour=RED),
    "unknown": PanelColumn(Text("未知", "unknown"), unit=COUNT, colour=GREY),
    "not_judged": PanelColumn(Text("不考核", "not judged"), unit=COUNT, colour=PALE),
    "cold_homes": PanelColumn(Text("低温户", "cold homes"), unit=COUNT, colour=ORANGE),
    "state": PanelColumn(Text("状态", "state"), values=STATES),
    "state_since": PanelColumn(Text("状态起始", "since"), unit=TIME),
    "flag": PanelColumn(Text("标记", "flag"), values=STATES),
    "signal": PanelColumn(Text("数据", "signal"), values=STATES),
    # share of time
    "rate": PanelColumn(Text("合格率", "qualified"), unit="percentunit", decimals=1),
    "coverage": PanelColumn(Text("覆盖率", "coverage"), unit="percentunit", decimals=1),
    "judged_hours": PanelColumn(Text("考核户时", "home-hours"), unit=COUNT, decimals=0),
    "day": PanelColumn(Text("日期", "day")),
    "compliant_h": PanelColumn(Text("达标", "compliant"), unit=HOURS, decimals=1, colour=GREEN),
    "cold_h": PanelColumn(Text("低温", "cold"), unit=HOURS, decimals=1, colour=ORANGE),
    "severe_h": PanelColumn(Text("严重低温", "severe"), unit=HOURS, decimals=1, colour=RED),
    "unknown_h": PanelColumn(Text("未知", "unknown"), unit=HOURS, decimals=1, colour=GREY),
    "not_judged_h": PanelColumn(Text("不考核", "not judged"), unit=HOURS, decimals=1, colour=PALE),
    "rate_by_time": PanelColumn(Text("合格率（时间）", "by time"), unit="percentunit", decimals=1),
    "rate_by_homes": PanelColumn(Text("合格率（户）", "by homes"), unit="percentunit", decimals=1),
    "measured": PanelColumn(Text("实测户", "measured"), unit=COUNT),
    "warm": PanelColumn(Text("合格户", "warm"), unit=COUNT),
    "proven": PanelColumn(Text("至少证明", "proven"), unit="percentunit", decimals=1),
    "by_homes": PanelColumn(Text("加权（户）", "homes"), unit="percentunit", decimals=1),
    "by_homes_low": PanelColumn(Text("下限", "from"), unit="percentunit", decimals=1),
    "by_homes_high": PanelColumn(Text("上限", "to"), unit="percentunit", decimals=1),
    "by_time": PanelColumn(Text("加权（时间）", "time"), unit="percentunit", decimals=1),
    "by_time_low": PanelColumn(Text("下限 ", "from "), unit="percentunit", decimals=1),
    "by_time_high": PanelColumn(Text("上限 ", "to "), unit="percentunit", decimals=1),
    "qualified_homes": PanelColumn(Text("合格户数", "qualified"), unit=COUNT),
    "judged_homes": PanelColumn(Text("考核户数", "judged"), unit=COUNT),
    "brier_skill": PanelColumn(Text("技巧评分", "skill"), unit="percentunit", decimals=0),
    "warned_rate": PanelColumn(Text("召回率", "recall"), unit="percentunit", decimals=0),
    "true_rate": PanelColumn(Text("准确率", "precision"), unit="percentunit", decimals=0),
    "cold_forecasts": PanelColumn(Text("发生次数", "came cold"), unit=COUNT, decimals=0),
    "forecasts": PanelColumn(Text("预测数", "forecasts"), unit=COUNT, decimals=0),
    "said_rate": PanelColumn(Text("预测概率", "said"), unit="percentunit", decimals=0),
    "came_rate": PanelColumn(Text("实际发生", "came true"), unit="percentunit", decimals=0),
    "lead_h": PanelColumn(Text("提前（小时）", "lead, h"), decimals=0),
    "error_k": PanelColumn(Text("平均误差 K", "error, K"), decimals=2),
    "persistence_k": PanelColumn(Text("维持现状误差 K", "persistence, K"), decimals=2),
    "covered_rate": PanelColumn(Text("90% 区间覆盖", "in 90 % interval"), unit="percentunit", decimals=0),
    "forecasting": PanelColumn(
        Text("预测", "forecasts are"),
        values={"on": Value(Text("启用", "on"), GREEN), "off": Value(Text("停用", "off"), GREY)},
    ),
    "quantity": PanelColumn(Text("量", "quantity"), values=QUANTITIES),
    "late_value": PanelColumn(Text("近半天", "last half day"), decimals=1),
    "usual_value": PanelColumn(Text("通常", "usual"), decimals=1),
    "deviations": PanelColumn(Text("偏离倍数", "deviations"), decimals=1),
    "warned": PanelColumn(Text("预警", "warned"), unit=COUNT, decimals=0),
    "visited": PanelColumn(Text("已上门", "visited"), unit=COUNT, decimals=0),
    "became_cold": PanelColumn(Text("已偏冷", "became cold"), unit=COUNT, decimals=0),
    "not_helped": PanelColumn(
        Text("偏冷未上门", "cold, not visited"), unit=COUNT, decimals=0, steps=((None, GREY), (1, RED))
    ),
    "kelvin_hours": PanelColumn(Text("欠温度时", "K·h short"), unit=COUNT, decimals=0),
    # flags, tickets, clocks
    "severity": PanelColumn(Text("程度", "severity"), values=STATES),
    "flags": PanelColumn(Text("标记数", "flags"), unit=COUNT),
    "cold_since": PanelColumn(Text("低温开始", "cold since"), unit=TIME),
    "raised_at": PanelColumn(Text("标记时间", "raised at"), unit=TIME),
    "cleared_at": PanelColumn(Text("解除时间", "cleared at"), unit=TIME),
    "clear_reason": PanelColumn(Text("解除原因", "cleared as"), values=CLEAR_REASONS, chars=14),
    "ticket": PanelColumn(Text("工单", "ticket"), link="ticket"),
    "class": PanelColumn(Text("类别", "class"), values=TICKET_CLASSES),
    "home_class": PanelColumn(Text("类型", "home class"), values=HOME_CLASSES, chars=15),
    "ticket_state": PanelColumn(Text("工单状态", "progress"), values={**TICKET_STATES, **ENDINGS}),
    "priority": PanelColumn(Text("优先级", "priority"), unit=COUNT),
    "opened_at": PanelColumn(Text("开单时间", "opened at"), unit=TIME),
    "opened_per_hour": PanelColumn(Text("每小时新开", "opened per hour"), unit=COUNT, colour=BLUE),
    "closed_at": PanelColumn(Text("关闭时间", "closed at"), unit=TIME),
    "done_at": PanelColumn(Text("报完工时间", "marked done"), unit=TIME),
    "clock": PanelColumn(Text("时限", "clock"), values=CLOCKS, chars=13),
    "due_at": PanelColumn(Text("到期", "due at"), unit=TIME),
    "left_s": PanelColumn(Text("剩余 时：分：秒", "left (h:m:s)"), unit=DURATION, steps=URGENCY),
    "over_s": PanelColumn(Text("已超 时：分：秒", "over (h:m:s)"), unit=DURATION, steps=((None, RED),)),
    "tickets": PanelColumn(Text("工单数", "tickets"), unit=COUNT),
    "breached": PanelColumn(Text("已超时", "ran out"), unit=COUNT, colour=RED),
    "due_soon": PanelColumn(Text("半小时内", "in 30 min"), unit=COUNT, colour=ORANGE),
    "running": PanelColumn(Text("计时中", "running"), unit=COUNT, colour=BLUE),
    "unanswered": PanelColumn(Text("待回复", "unanswered"), unit=COUNT, colour=ORANGE),
    "due": PanelColumn(Text("应完成", "due"), unit=COUNT),
    "in_time": PanelColumn(Text("及时", "on time"), unit=COUNT, colour=GREEN),
    "unmet": PanelColumn(Text("未完成", "not done"), unit=COUNT, colour=RED),
    "in_time_rate": PanelColumn(Text("及时率", "on-time rate"), unit="percentunit", decimals=1),
    "median_s": PanelColumn(Text("用时中位数", "median"), unit=DURATION),
    "received": PanelColumn(Text("受理", "received"), unit=COUNT),
    "closed": PanelColumn(Text("办结", "closed"), unit=COUNT),
    "merged": PanelColumn(Text("合并", "merged"), unit=COUNT),
    "void": PanelColumn(Text("作废", "void"), unit=COUNT),
    "closure": PanelColumn(Text("办结率", "closure rate"), unit="percentunit", decimals=1),
    "closure_in_time": PanelColumn(Text("按期办结率", "closed on time"), unit="percentunit", decimals=1),
    "answered": PanelColumn(Text("按期答复率", "answered on time"), unit="percentunit", decimals=1),
    "overdue": PanelColumn(Text("逾期", "overdue"), unit=COUNT, colour=RED),
    "waiting": PanelColumn(Text("办理中", "waiting"), unit=COUNT),
    "called_back": PanelColumn(Text("已回访", "called back"), unit=COUNT),
    "called_back_rate": PanelColumn(Text("回访率", "call-backs"), unit="percentunit", decimals=1),
    "satisfied": PanelColumn(Text("满意", "satisfied"), unit=COUNT),
    "asked": PanelColumn(Text("已评价", "asked"), unit=COUNT),
    "satisfaction": PanelColumn(Text("满意率", "satisfaction"), unit="percentunit", decimals=1),
    "recovered": PanelColumn(Text("已恢复", "recovered"), unit=COUNT),
    "warm_median_s": PanelColumn(Text("恢复用时", "to warm"), unit=DURATION),
    # incidents, alarms, devices
    "incident": PanelColumn(Text("事件", "incident")),
    "incident_kind": PanelColumn(Text("类别", "kind"), values=INCIDENTS, chars=15),
    "children": PanelColumn(Text("涉及住户", "homes"), unit=COUNT),
    "still_cold": PanelColumn(Text("仍低温", "still cold"), unit=COUNT, colour=ORANGE),
    "outage": PanelColumn(Text("停热编号", "outage")),
    "outage_kind": PanelColumn(Text("类别", "kind"), values=OUTAGES),
    "outage_state": PanelColumn(Text("状态", "state"), values=OUTAGE_STATES),
    "begins_at": PanelColumn(Text("开始", "begins"), unit=TIME),
    "expected_end": PanelColumn(Text("预计恢复", "expected end"), unit=TIME),
    "announced_at": PanelColumn(Text("已公告", "announced"), unit=TIME),
    "in_buildings": PanelColumn(Text("涉及楼栋", "buildings"), unit=COUNT),
    "alarm": PanelColumn(Text("报警", "alarm"), values=ALARMS, chars=22),
    "alarms": PanelColumn(Text("报警数", "alarms"), unit=COUNT, colour=RED),
    "since": PanelColumn(Text("开始", "since"), unit=TIME),
    "reason": PanelColumn(Text("原因", "reason"), values=REASONS, chars=18),
    "jobs": PanelColumn(Text("设备工单", "device jobs"), unit=COUNT),
    # ingest
    "worker": PanelColumn(Text("进程", "worker"), chars=12),
    "silent_for_s": PanelColumn(Text("距上批", "last batch"), unit=DURATION),
    "stored_per_s": PanelColumn(Text("入库", "stored"), unit=PER_SECOND, decimals=1, colour=GREEN),
    "messages_per_s": PanelColumn(Text("消息", "messages"), unit=PER_SECOND, decimals=1, colour=BLUE),
    "duplicates_per_s": PanelColumn(Text("重复", "duplicates"), unit=PER_SECOND, decimals=1, colour=GREY),
    "late_per_s": PanelColumn(Text("迟到", "late"), unit=PER_SECOND, decimals=1, colour=YELLOW),
    "conflicts_per_s": PanelColumn(Text("冲突", "conflicts"), unit=PER_SECOND, decimals=1, colour=ORANGE),
    "dead_per_s": PanelColumn(Text("死信", "dead letters"), unit=PER_SECOND, decimals=1, colour=RED),
    "measured_lag_s": PanelColumn(Text("距测量", "lag"), unit=SECONDS, decimals=1, colour=ORANGE),
    "received_lag_s": PanelColumn(Text("距接收", "in queue"), unit=SECONDS, decimals=1, colour=BLUE),
    "queue_messages": PanelColumn(Text("排队消息", "queued"), unit=COUNT),
    "letters": PanelColumn(Text("死信", "dead letters"), unit=COUNT, colour=RED),
    "count": PanelColumn(Text("数量", "count"), unit=COUNT),
    "stored": PanelColumn(Text("入库", "stored"), unit=COUNT, chars=11),
    "duplicates": PanelColumn(Text("重复", "duplicates"), unit=COUNT, chars=11),
    "conflicts": PanelColumn(Text("冲突", "conflicts"), unit=COUNT, chars=11),
    "late": PanelColumn(Text("迟到", "late"), unit=COUNT, chars=11),
    "dead": PanelColumn(Text("死信", "dead"), unit=COUNT, chars=11),
    "audience": PanelColumn(Text("对象", "audience"), values=AUDIENCES, chars=10),
    "channel": PanelColumn(Text("渠道", "channel"), values=CHANNELS),
    "retrying": PanelColumn(Text("重试中", "retrying"), unit=COUNT, colour=ORANGE),
    "waiting_since": PanelColumn(Text("最早等待", "waiting since"), unit=TIME),
    "failed": PanelColumn(Text("失败", "failed"), unit=COUNT, colour=RED),
    "sent_in_a_day": PanelColumn(Text("24小时已发", "sent in 24 h"), unit=COUNT, colour=GREEN),
    "last_sent_at": PanelColumn(Text("最近发送", "last sent"), unit=TIME),
    "open_from": PanelColumn(Text("未结账自", "open from")),
    "counted_to": PanelColumn(Text("统计至", "counted to"), unit=TIME),
}


def map_states(look: Look) -> dict[str, Value]:
    """Return the states of a building on the map, in words with the limits of the policy in force."""
    severe, cold = look.limit("severe"), look.limit("cold")
    low = f"{severe.below_celsius:g}" if severe else ""
    high = f"{cold.below_celsius:g}" if cold else ""
    far = Text(f"低于 {low} °C", f"under {low} °C") if low else Text("严重低温", "far too cold")
    between = Text(f"{low}–{high} °C", f"{low} to {high} °C") if low and high else Text("低温", "too cold")
    return {
        "severe": Value(far, RED),
        "cold": Value(between, ORANGE),
        "compliant": Value(Text("达标", "warm"), GREEN),
        "unknown": Value(Text("未知", "unknown"), GREY),
        "not_judged": Value(Text("不考核", "not judged"), PALE),
    }


def values_of(look: Look, name: str) -> Mapping[str, Value]:
    """Return the named values of a column; none for a column of plain values."""
    return map_states(look) if name == "map_state" else COLUMNS[name].values or {}


def said(look: Look, column: str, values: Mapping[str, Value]) -> str:
    """Make an SQL expression that puts a column's values into words, for texts that Grafana does not map."""
    words = ((key, look.say(value.text).replace("'", "''")) for key, value in values.items())
    cases = " ".join(f"WHEN '{key}' THEN '{word}'" for key, word in words)
    return f"CASE {column} {cases} ELSE {column} END"
