"""The texts of trials of a policy. Every key of a page begins with `trial_`."""

from collections.abc import Mapping

from domain.words.text import Text

TRIAL_BUSY = Text("另一次试算正在进行，请稍后再试", "another trial is under way; try again soon")
TRIAL_SLOW = Text("数据太多，未能算完；请缩短时间", "there was too much to read; take a shorter span")
TRIAL_SPAN = Text(
    "须在起始日之后、不晚于今天，且最多 {days} 天",
    "is after the first day, not after today, and {days} days later at most",
)
TRIAL_DELETED = Text("那时的读数已删除；最早从 {day} 起", "readings of then were deleted; the first day is {day}")
TRIAL_NOTHING = Text("请给出规则文件，或至少改一个数", "give a policy, or change a number")
TRIAL_TOO_MUCH = Text("规则的版本、阈值或供热季太多，无法试算", "has too many versions, limits or seasons to be tried")
TRIAL_NO_TEXT = Text("不是 UTF-8 文本", "is not text in UTF-8")
TRIAL_LONG = Text("最多 {most} 个字符", "has {most} characters at most")

TRIAL_WORDS: Mapping[str, Text] = {
    "office_trial": Text("规则试算", "Try other rules"),
    "office_trial_says": Text(
        "换一套规则，过去一段时间会有什么不同：住户、告警、工单。",
        "How a span of the past would have been by other rules: homes, flags, tickets.",
    ),
    "trial_says": Text(
        "按另一套规则重新判定过去的读数，与记录对照。不会写入任何内容。最多 {days} 天；住户很多时随机抽取。",
        "Readings of the past are judged by other rules and set beside what is on record. Nothing is written. {days} "
        "days at most; of many homes some are drawn by chance.",
    ),
    "trial_span": Text("时间", "Span"),
    "trial_from": Text("第一天", "First day"),
    "trial_last": Text("最后一天（含）", "Last day (included)"),
    "trial_numbers": Text("改几个数", "Change numbers"),
    "trial_numbers_says": Text(
        "留空的不变。所填的数适用于全部版本。", "What is left empty stays. A number holds in all versions."
    ),
    "trial_cold_below": Text("低温阈值（℃）", "Cold below (°C)"),
    "trial_severe_below": Text("严重低温阈值（℃）", "Far too cold below (°C)"),
    "trial_confirm_for_s": Text("低温持续多久才告警（秒）", "Cold lasts before it is a flag (s)"),
    "trial_clear_for_s": Text("回温持续多久才解除（秒）", "Warm lasts before a flag ends (s)"),
    "trial_deadband_k": Text("回差（K）", "Deadband (K)"),
    "trial_hold_intervals": Text("读数保持几个上报间隔", "Intervals for which a reading holds"),
    "trial_now": Text("现为 {value}", "now {value}"),
    "trial_and": Text("、", ", "),
    "trial_no_limit": Text("现行规则没有此阈值", "the rules in force have no such limit"),
    "trial_file": Text("或换整套规则", "Or another policy"),
    "trial_file_of": Text("规则文件（TOML）", "Policy file (TOML)"),
    "trial_text": Text("或粘贴其内容", "Or paste its text"),
    "trial_policy": Text("规则文件", "Policy file"),
    "trial_try": Text("试算", "Try"),
    "trial_refused": Text("未能试算：", "Nothing was tried:"),
    "trial_outcome": Text("结果", "Outcome"),
    "trial_outcome_says": Text(
        "{first} 至 {last}，全部 {all} 户中试算了 {tried} 户。", "{first} to {last}, {tried} of {all} homes tried."
    ),
    "trial_drawn": Text(
        "这些住户是随机抽取的，可代表全部住户。", "They were drawn by chance, and stand for all of them."
    ),
    "trial_no_readings": Text(
        "这段时间没有保存读数：试算为零，不能与记录比较。",
        "No readings of that time are kept: what is tried is nothing, and says nothing about what is on record.",
    ),
    "trial_none": Text("时间不够，一户也没有算完。", "There was no time for a single home."),
    "trial_more": Text("多 {n}", "{n} more"),
    "trial_fewer": Text("少 {n}", "{n} fewer"),
    "trial_same": Text("相同", "the same"),
    "trial_says_homes_cold": Text(
        "室温过低的住户 {tried} 户，记录为 {recorded} 户：{difference}。",
        "Homes that were too cold: {tried}, on record {recorded}: {difference}.",
    ),
    "trial_says_flags": Text(
        "低温告警 {tried} 次，记录为 {recorded} 次：{difference}。",
        "Flags: {tried}, on record {recorded}: {difference}.",
    ),
    "trial_says_tickets": Text(
        "工单 {tried} 张，记录为 {recorded} 张：{difference}。", "Tickets: {tried}, on record {recorded}: {difference}."
    ),
    "trial_figure": Text("数字", "Figure"),
    "trial_recorded": Text("记录", "On record"),
    "trial_tried": Text("试算", "Tried"),
    "trial_difference": Text("差", "Difference"),
    "trial_homes": Text("有读数的住户", "Homes with readings"),
    "trial_homes_cold": Text("室温过低的住户", "Homes too cold"),
    "trial_homes_flagged": Text("有告警的住户", "Homes with a flag"),
    "trial_flags": Text("低温告警", "Flags"),
    "trial_tickets": Text("工单", "Tickets"),
    "trial_cold_hours": Text("室温过低（小时）", "Too cold (hours)"),
    "trial_severe_hours": Text("室温严重过低（小时）", "Far too cold (hours)"),
    "trial_compliant_hours": Text("室温达标（小时）", "Warm enough (hours)"),
    "trial_unknown_hours": Text("未知（小时）", "Unknown (hours)"),
    "trial_not_judged_hours": Text("不判定（小时）", "Not judged (hours)"),
    "trial_counts": Text(
        "试算从第一天开始判定，此前开始的低温从那时算起；记录按当时已判定的内容。",
        "A trial judges from the first day on: cold that began before counts from then. What is on record is as it was "
        "judged then.",
    ),
}
