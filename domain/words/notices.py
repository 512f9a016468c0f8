"""Texts of notices, in Chinese and English; domain/notice_rendering.py fills them in.

Texts for the staff name neither people nor addresses, because third parties carry them; the repair desk sees the rest.
"""

from collections.abc import Mapping
from typing import NamedTuple

from domain.notices import NoticeKind
from domain.substation import AlarmKind
from domain.words.desk import CLASS_TEXTS, CLOCK_TEXTS
from domain.words.text import Text


class Wording(NamedTuple):
    """Templates of a notice. Fields: ticket, class, where, station, and the data of the entry."""

    subject: Text
    body: Text


STAFF: Mapping[NoticeKind, Wording] = {
    NoticeKind.TICKET_OPENED: Wording(
        Text("新工单 {ticket}:{class}", "New ticket {ticket}: {class}"),
        Text(
            "{where}：{class}，工单 {ticket}，优先级 {priority}。",
            "{where}: {class}, ticket {ticket}, priority {priority}.",
        ),
    ),
    NoticeKind.TICKET_SEVERE: Wording(
        Text("紧急：{ticket} 室温低于最低限", "Urgent: {ticket} is below the floor limit"),
        Text(
            "{where} 的室温已低于最低限，工单 {ticket}。", "{where} has dropped below the floor limit; ticket {ticket}."
        ),
    ),
    NoticeKind.TICKET_REOPENED: Wording(
        Text("工单 {ticket} 重新打开", "Ticket {ticket} reopened"),
        Text(
            "{where} 的问题再次出现，工单 {ticket} 重新打开。",
            "{where} has the same problem again; ticket {ticket} was reopened.",
        ),
    ),
    NoticeKind.USER_SAID: Wording(
        Text("用户补充：{ticket}", "The user added to {ticket}"),
        Text(
            "{where}：用户对工单 {ticket} 作了补充，请查看。",
            "{where}: the user added to ticket {ticket}; please read it.",
        ),
    ),
    NoticeKind.TICKET_ASSIGNED: Wording(
        Text("工单 {ticket} 已派给您", "Ticket {ticket} assigned to you"),
        Text(
            "{where}：{class}，工单 {ticket}，负责人 {responsible}。",
            "{where}: {class}, ticket {ticket}, assigned to {responsible}.",
        ),
    ),
    NoticeKind.TICKET_UNANSWERED: Wording(
        Text("尚未受理：{ticket} {class}", "Not accepted: {ticket}, {class}"),
        Text(
            "{where}：工单 {ticket}（{class}，优先级 {priority}）值班人员尚未受理，请立即处理。",
            "{where}: ticket {ticket} ({class}, priority {priority}) has not been accepted by those on call; please "
            "act now.",
        ),
    ),
    NoticeKind.APPOINTMENT: Wording(
        Text("工单 {ticket} 的上门时间", "Appointment for ticket {ticket}"),
        Text("{where}：约定 {at} 上门，工单 {ticket}。", "{where}: visit agreed for {at}, ticket {ticket}."),
    ),
    NoticeKind.CONTRACT_OFFERED: Wording(
        Text("合同待签：{ticket}", "Contract to be signed: {ticket}"),
        Text(
            "{where}：合同 {contract} 已备好，工单 {ticket}。",
            "{where}: contract {contract} is ready; ticket {ticket}.",
        ),
    ),
    NoticeKind.HEAT_NOTICE: Wording(
        Text("供热通知单 {notice}", "Heat-supply notice {notice}"),
        Text(
            "{where}：已下达供热通知单 {notice}，可以供热，工单 {ticket}。",
            "{where}: heat may be given by notice {notice}; ticket {ticket}.",
        ),
    ),
    NoticeKind.TICKET_DONE: Wording(
        Text("工单 {ticket} 已处理", "Ticket {ticket} is done"),
        Text("{where}：工单 {ticket} 报告已处理完毕。", "{where}: ticket {ticket} was reported done."),
    ),
    NoticeKind.STILL_COLD: Wording(
        Text("已报处理仍不热：{ticket}", "Marked done, still cold: {ticket}"),
        Text(
            "{where}：工单 {ticket} 已报处理完毕，但室温仍不达标。",
            "{where}: ticket {ticket} was marked done, but the home is still cold.",
        ),
    ),
    NoticeKind.TICKET_ANSWERED: Wording(
        Text("工单 {ticket} 已答复用户", "Ticket {ticket} answered"),
        Text("{where}：工单 {ticket} 的答复：{answer}", "{where}: answer to ticket {ticket}: {answer}"),
    ),
    NoticeKind.TICKET_CLOSED: Wording(
        Text("工单 {ticket} 已关闭", "Ticket {ticket} is closed"),
        Text("{where}：工单 {ticket} 已关闭。", "{where}: ticket {ticket} is closed."),
    ),
    NoticeKind.CLOCK_WARNING: Wording(
        Text("时限将到：{ticket} {clock}", "Due soon: {ticket} {clock}"),
        Text(
            "{where}：工单 {ticket} 的“{clock}”须在 {due_at} 前完成。",
            "{where}: “{clock}” of ticket {ticket} is due at {due_at}.",
        ),
    ),
    NoticeKind.CLOCK_BREACHED: Wording(
        Text("已超时：{ticket} {clock}", "Overdue: {ticket} {clock}"),
        Text(
            "{where}：工单 {ticket} 的“{clock}”已于 {due_at} 超时。",
            "{where}: “{clock}” of ticket {ticket} was due at {due_at}.",
        ),
    ),
    NoticeKind.CALENDAR_MISSING: Wording(
        Text("缺少 {year} 年工作日历", "Calendar for {year} missing"),
        Text(
            "无法计算工单 {ticket} 的工作日时限：缺少 {year} 年的节假日，请补充。",
            "The working-day deadline of ticket {ticket} is unknown: add the holidays of {year} to the calendar.",
        ),
    ),
    NoticeKind.CASE_OPENED: Wording(
        Text("新{class} {ticket}", "New {class}: {ticket}"),
        Text("收到{class}，工单 {ticket}。", "New {class} received, ticket {ticket}."),
    ),
    NoticeKind.CASE_ESCALATED: Wording(
        Text("已上报：{ticket}", "Escalated: {ticket}"),
        Text(
            "{class} {ticket} 已上报公司领导，请督办。",
            "The {class} {ticket} was escalated to management: please supervise it.",
        ),
    ),
    NoticeKind.CASE_ANSWERED: Wording(
        Text("{class} {ticket} 已答复", "{class} {ticket} answered"),
        Text("{class} {ticket} 的答复：{answer}", "The answer to the {class} {ticket}: {answer}"),
    ),
    NoticeKind.INCIDENT_OPENED: Wording(
        Text("成片不热：{place}", "Incident: {place}"),
        Text(
            "{place} 下有 {homes} 户不热，按一起事件处理。",
            "{homes} homes at {place} are cold and are handled as one incident.",
        ),
    ),
    NoticeKind.INCIDENT_CLOSED: Wording(
        Text("事件结束：{place}", "Incident over: {place}"),
        Text(
            "{place} 的事件已结束，涉及 {homes} 户。", "The incident at {place} is over; {homes} homes were affected."
        ),
    ),
    NoticeKind.HOME_STAYED_COLD: Wording(
        Text("单独派工：{ticket}", "Separate dispatch: {ticket}"),
        Text(
            "{where} 仍不热，不再属于事件 {incident}，工单 {ticket} 请单独处理。",
            "{where} is still cold and no longer part of incident {incident}: dispatch ticket {ticket} separately.",
        ),
    ),
    NoticeKind.ALARM_RAISED: Wording(
        Text("换热站报警：{place}", "Substation alarm: {place}"), Text("{place}:{alarm}。", "{place}: {alarm}.")
    ),
    NoticeKind.MEASUREMENT_DUE: Wording(
        Text("测温到期：{place}", "Measurement due: {place}"),
        Text("{place} 须在 {due_at} 前上门测温。", "{place} has to be measured by {due_at}."),
    ),
    NoticeKind.MEASUREMENT_LATE: Wording(
        Text("测温逾期：{place}", "Measurement late: {place}"),
        Text("{place} 的上门测温已于 {due_at} 逾期。", "The measurement at {place} was due at {due_at}."),
    ),
    NoticeKind.LIKELY_COLD: Wording(
        Text("可能偏冷：{homes} 户", "Likely cold: {homes} homes"), Text("预计 {due_at} 前。", "Until {due_at}.")
    ),
    NoticeKind.CHAIN_BROKEN: Wording(
        Text("工单记录被改动", "Ticket records were altered"),
        Text(
            "核对发现记录被改动：{what}。请立即查明。",
            "Verification found altered records: {what}. Please investigate at once.",
        ),
    ),
    NoticeKind.SEAL_PUBLISHED: Wording(
        Text("今日封印", "Seal of the day"),
        Text(
            "{at} 的封印：{seal}。密钥 {key}，签名 {signature}。请保存此通知：此后任何记录被改动，均可凭此封印查出。",
            "Seal of {at}: {seal}. Key {key}, signature {signature}. Please keep this notice: the seal reveals any "
            "later change to the records.",
        ),
    ),
    NoticeKind.OUTAGE_ANNOUNCED: Wording(
        Text("停热通知 {outage}", "Outage {outage}"),
        Text(
            "{area}:{begins_at} 起停热，预计 {expected_end} 恢复。原因：{reason}。已通知用户。",
            "{area}: no heat from {begins_at}, expected back at {expected_end}. Reason: {reason}. Users were notified.",
        ),
    ),
    NoticeKind.OUTAGE_CHANGED: Wording(
        Text("停热变更 {outage}", "Outage {outage} changed"),
        Text(
            "{area}:{begins_at} 起停热，现预计 {expected_end} 恢复。",
            "{area}: no heat from {begins_at}, now expected back at {expected_end}.",
        ),
    ),
    NoticeKind.OUTAGE_LATE: Wording(
        Text("停热逾期未恢复 {outage}", "Outage {outage} overdue"),
        Text(
            "{area}：原预计 {expected_end} 恢复供热，尚未恢复。请更新预计时间并向用户说明。",
            "{area}: heat was expected back at {expected_end}. Set a new time and explain the delay to users.",
        ),
    ),
    NoticeKind.OUTAGE_RESTORED: Wording(
        Text("恢复供热 {outage}", "Heat restored: {outage}"),
        Text("{area}：已于 {restored_at} 恢复供热。", "{area}: heat was restored at {restored_at}."),
    ),
    NoticeKind.OUTAGE_EXPLAINED: Wording(
        Text("停热说明 {outage}", "Outage {outage}: explanation"),
        Text("{area}停热的说明：{explanation}", "{area}, explanation of the outage: {explanation}"),
    ),
    NoticeKind.OUTAGE_CANCELLED: Wording(
        Text("停热取消 {outage}", "Outage {outage} cancelled"),
        Text(
            "{area}：原定 {begins_at} 起的停热已取消。",
            "{area}: the outage planned for {begins_at} will not take place.",
        ),
    ),
    NoticeKind.SWAP_ASKED: Wording(
        Text("换班请求：{begins_at}", "A swap is asked for: {begins_at}"),
        Text(
            "{station}：有同事请您接替 {begins_at} 开始的班，请在排班页答复。",
            "{station}: a colleague asks you to take the shift of {begins_at}; please answer on the page of the rota.",
        ),
    ),
    NoticeKind.SWAP_AGREED: Wording(
        Text("已同意换班：{begins_at}", "Swap agreed: {begins_at}"),
        Text("{station}：{begins_at} 开始的班已换好。", "{station}: the shift of {begins_at} has been swapped."),
    ),
    NoticeKind.SWAP_DECLINED: Wording(
        Text("未同意换班：{begins_at}", "Swap declined: {begins_at}"),
        Text("{station}：{begins_at} 开始的班仍由您值。", "{station}: the shift of {begins_at} remains yours."),
    ),
}
# Stands for what the terms of a repair leave open.
NOT_TOLD = "not_told"
TERMS: Mapping[str, Mapping[str, Text]] = {
    "for_what": {NOT_TOLD: Text("维修", "the repair")},
    "amount": {NOT_TOLD: Text("由维修人员当面告知", "the crew will tell you")},
}
USER: Mapping[NoticeKind, Wording] = {
    NoticeKind.CONTRACT_OFFERED: Wording(
        Text("合同请您签订：{ticket}", "Please sign: {ticket}"),
        Text(
            "您家（{home}）的供用热合同 {contract} 已备好，请在您的页面上阅读并签订。",
            "The heating contract {contract} of your home ({home}) is ready: please read and sign it on your page.",
        ),
    ),
    NoticeKind.HEAT_NOTICE: Wording(
        Text("可以供热：{ticket}", "Heat is coming: {ticket}"),
        Text(
            "公司已为您家（{home}）下达供热通知单 {notice}，供热站将为您供热。",
            "Heat for your home ({home}) was cleared by notice {notice}; the heat station will turn it on.",
        ),
    ),
    NoticeKind.TERMS_TOLD: Wording(
        Text("工单 {ticket} 的收费请您确认", "Ticket {ticket}: do you agree to pay?"),
        Text(
            "您家（{home}）工单 {ticket} 的维修由您付费。收费项目：{for_what}；金额（元）：{amount}。"
            "请在您的页面上或打电话告诉我们是否同意。",
            "You pay for the repair in your home ({home}), ticket {ticket}. For: {for_what}; amount in yuan: {amount}. "
            "Please say on your page, or by telephone, whether you agree.",
        ),
    ),
    NoticeKind.TICKET_OPENED: Wording(
        Text("已为您登记：{ticket}", "Registered for you: {ticket}"),
        Text(
            "您家（{home}）的{class}已登记为工单 {ticket}，供热站将与您联系。",
            "Your home ({home}): {class}, registered as ticket {ticket}. The heat station will contact you.",
        ),
    ),
    NoticeKind.TICKET_REOPENED: Wording(
        Text("工单 {ticket} 重新处理", "Ticket {ticket} reopened"),
        Text(
            "您家（{home}）的工单 {ticket} 已重新打开，我们将继续处理。",
            "Ticket {ticket} for your home ({home}) was reopened; we are working on it.",
        ),
    ),
    NoticeKind.APPOINTMENT: Wording(
        Text("上门时间：{at}", "Appointment: {at}"),
        Text(
            "关于工单 {ticket}：维修人员约定于 {at} 到您家（{home}）。",
            "Ticket {ticket}: our technician will come to your home ({home}) at {at}.",
        ),
    ),
    NoticeKind.TICKET_DONE: Wording(
        Text("工单 {ticket} 已处理", "Ticket {ticket} is done"),
        Text(
            "您家（{home}）的工单 {ticket} 已处理完毕。如仍有问题请告诉我们。",
            "Ticket {ticket} for your home ({home}) is done. If anything is still wrong, please tell us.",
        ),
    ),
    NoticeKind.TICKET_ANSWERED: Wording(
        Text("工单 {ticket} 的答复", "Our answer to ticket {ticket}"),
        Text("关于工单 {ticket}（{home}）：{answer}", "About ticket {ticket} ({home}): {answer}"),
    ),
    NoticeKind.TICKET_CLOSED: Wording(
        Text("工单 {ticket} 已办结", "Ticket {ticket} is closed"),
        Text("您家（{home}）的工单 {ticket} 已办结。", "Ticket {ticket} for your home ({home}) is closed."),
    ),
    NoticeKind.CASE_OPENED: Wording(
        Text("已收到您的{class}：{ticket}", "We received your {class}: {ticket}"),
        Text(
            "您的{class}已登记为 {ticket}，我们会按期答复。",
            "Your {class} is registered as {ticket}; we will answer within the time limit.",
        ),
    ),
    NoticeKind.CASE_ANSWERED: Wording(
        Text("对您的{class} {ticket} 的答复", "Our answer to your {class} {ticket}"),
        Text("关于您的{class} {ticket}:{answer}", "About your {class} {ticket}: {answer}"),
    ),
    NoticeKind.OUTAGE_ANNOUNCED: Wording(
        Text("停热通知", "Heat outage"),
        Text(
            "您家（{home}）：{begins_at} 起停热，预计 {expected_end} 恢复。原因：{reason}。给您带来不便，敬请谅解。",
            "Your home ({home}): no heat from {begins_at}, expected back at {expected_end}. Reason: {reason}. "
            "We apologise for the inconvenience.",
        ),
    ),
    NoticeKind.OUTAGE_CHANGED: Wording(
        Text("停热时间变更", "Heat outage: new times"),
        Text(
            "您家（{home}）：{begins_at} 起停热，现预计 {expected_end} 恢复。",
            "Your home ({home}): no heat from {begins_at}, now expected back at {expected_end}.",
        ),
    ),
    NoticeKind.OUTAGE_RESTORED: Wording(
        Text("已恢复供热", "Heat restored"),
        Text(
            "您家（{home}）：已于 {restored_at} 恢复供热。", "Your home ({home}): heat was restored at {restored_at}."
        ),
    ),
    NoticeKind.OUTAGE_EXPLAINED: Wording(
        Text("关于停热的说明", "About the heat outage"),
        Text("您家（{home}）停热的说明：{explanation}", "About the outage at your home ({home}): {explanation}"),
    ),
    NoticeKind.OUTAGE_CANCELLED: Wording(
        Text("停热取消", "Heat outage cancelled"),
        Text(
            "您家（{home}）：原定 {begins_at} 起的停热已取消。",
            "Your home ({home}): the outage planned for {begins_at} will not take place.",
        ),
    ),
}
ALARMS: Mapping[str, Text] = {
    AlarmKind.SUPPLY_LOW: Text("供水温度过低", "supply temperature too low"),
    AlarmKind.SUPPLY_PRESSURE_LOW: Text("供水压力过低", "supply pressure too low"),
    AlarmKind.SUPPLY_PRESSURE_HIGH: Text("供水压力过高", "supply pressure too high"),
    AlarmKind.RETURN_PRESSURE_LOW: Text("回水压力过低", "return pressure too low"),
}
WORDS: Mapping[str, Mapping[str, Text]] = {"class": CLASS_TEXTS, "clock": CLOCK_TEXTS, "alarm": ALARMS, **TERMS}
DIGEST = Wording(
    Text("{count} 条通知", "{count} notices"), Text("{counts}。最要紧的：\n{lines}", "{counts}. Most urgent:\n{lines}")
)
SEPARATOR = Text("；", "; ")
MORE = Text("……另有 {more} 条，请看调度台看板。", "… and {more} more: see the dashboard of the repair desk.")
COUNTED: Mapping[NoticeKind, Text] = {
    NoticeKind.TICKET_OPENED: Text("新工单", "new tickets"),
    NoticeKind.TICKET_SEVERE: Text("低于最低限", "below the floor limit"),
    NoticeKind.TICKET_REOPENED: Text("重新打开", "reopened"),
    NoticeKind.USER_SAID: Text("用户补充", "user additions"),
    NoticeKind.TICKET_ASSIGNED: Text("派单", "assigned"),
    NoticeKind.TICKET_UNANSWERED: Text("尚未受理", "not accepted"),
    NoticeKind.TERMS_TOLD: Text("收费待确认", "terms to agree to"),
    NoticeKind.APPOINTMENT: Text("预约", "appointments"),
    NoticeKind.CONTRACT_OFFERED: Text("合同待签", "contracts to be signed"),
    NoticeKind.HEAT_NOTICE: Text("供热通知单", "heat-supply notices"),
    NoticeKind.TICKET_DONE: Text("已处理", "done"),
    NoticeKind.STILL_COLD: Text("已报处理仍不热", "marked done, still cold"),
    NoticeKind.TICKET_ANSWERED: Text("答复", "answers"),
    NoticeKind.TICKET_CLOSED: Text("关闭", "closed"),
    NoticeKind.CLOCK_WARNING: Text("时限将到", "due soon"),
    NoticeKind.CLOCK_BREACHED: Text("已超时", "overdue"),
    NoticeKind.CALENDAR_MISSING: Text("缺少日历", "calendars missing"),
    NoticeKind.CASE_OPENED: Text("投诉举报", "complaints and reports"),
    NoticeKind.CASE_ESCALATED: Text("上报", "escalated"),
    NoticeKind.CASE_ANSWERED: Text("投诉举报答复", "answered cases"),
    NoticeKind.INCIDENT_OPENED: Text("成片不热", "incidents"),
    NoticeKind.INCIDENT_CLOSED: Text("事件结束", "incidents over"),
    NoticeKind.HOME_STAYED_COLD: Text("单独派工", "separate dispatches"),
    NoticeKind.ALARM_RAISED: Text("换热站报警", "substation alarms"),
    NoticeKind.MEASUREMENT_DUE: Text("测温到期", "measurements due"),
    NoticeKind.MEASUREMENT_LATE: Text("测温逾期", "measurements late"),
    NoticeKind.LIKELY_COLD: Text("低温预警", "early warnings"),
    NoticeKind.CHAIN_BROKEN: Text("记录被改动", "altered records"),
    NoticeKind.SEAL_PUBLISHED: Text("封印", "seals"),
    NoticeKind.OUTAGE_ANNOUNCED: Text("停热通知", "outages"),
    NoticeKind.OUTAGE_CHANGED: Text("停热变更", "outages changed"),
    NoticeKind.OUTAGE_LATE: Text("停热逾期", "overdue outages"),
    NoticeKind.OUTAGE_RESTORED: Text("恢复供热", "heat restored"),
    NoticeKind.OUTAGE_EXPLAINED: Text("停热说明", "explanations"),
    NoticeKind.OUTAGE_CANCELLED: Text("停热取消", "outages cancelled"),
    NoticeKind.SWAP_ASKED: Text("换班请求", "swaps asked for"),
    NoticeKind.SWAP_AGREED: Text("已同意换班", "swaps agreed"),
    NoticeKind.SWAP_DECLINED: Text("未同意换班", "swaps declined"),
}
