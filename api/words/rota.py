"""Words of the rota: its page, its problems and its calendars."""

from collections.abc import Mapping

from domain.words.text import Text

# Why a change is refused: domain reasons of alerts.desk.rota.RotaBar.
REFUSALS: Mapping[str, Text] = {
    "no_rota": Text("该供热站没有启用排班", "this station keeps no rota"),
    "not_there": Text("此人不在该供热站工作，或已离职", "this person does not work at that station, or no more"),
    "twice": Text("此人在这段时间已有班", "the person is on call at that time already"),
    "span": Text(
        "时间不对：须先开始后结束，一班不超过八天", "a shift begins before it ends, and is not longer than eight days"
    ),
    "over": Text("班次已开始、已结束或已取消", "the shift has begun, is over or was cancelled"),
    "not_yours": Text("这不是您的班次或换班请求", "the shift, or the swap, is another person's"),
    "gone": Text("换班请求已答复，或已不能成立", "the swap was answered, or cannot be made any more"),
}
PERSON_NEEDED = Text("此操作须由本人登录后进行", "only a person who is signed in can do this")
NOT_PLANNER = Text(
    "只有主管、管理员和本站负责人可以排班", "only supervisors, administrators and the station's lead plan the rota"
)
TOO_MANY_SHIFTS = Text("一次最多排 {most} 班", "at most {most} shifts at once")
SPAN_TOO_LONG = Text("最多 {days} 天", "at most {days} days")
FAULT_FORM = Text(
    "请核对日期和时间：至少须有一班尚未结束", "check the days and hours: there must be a shift that is not over"
)

CALENDAR_NAME = Text("值班：{name}", "On call: {name}")
CALENDAR_ENTRY = Text("值班（{station}）", "On call, {station}")

