"""Texts of a dossier's summary, in Chinese and English."""

from domain.words.text import Text

TITLE = Text("供热温度证据", "Evidence of room temperatures")
NO_INSTANT = Text("–", "–")
HOME, SPAN, COUNTED = Text("用户", "Home"), Text("时段", "Span"), Text("已统计", "Counted")
SENSORS, READINGS, RULES = Text("测温点", "Thermometers"), Text("读数", "Readings"), Text("适用标准", "Rules in force")
HEAT, CONTRACT, VIEW = Text("供热状态", "Heat"), Text("合同温度", "Contract"), Text("版本", "Made for")
SPAN_LINE = Text(
    "{first} 至 {last}（共 {days} 天），当地时间（{zone}）", "{first} to {last} ({days} d), local time ({zone})"
)
NEVER_COUNTED = Text("该户在此时段没有任何统计", "no time was counted for this home in this span")
NO_READING = Text("此时段没有任何读数", "no readings in this span")
READINGS_LINE = Text(
    "{count} 条；最后测量 {measured}，最后收到 {received}",
    "{count}; last measured {measured}, last received {received}",
)
READINGS_GONE = Text(
    "{since} 之前的读数按保存期限可能已删除；据其作出的判定仍然有效。",
    "Readings before {since} may have been deleted; judgements based on them remain valid.",
)
JUDGED, NOT_JUDGED = Text("参与判定", "judged"), Text("不参与判定", "not judged")
ANY_TIME, ALL_DAY = Text("任何时间", "at any time"), Text("全天", "all day")
ON, STOPPED, SINCE = Text("供热", "on"), Text("停热", "stopped"), Text("{since} 起", "since {since}")
AS_KNOWN, NO_CONTRACT = Text("一直", "always"), Text("合同未另行约定", "not set in the contract")
LIMIT_LINE = Text("{window} 不低于 {below} ℃（{clause}）", "{window}: at least {below} °C ({clause})")
VIEWS = {
    "user": Text("用户（不含内部备注和他人信息）", "the user (without staff remarks and other people's data)"),
    "staff": Text("供热单位（含内部记录）", "the company (with internal records)"),
}
CLASSES = {
    "multistorey": Text("楼房", "multi-storey"),
    "bungalow": Text("平房", "bungalow"),
    "nonresidential": Text("非居民", "non-residential"),
}
FINDING = Text(
    "时段 {days} 天，已统计 {counted} 天，其中 {breached} 天低于标准，合计 {hours} 小时"
    "（其中低于最低限 {severe} 小时）；应判定而无读数 {unknown} 小时。低温记录 {flags} 条，工单 {tickets} 张。",
    "Of {days} days, {counted} were counted; on {breached} of them the home was below a limit, for {hours} h "
    "in all ({severe} h of that below the floor limit). {unknown} h had no readings to judge by. {flags} flags, "
    "{tickets} tickets.",
)
FINDING_NONE = Text(
    "此时段没有任何统计：不能据此认定该户室温达标或不达标。",
    "No time was counted in this span: it shows neither that the home complied nor that it did not.",
)
RETROSPECTIVE = Text("{name}（事后发现）", "{name} (found retrospectively)")
CHART = Text("室温", "Temperatures")
CHART_ALT = Text("室温曲线，含标准线与缺测时段", "Room temperatures with limits and gaps")
CHART_NONE = NEVER_COUNTED
CHART_NOTE = Text(
    "每一竖条为该段时间（{minutes} 分钟）内的最低至最高值（℃，含修正值），不遗漏任何低值；无读数处不连线，"
    "图下红条标出每一处缺测，再短也可见。",
    "Each bar spans the lowest to the highest value of its interval ({minutes} min), in °C including the offset, so "
    "that no dip is lost. There is no line without readings; the strip under the chart marks every gap, however short.",
)
LEGEND_COLD, LEGEND_SEVERE = Text("时段标准", "day limit"), Text("最低限", "floor limit")
LEGEND_WINDOW, LEGEND_GAP = Text("标准时段", "window of the day limit"), Text("缺测", "gap")
LEGEND_IDLE = Text("不判定（非供热期、停热或无标准）", "not judged (out of season, heat stopped or no limit)")
LEGEND_UNCOUNTED = Text("未统计（斜线）", "not counted (hatched)")
SHOWN_MORE = Text("另有 {more} 行，见 {file}。", "{more} more rows in {file}.")
NOTHING = Text("无。", "None.")

