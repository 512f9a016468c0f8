"""Monthly figures as a paper, in Chinese or English."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.kpi import CaseKpi, ClockKpi, Month, MonthKpi
from domain.reasons import Text
from papers.tables import Paper, Table, TableColumn, Value, ValueKind

TITLE = Text("供热服务月报", "Monthly heat supply report")
COMPANY = Text("全公司", "company")
NO_STATION = Text("（无供热站）", "(no station)")
TICKET_CLASSES = {
    "cold": Text("室温不达标", "cold home"),
    "leak": Text("跑冒滴漏", "leak"),
    "repair": Text("其他报修", "repair"),
    "device": Text("设备", "device"),
    "complaint": Text("投诉", "complaint"),
    "report": Text("举报", "report"),
}
CLOCKS = {
    "station_reply": Text("供热站回复", "station replies"),
    "accept": Text("受理", "accepted"),
    "contact": Text("联系用户", "user contacted"),
    "on_site": Text("到场", "on site"),
    "done": Text("处理完毕", "done"),
    "finish": Text("办结", "finished"),
    "call_back": Text("回访", "call-back"),
    "answer": Text("答复", "answered"),
}
STATION = Text("供热站", "Station")


class Field(NamedTuple):
    """A column and the figure in it."""

    heading: Text
    kind: ValueKind
    of: Callable[[MonthKpi], Value]


HEAT = (
    Field(Text("合格率（时间）", "Qualified (time)"), ValueKind.SHARE, lambda f: f.heat.rate_by_time),
    Field(Text("合格率（户）", "Qualified (homes)"), ValueKind.SHARE, lambda f: f.heat.rate_by_homes),
    Field(Text("覆盖率", "Coverage"), ValueKind.SHARE, lambda f: f.heat.coverage),
    Field(Text("户数", "Homes"), ValueKind.COUNT, lambda f: f.heat.homes),
    Field(Text("已判定户", "Judged"), ValueKind.COUNT, lambda f: f.heat.judged_homes),
    Field(Text("全月合格户", "Never cold"), ValueKind.COUNT, lambda f: f.heat.qualified_homes),
    Field(Text("达标（时）", "Compliant (h)"), ValueKind.HOURS, lambda f: f.heat.compliant_s),
    Field(Text("低于日限（时）", "Cold (h)"), ValueKind.HOURS, lambda f: f.heat.cold_s),
    Field(Text("低于最低限（时）", "Severe (h)"), ValueKind.HOURS, lambda f: f.heat.severe_s),
    Field(Text("未知（时）", "Unknown (h)"), ValueKind.HOURS, lambda f: f.heat.unknown_s),
    Field(Text("不判定（时）", "Not judged (h)"), ValueKind.HOURS, lambda f: f.heat.not_judged_s),
    Field(Text("夜间不足18℃（时）", "Night shortfall (h)"), ValueKind.HOURS, lambda f: f.heat.shortfall_s),
    Field(Text("欠温（K·h）", "Deficit (K·h)"), ValueKind.KELVIN_HOURS, lambda f: f.heat.kelvin_hours),
)
DESK = (
    Field(Text("新开工单", "Opened"), ValueKind.COUNT, lambda f: f.desk.tickets),
    Field(Text("事后发现", "Found late"), ValueKind.COUNT, lambda f: f.desk.retrospective),
    Field(Text("已关闭", "Closed"), ValueKind.COUNT, lambda f: f.desk.closed),
    Field(Text("回访", "Call-backs"), ValueKind.COUNT, lambda f: f.desk.called_back),
    Field(Text("已评价", "Asked"), ValueKind.COUNT, lambda f: f.desk.asked),
    Field(Text("满意", "Satisfied"), ValueKind.COUNT, lambda f: f.desk.satisfied),
    Field(Text("满意率", "Satisfaction"), ValueKind.SHARE, lambda f: f.desk.satisfaction),
    Field(Text("合并", "Merged"), ValueKind.COUNT, lambda f: f.desk.merged),
    Field(Text("作废", "Void"), ValueKind.COUNT, lambda f: f.desk.void),
    Field(Text("低温标记", "Flags"), ValueKind.COUNT, lambda f: f.desk.flags),
    Field(Text("已恢复", "Recovered"), ValueKind.COUNT, lambda f: f.desk.recovered),
    Field(Text("恢复用时（平均）", "Until warm (mean)"), ValueKind.SPAN, lambda f: f.desk.warm_mean_s),
    Field(Text("恢复用时（中位）", "Until warm (median)"), ValueKind.SPAN, lambda f: f.desk.warm_median_s),
)
CLOCK_COLUMNS = (
    (Text("类别", "Class"), ValueKind.TEXT),
    (Text("时限", "Clock"), ValueKind.TEXT),
    (Text("应完成", "Due"), ValueKind.COUNT),
    (Text("及时", "In time"), ValueKind.COUNT),
    (Text("超时完成", "Late"), ValueKind.COUNT),
    (Text("未完成", "Unmet"), ValueKind.COUNT),
    (Text("及时率", "Rate"), ValueKind.SHARE),
    (Text("用时（平均）", "Took (mean)"), ValueKind.SPAN),
    (Text("用时（中位）", "Took (median)"), ValueKind.SPAN),
)
CASE_COLUMNS = (
    (Text("类别", "Class"), ValueKind.TEXT),
    (Text("受理", "Received"), ValueKind.COUNT),
    (Text("办结", "Closed"), ValueKind.COUNT),
    (Text("办结率", "Closure"), ValueKind.SHARE),
    (Text("按时办结率", "Closed in time"), ValueKind.SHARE),
    (Text("按时答复", "Answered in time"), ValueKind.COUNT),
    (Text("超时答复", "Answered late"), ValueKind.COUNT),
    (Text("逾期未答复", "Overdue"), ValueKind.COUNT),
    (Text("待答复", "Waiting"), ValueKind.COUNT),
    (Text("按时答复率", "Answered in time (rate)"), ValueKind.SHARE),
)
NOTES = {
    "heat": Text(
        "合格率（时间）=达标时长÷已知时长；合格率（户）=全月未见不达标的户数÷已判定户数。未知时长不计入，见覆盖率。百分数向下取整。",
        "By time: compliant share of known home-time. By homes: share of judged homes never known to be in breach. "
        "Unknown time is excluded: see coverage. Shares are rounded down.",
    ),
    "clocks": Text(
        "统计当月到期的时限；提前完成的计入到期月。用时从起算到完成，时：分。",
        "Clocks due in the month; work done early counts when it was due. h:mm from start.",
    ),
    "cases": Text("统计当月受理的投诉、举报。", "Complaints and reports received in the month."),
    "desk": Text(
        "恢复用时从系统可知之时到室温恢复，时：分，统计当月的低温标记。",
        "Until warm: h:mm from when the company could know until the home was warm, for flags raised in the month.",
    ),
}
TITLES = {
    "heat": Text("室温合格率", "Qualified rate of room temperatures"),
    "clocks": Text("报修处理及时率", "Repairs handled in time"),
    "cases": Text("投诉举报办结", "Closure of complaints and reports"),
    "desk": Text("工单、回访与满意度", "Tickets, call-backs, satisfaction"),
}


def paper(found: Sequence[MonthKpi], month: Month, now: datetime, zone: ZoneInfo, language: str) -> Paper:
    """Build the paper of a month's figures.

    Args:
        found: figures of the company and its stations.
        now: when they were computed.
        language: zh or en.
    """
    counted = f"{now.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"
    over = now >= month.span(zone)[1]
    running = Text("", "") if over else Text("（当月未结束）", " (the month is not over)")
    title = Text(f"{TITLE.zh} {month}{running.zh}", f"{TITLE.en}, {month}{running.en}")
    tables = (
        _table("heat", HEAT, found, language),
        _rows("clocks", CLOCK_COLUMNS, [(f, _clock(c, language)) for f in found for c in f.clocks], language),
        _rows("cases", CASE_COLUMNS, [(f, _case(c, language)) for f in found for c in f.cases], language),
        _table("desk", DESK, found, language),
    )
    line = Text(f"统计截至 {counted}", f"Counted at {counted}")
    return Paper(_said(title, language), (_said(line, language),), tables, language)


def _table(name: str, columns: Sequence[Field], found: Sequence[MonthKpi], language: str) -> Table:
    kinds = [(field.heading, field.kind) for field in columns]
    return _rows(name, kinds, [(f, [field.of(f) for field in columns]) for f in found], language)


def _rows(
    name: str,
    columns: Sequence[tuple[Text, ValueKind]],
    rows: Sequence[tuple[MonthKpi, Sequence[Value]]],
    language: str,
) -> Table:
    """Build a table whose first column is the station."""
    headings = [
        TableColumn(_said(STATION, language), ValueKind.TEXT),
        *(TableColumn(_said(h, language), k) for h, k in columns),
    ]
    named = [(_station(f.station, language), *values) for f, values in rows]
    return Table(_said(TITLES[name], language), headings, named, _said(NOTES[name], language))


def _clock(figures: ClockKpi, language: str) -> tuple[Value, ...]:
    return (
        _said(TICKET_CLASSES[figures.ticket_class], language),
        _said(CLOCKS[figures.name], language) if figures.name in CLOCKS else figures.name,
        figures.due,
        figures.in_time,
        figures.late,
        figures.unmet,
        figures.rate,
        figures.mean_s,
        figures.median_s,
    )


def _case(figures: CaseKpi, language: str) -> tuple[Value, ...]:
    return (
        _said(TICKET_CLASSES[figures.ticket_class], language),
        figures.received,
        figures.closed,
        figures.closure,
        figures.closure_in_time,
        figures.answered_in_time,
        figures.answered_late,
        figures.overdue,
        figures.waiting,
        figures.answered,
    )


def _station(name: str | None, language: str) -> str:
    return name or _said(COMPANY if name is None else NO_STATION, language)


def _said(text: Text, language: str) -> str:
    return text.zh if language == "zh" else text.en
