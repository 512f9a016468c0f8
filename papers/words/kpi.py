"""Texts of the monthly report, in Chinese and English."""

from domain.words.text import Text

TITLE = Text("供热服务月报 {month}{running}", "Monthly heat supply report, {month}{running}")
SPAN_TITLE = Text("供热服务报告 {first} 至 {last}{running}", "Heat supply report, {first} to {last}{running}")
RUNNING = Text("（未结束）", " (not over yet)")
MONTH = Text("月份", "Month")
COUNTED = Text("统计截至 {at}", "Counted at {at}")
COMPANY = Text("全公司", "company")
NO_STATION = Text("（无供热站）", "(no station)")
STATION = Text("供热站", "Station")
# By the attribute of MonthKpi, or by the column.
COLUMNS = {
    "heat.rate_by_time": Text("合格率（时间）", "Qualified (time)"),
    "heat.rate_by_homes": Text("合格率（户）", "Qualified (homes)"),
    "heat.coverage": Text("覆盖率", "Coverage"),
    "heat.homes": Text("户数", "Homes"),
    "heat.judged_homes": Text("已判定户", "Judged"),
    "heat.qualified_homes": Text("全月合格户", "Never cold"),
    "heat.compliant_s": Text("达标（时）", "Compliant (h)"),
    "heat.cold_s": Text("低于日限（时）", "Cold (h)"),
    "heat.severe_s": Text("低于最低限（时）", "Severe (h)"),
    "heat.unknown_s": Text("未知（时）", "Unknown (h)"),
    "heat.not_judged_s": Text("不判定（时）", "Not judged (h)"),
    "heat.shortfall_s": Text("夜间不足18℃（时）", "Night shortfall (h)"),
    "heat.kelvin_hours": Text("欠温（K·h）", "Deficit (K·h)"),
    "proof.homes": Text("应判定户", "Homes"),
    "proof.measured": Text("实测户", "Measured"),
    "proof.warm": Text("合格户", "Warm"),
    "proof.proven": Text("至少证明", "Proven at least"),
    "proof.by_homes": Text("加权（户）", "Weighed, homes"),
    "proof.by_homes_low": Text("下限", "from"),
    "proof.by_homes_high": Text("上限", "to"),
    "proof.by_time": Text("加权（时间）", "Weighed, time"),
    "proof.by_time_low": Text("下限", "from"),
    "proof.by_time_high": Text("上限", "to"),
    "desk.tickets": Text("新开工单", "Opened"),
    "desk.retrospective": Text("事后发现", "Found late"),
    "desk.closed": Text("已关闭", "Closed"),
    "desk.called_back": Text("回访", "Call-backs"),
    "desk.asked": Text("已评价", "Asked"),
    "desk.satisfied": Text("满意", "Satisfied"),
    "desk.satisfaction": Text("满意率", "Satisfaction"),
    "desk.merged": Text("合并", "Merged"),
    "desk.void": Text("作废", "Void"),
    "desk.flags": Text("低温标记", "Flags"),
    "desk.recovered": Text("已恢复", "Recovered"),
    "desk.warm_mean_s": Text("恢复用时（平均）", "Until warm (mean)"),
    "desk.warm_median_s": Text("恢复用时（中位）", "Until warm (median)"),
    "class": Text("类别", "Class"),
    "clock": Text("时限", "Clock"),
    "due": Text("应完成", "Due"),
    "in_time": Text("及时", "In time"),
    "late": Text("超时完成", "Late"),
    "unmet": Text("未完成", "Unmet"),
    "rate": Text("及时率", "Rate"),
    "took_mean": Text("用时（平均）", "Took (mean)"),
    "took_median": Text("用时（中位）", "Took (median)"),
    "received": Text("受理", "Received"),
    "closed": Text("办结", "Closed"),
    "closure": Text("办结率", "Closure"),
    "closed_in_time": Text("按时办结率", "Closed in time"),
    "answered_in_time": Text("按时答复", "Answered in time"),
    "answered_late": Text("超时答复", "Answered late"),
    "overdue": Text("逾期未答复", "Overdue"),
    "waiting": Text("待答复", "Waiting"),
    "answered_in_time_rate": Text("按时答复率", "Answered in time (rate)"),
    "figure": Text("指标", "Rate"),
    "part": Text("分子", "Part"),
    "whole": Text("分母", "Whole"),
    "share": Text("比率", "Share"),
    "kind": Text("申请类别", "Application"),
    "late_explained": Text("超时且已说明", "Late, explained"),
    "warm_in_time": Text("按时供热", "Heat on in time"),
    "warm_late": Text("超时供热", "Heat on late"),
    "peer": Text("对接方", "Peer"),
    "response_due": Text("应响应", "Responses due"),
    "response_met": Text("按时响应", "in time"),
    "solution_due": Text("应解决", "Solutions due"),
    "solution_met": Text("按时解决", "in time"),
    "rated": Text("已回访", "Rated"),
    "satisfied": Text("满意", "Satisfied"),
    "payments": Text("付款批次", "Payments"),
    "sheets": Text("退费单", "Sheets"),
    "days": Text("退费天数", "Days"),
    "amount": Text("金额", "Amount"),
    "currency": Text("币种", "Currency"),
}
# Rates of a span, by their table and name; those of clocks are called as their clocks.
RATES = {
    "heat.rate_by_time": Text("合格率（时间，小时）", "Qualified (time, hours)"),
    "heat.coverage": Text("覆盖率（小时）", "Coverage (hours)"),
    "cases.closure": Text("办结", "closed"),
    "cases.closure_in_time": Text("按时办结", "closed in time"),
    "cases.answered": Text("按时答复", "answered in time"),
    "desk.satisfaction": Text("满意率", "Satisfaction"),
    "desk.recovery": Text("低温标记已恢复", "Flags whose home is warm again"),
    "applications.answered": Text("按时答复", "answered in time"),
    "applications.warm": Text("按时供热", "heat on in time"),
    "peers.response": Text("按时响应", "responses in time"),
    "peers.solution": Text("按时解决", "solutions in time"),
    "peers.satisfaction": Text("满意", "satisfied"),
}
OF = Text("{subject}：{name}", "{subject}: {name}")
NOTES = {
    "rates": Text(
        "各月分子、分母之和。按户计的合格率不能跨月相加，见各月。",
        "The parts and the wholes of all months. Rates by homes cannot be added up: see each month.",
    ),
    "applications": Text(
        "统计各月受理的用热申请。",
        "Applications for heat received in each month.",
    ),
    "peers": Text(
        "对接方的三项比率：时限计入其到期月，评价计入其作出之月。",
        "The three rates of peers: a clock counts in the month in which it ran out, a rating in that of its giving.",
    ),
    "refunds": Text("统计各月已付退费。", "Refunds paid in each month."),
    "heat": Text(
        "合格率（时间）=达标时长÷已知时长；合格率（户）=全月未见不达标的户数÷已判定户数。未知时长不计入，见覆盖率。百分数向下取整。",
        "By time: compliant share of known home-time. By homes: share of judged homes never known to be in breach. "
        "Unknown time is excluded: see coverage. Shares are rounded down.",
    ),
    "proof": Text(
        "至少证明：假定实测户为随机抽取，按精确界限（95 %）。"
        "加权：按楼栋、楼层、位置推算全部住户，附 95 % 区间；同楼同层同位置之内假定随机。",
        "Proven at least: by the exact bound at 95 %, if the measured homes were drawn by chance. Weighed: all homes, "
        "by building, floor and exposure, with the 95 % interval; within one of these the choice is taken for chance.",
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
    "rates": Text("本期指标", "Rates of the span"),
    "applications": Text("用热申请", "Applications for heat"),
    "peers": Text("对接方", "Peers"),
    "refunds": Text("已付退费", "Refunds paid"),
    "heat": Text("室温合格率", "Qualified rate of room temperatures"),
    "proof": Text("合格率能证明什么", "What the rates prove"),
    "clocks": Text("报修处理及时率", "Repairs handled in time"),
    "cases": Text("投诉举报办结", "Closure of complaints and reports"),
    "desk": Text("工单、回访与满意度", "Tickets, call-backs, satisfaction"),
}
