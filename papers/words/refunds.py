"""The texts of a refund sheet on paper in Chinese and English."""

from collections.abc import Mapping

from domain.refunds.season import DayReason
from domain.words.text import Text

TITLE = Text("退费单 {number}", "Refund sheet {number}")
OF_HOME = Text(
    "用热户 {home}，采暖期自 {season} 起，计至 {upto} 前", "Home {home}, season from {season}, days before {upto}"
)
FEE = Text("采暖费 {fee} {currency}，采暖期 {days} 天", "Fee of the season {fee} {currency}, {days} days")
TOTAL = Text("合计退费 {total} {currency}", "Refund {total} {currency} in all")
RULES = Text(
    "规则 {rules}；每日金额按规则舍入到分，合计为各日之和",
    "Rules {rules}; the amount of a day is rounded to the cent by them, the total is the sum of the days",
)
CORRECTS = Text("更正 {number}：{reason}", "Corrects {number}: {reason}")
SEALS = Text("依据摘要 {inputs}；退费单摘要 {digest}", "Digest of the facts {inputs}; of the sheet {digest}")
DAYS = Text("逐日", "Days")
NOTE = Text(
    "“若无此原因”为没有该原因或封顶时应退的金额；不足额的日子因此而改变",
    "“Otherwise”: the amount but for the reason, or a cap; that is what would have changed the day",
)
COLUMNS: tuple[tuple[str, Text], ...] = (
    ("day", Text("日期", "Day")),
    ("reason", Text("原因", "Reason")),
    ("lowest", Text("最低 °C", "Lowest °C")),
    ("measured", Text("测温 °C", "Measured °C")),
    ("breach", Text("不达标", "In breach")),
    ("unknown", Text("未知", "Unknown")),
    ("outage", Text("停暖", "No heat")),
    ("percent", Text("比例", "Share")),
    ("amount", Text("退费", "Refund")),
    ("would", Text("若无此原因", "Otherwise")),
)
REASONS: Mapping[DayReason, Text] = {
    DayReason.WARM: Text("达标", "warm"),
    DayReason.UNKNOWN: Text("无数据", "nothing known"),
    DayReason.NOT_JUDGED: Text("停热或不判定", "heat stopped or not judged"),
    DayReason.NO_RULES: Text("尚无规则", "no rules yet"),
    DayReason.REFUSED: Text("用户拒绝测温", "the user refused"),
    DayReason.AT_FAULT: Text("用户原因", "the user's fault"),
    DayReason.UNPAID: Text("欠费", "fee not paid"),
    DayReason.NOT_STARTED: Text("尚未提出", "not asked for yet"),
    DayReason.TOO_SHORT: Text("连续天数不足", "too few days in a row"),
    DayReason.COLD: Text("低温", "cold"),
    DayReason.MEASURED: Text("测温不达标", "measured cold"),
    DayReason.DEEMED: Text("未按时测温，视为不达标", "not measured in time: counts as cold"),
    DayReason.OUTAGE: Text("停暖", "no heat"),
}