DAYS = Text("低于标准的日期", "Days below a limit")
DAYS_NOTE = Text("小时；全部日期见 ledger.csv。", "Hours; all days are in ledger.csv.")
DIFFERS = Text(
    "下列日期按现存读数重新计算与在册结果不同（补到、清理的数据或规则变更尚未重算）：{days}。",
    "Recounted from the stored readings, these days differ from the record (late or deleted data, or rules changed "
    "since): {days}.",
)
GAPS, GAPS_NOTE = (
    Text("缺测时段", "Gaps"),
    Text("应判定而无有效读数的时段。", "Time that should have been judged but had no valid reading."),
)
FLAGS, TICKETS = Text("低温记录", "Flags"), Text("工单", "Tickets")
TICKETS_NOTE = Text("事件及其校验链见 events.jsonl。", "Their hash-chained events are in events.jsonl.")
MEASUREMENTS = Text("上门测温", "Measurements on site")
MEASUREMENTS_NOTE = Text("无用户签字的记录无效。", "A record without the user's signature is invalid.")
OUTAGES = Text("停热", "Outages")
REFUNDS = Text("退费单", "Refund sheets")
H_UPTO, H_RULES = Text("计至", "Days before"), Text("规则", "Rules")
H_TOTAL, H_PAID = Text("合计", "Total"), Text("已付", "Paid")
TOTALS = Text("合计", "Totals")
CHECK = Text("如何核对", "How to check")
CHECK_NOTE = Text(
    "本页由同一压缩包内的数据生成，以数据为准。"
    "README.md 说明每个文件及核对方法；manifest.json 列出每个文件的 SHA-256。",
    "This summary was generated from the data in the same archive; the data is authoritative. README.md describes "
    "each file and how to check it; manifest.json lists their SHA-256.",
)

H_STATE, H_HOURS, H_SHARE = Text("状态", "State"), Text("小时", "Hours"), Text("占比", "Share")
STATES = {
    "compliant": Text("达标", "compliant"),
    "cold": Text("低于时段标准", "below the day limit"),
    "severe": Text("低于最低限", "below the floor limit"),
    "unknown": Text("缺测", "unknown"),
    "not_judged": Text("不判定", "not judged"),
    "shortfall": Text("其中：时段外低于时段标准", "of compliant: below the day limit outside its window"),
}
H_DAY, H_COLD, H_SEVERE = Text("日期", "Day"), Text("低于标准", "Cold"), Text("低于最低限", "Below the floor limit")
H_UNKNOWN, H_LOWEST, H_DEFICIT = Text("缺测", "Unknown"), Text("最低 ℃", "Lowest °C"), Text("欠温 K·h", "K·h")
H_FROM, H_TO, H_LENGTH = Text("开始", "From"), Text("结束", "To"), Text("时长", "h:mm")
H_NUMBER, H_SINCE, H_UNTIL = Text("编号", "Number"), Text("开始", "Since"), Text("结束", "Until")
H_WHY, H_TICKET, H_CLASS = Text("原因", "Why"), Text("工单", "Ticket"), Text("类别", "Class")
H_OPENED, H_DONE, H_CLOSED = Text("受理", "Opened"), Text("处理完毕", "Done"), Text("关闭", "Closed")
H_LATE, H_AT, H_ROOM = Text("超时", "Late"), Text("时间", "At"), Text("房间", "Room")
H_CELSIUS, H_WORTH, H_REASON = Text("℃", "°C"), Text("效力", "Validity"), Text("原因", "Reason")
WORTHS = {
    "valid": Text("有效（已签字）", "valid (signed)"),
    "unsigned": Text("无效（未签字）", "invalid (not signed)"),
    "corrected": Text("已被更正", "superseded"),
}
KINDS = {"planned": Text("计划停热", "planned"), "fault": Text("故障", "fault")}
NOT_ENDED = Text("未结束", "not ended")
CANCELLED = Text("已取消", "cancelled")