ROTA_WORDS: Mapping[str, Text] = {
    "to_rota": Text("排班", "Rota"),
    "rota_title": Text("值班排班", "Rota"),
    "rota_week_of": Text("{first} 至 {last}", "{first} to {last}"),
    "rota_before": Text("上一周", "Previous week"),
    "rota_after": Text("下一周", "Next week"),
    "rota_this_week": Text("本周", "This week"),
    "rota_station": Text("供热站", "Station"),
    "rota_all_stations": Text("所有供热站", "all stations"),
    "rota_show": Text("显示", "Show"),
    "rota_none": Text(
        "还没有供热站启用排班。新工单照旧通知整个供热站。",
        "No station keeps a rota. New tickets are told to the whole station.",
    ),
    "rota_off": Text(
        "规则中没有 [version.call_out]：新工单照旧通知整个供热站和调度室。",
        "The policy has no [version.call_out]: new tickets are told to the whole station and to dispatch.",
    ),
    "rota_lead": Text("负责人", "Lead"),
    "rota_no_lead": Text("未指定", "none"),
    "rota_now": Text("现在值班", "On call now"),
    "rota_nobody": Text("无人值班", "nobody"),
    "rota_gap": Text("无人：{from_at} 至 {to_at}", "nobody: {from_at} to {to_at}"),
    "rota_gaps": Text("本周无人值班的时间", "Time without anybody this week"),
    "rota_no_gaps": Text("本周每时每刻都有人值班。", "Somebody is on call at every moment of this week."),
    "rota_days": Text("各日值班", "Shifts by day"),
    "rota_day": Text("日期", "Day"),
    "rota_on_call": Text("值班人员", "On call"),
    "rota_holiday": Text("节假日", "holiday"),
    "rota_workday": Text("调休上班", "working day"),
    "rota_until": Text("至次日", "to the next day"),
    "rota_cancel": Text("取消", "Cancel"),
    "rota_end": Text("现在结束", "End now"),
    "rota_of_shift": Text("{name} {from_at}", "{name}, {from_at}"),
    "rota_plan": Text("排班", "Plan shifts"),
    "rota_plan_of": Text("排班：{station}", "Plan shifts: {station}"),
    "rota_plan_says": Text(
        "每天同一时间；结束时间不晚于开始时间的，到次日结束。",
        "The same hours each day; hours that do not end later than they begin end the next day.",
    ),
    "rota_person": Text("人员", "Person"),
    "rota_first": Text("第一天", "First day"),
    "rota_last": Text("最后一天", "Last day"),
    "rota_opens": Text("开始", "From"),
    "rota_closes": Text("结束", "To"),
    "rota_weekdays": Text("星期", "Days of the week"),
    "rota_weekday_0": Text("周一", "Mon"),
    "rota_weekday_1": Text("周二", "Tue"),
    "rota_weekday_2": Text("周三", "Wed"),
    "rota_weekday_3": Text("周四", "Thu"),
    "rota_weekday_4": Text("周五", "Fri"),
    "rota_weekday_5": Text("周六", "Sat"),
    "rota_weekday_6": Text("周日", "Sun"),
    "rota_choice": Text("{name}（{more}）", "{name} ({more})"),
    "rota_at": Text("{station}，{at}", "{station}, {at}"),
    "rota_no_telephone": Text("没有登记电话，收不到通知", "no telephone: cannot be told"),
    "rota_keep_of": Text("启用或更改：{station}", "Keep a rota, or change its lead: {station}"),
    "rota_keep_says": Text(
        "启用后，该站的新工单先通知值班人员，再通知负责人，最后通知调度室，各隔规则中的分钟数，直到有人受理。",
        "From then on a new ticket of the station is told to those on call, then to the lead, then to dispatch, each "
        "after the minutes of the policy, until it is accepted.",
    ),
    "rota_save": Text("保存", "Save"),
    "rota_stop": Text("停用排班", "End the rota"),
    "rota_swaps": Text("换班请求", "Swaps asked for"),
    "rota_swap_says": Text(
        "{asked_by}请{asked}接替{from_at}的班", "{asked_by} asks {asked} to take the shift of {from_at}"
    ),
    "rota_swap_return": Text("，并接替其{from_at}的班", ", and takes that of {from_at}"),
    "rota_agree": Text("同意", "Agree"),
    "rota_decline": Text("不同意", "Decline"),
    "rota_withdraw": Text("撤回", "Withdraw"),
    "rota_ask": Text("请人换班", "Ask for a swap"),
    "rota_ask_says": Text("对方同意后才生效。", "It counts when the colleague agrees."),
    "rota_mine": Text("我的班", "My shift"),
    "rota_colleague": Text("请谁接替", "To be taken by"),
    "rota_return": Text("换对方的班", "For the colleague's shift"),
    "rota_return_none": Text("不换，只请接替", "none in return"),
    "rota_load": Text("工作量", "Load"),
    "rota_load_none": Text("还没有班组人员。", "No crew has a person yet."),
    "rota_open": Text("未办结", "Open"),
    "rota_due": Text("一天内到期", "Due within a day"),
    "rota_late": Text("已超时", "Late"),
    "rota_month": Text("本月工单", "This month"),
    "rota_hours": Text("本月值班", "On call this month"),
    "rota_hours_of": Text("{hours} 小时", "{hours} h"),
    "rota_called": Text("尚未受理的工单", "Not accepted yet"),
    "rota_called_none": Text("没有。", "None."),
    "rota_told": Text("已通知：{names}", "Told: {names}"),
    "rota_next": Text("下一步：{step}，{at}", "Next: {step}, {at}"),
    "rota_step_on_call": Text("值班人员", "those on call"),
    "rota_step_lead": Text("负责人", "the lead"),
    "rota_step_dispatch": Text("调度室", "dispatch"),
    "rota_calendar": Text("日历订阅", "Calendar"),
    "rota_calendar_says": Text(
        "用此地址可在手机或电脑的日历中看到自己的班，不需要登录。地址相当于密码，请勿转给他人。",
        "At this address the calendar of a telephone or a computer has your shifts, without signing in. It is like a "
        "password: keep it to yourself.",
    ),
    "rota_calendar_new": Text("生成新地址", "Make a new address"),
    "rota_calendar_new_says": Text("旧地址随即失效。", "The one before holds no more."),
    "rota_calendar_on": Text("现有地址生成于 {at}。", "The present address was made {at}."),
    "rota_calendar_off": Text("还没有地址。", "There is no address yet."),
    "rota_calendar_stop": Text("停用地址", "End the address"),
    "rota_done_planned": Text("已排班。", "Planned."),
    "rota_done_cancelled": Text("已取消。", "Cancelled."),
    "rota_done_kept": Text("已保存。", "Saved."),
    "rota_done_ended": Text("该站已停用排班。", "The station keeps no rota any more."),
    "rota_done_asked": Text("已请对方换班。", "The colleague was asked."),
    "rota_done_agreed": Text("已换班。", "The swap was made."),
    "rota_done_declined": Text("已答复：不同意。", "Declined."),
    "rota_done_withdrawn": Text("已撤回。", "Withdrawn."),
    "rota_done_calendar_ended": Text("地址已停用。", "The address holds no more."),
}
