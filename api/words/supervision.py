"""The texts of the page of supervisors in Chinese and English. Every key begins with `sup_`."""

from collections.abc import Mapping

from domain.words.text import Text

SUP_WORDS: Mapping[str, Text] = {
    "sup_title": Text("督查", "Supervision"),
    "sup_of": Text("督查：{month}", "Supervision: {month}"),
    "sup_before": Text("上个月", "Month before"),
    "sup_overdue": Text("最紧的三件未答复投诉举报", "The three unanswered cases that are due first"),
    "sup_newest": Text("最新的三件投诉举报", "The three newest cases"),
    "sup_all_cases": Text("全部待答复", "All unanswered"),
    "sup_still_cold": Text("已报完工仍冷：{n} 张", "Marked done and still cold: {n}"),
    "sup_late": Text("超时，按供热站和负责人", "Late, by station and person"),
    "sup_load": Text("在办工作量", "Work in hand"),
    "sup_person": Text("负责人", "Person"),
    "sup_tickets": Text("工单", "Tickets"),
    "sup_clocks": Text("超时时限", "Clocks late"),
    "sup_unmet": Text("仍未完成", "Still unmet"),
    "sup_longest": Text("最长超时（时）", "Longest, h"),
    "sup_reasons": Text("说明的原因", "Reasons given"),
    "sup_no_reason": Text("未说明", "none given"),
    "sup_open": Text("未办结", "Open"),
    "sup_late_now": Text("现已超时", "Late now"),
    "sup_due_soon": Text("24 小时内到期", "Due within 24 h"),
    "sup_cold": Text("完工仍冷", "Done, still cold"),
    "sup_none": Text("没有。", "None."),
    "sup_rates": Text("全公司当月指标", "Rates of the month, company"),
    "sup_homes": Text(
        "{qualified} 户合格，{judged} 户有数据，共 {all} 户",
        "{qualified} homes qualified of {judged} with readings; {all} in all",
    ),
    "sup_trend": Text("十二个月走势（%）", "Twelve months, %"),
    "sup_month": Text("月份", "Month"),
    "sup_rate_by_time": Text("室温合格率（时间）", "Qualified, by time"),
    "sup_rate_by_homes": Text("室温合格率（户）", "Qualified, by homes"),
    "sup_coverage": Text("覆盖率", "Coverage"),
    "sup_package": Text("报送资料包（表格、PDF、CSV）", "Package for the regulator (workbook, PDF, CSV)"),
    "sup_not_counted": Text("本月尚未统计。", "The month has not been counted yet."),
}
