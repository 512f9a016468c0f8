"""Words of the exchange with peers."""

from collections.abc import Mapping

from domain.words.text import Text

PEER_UNKNOWN = Text("对接方尚未就绪，请稍后重试", "the peer is not known yet; try again later")
MESSAGE_CHANGED = Text("同一消息编号已用于其他内容", "a message of this number said something else")
REFUSED = Text("未受理：{reason}", "not taken: {reason}")
NOT_PASSED_ON = Text(
    "不能转交：没有此对接方、对接方已有此工单，或属投诉举报、用热申请",
    "it is not passed on: there is no such peer, it has the ticket already, or it is a complaint or an application",
)
NOT_FAILED = Text("没有这条发送失败的消息", "there is no failed message of this key")
TOO_MANY_LINKS = Text("已有过多未使用的绑定链接", "too many links of this home are not used yet")
LINK_ENDED = Text("绑定链接无效或已使用", "the link does not hold, or was used")
WECHAT_AWAY = Text("暂时无法连接微信", "WeChat does not answer")

PEER_WORDS: Mapping[str, Text] = {
    "peers_title": Text("工单对接", "Exchange"),
    "peers_says": Text(
        "与 12345 等对接方往来的工单：待发、发送失败及原因。失败的消息会挡住同一工单的后续消息，直到重发或跳过。",
        "Tickets exchanged with hotlines and other desks: what waits, what failed and why. A failed message holds up "
        "its case until it is sent again or passed over.",
    ),
    "peers_none": Text("没有对接方。", "There are no peers."),
    "peers_done": Text("已处理。", "Done."),
    "peers_gone": Text("已停用", "ended"),
    "peers_peer": Text("对接方", "Peer"),
    "peers_cases": Text("工单", "Cases"),
    "peers_cases_open": Text("未解决 {open}，共 {cases}", "{open} open of {cases}"),
    "peers_waiting": Text("待发", "Waiting"),
    "peers_failed": Text("发送失败", "Failed"),
    "peers_sent_at": Text("最近发送", "Last sent"),
    "peers_received_at": Text("最近收到", "Last received"),
    "peers_ticket_for": Text("转交给 {peer} 的工单号", "number of a ticket for {peer}"),
    "peers_pass_on": Text("转交", "Pass on"),
    "peers_rates": Text("本月三率", "The three rates of this month"),
    "peers_response": Text("响应率", "Response"),
    "peers_solution": Text("解决率", "Solution"),
    "peers_satisfaction": Text("满意率", "Satisfaction"),
    "peers_unsent": Text("未送达的消息", "Messages that have not arrived"),
    "peers_event": Text("事项", "Event"),
    "peers_state": Text("状态", "State"),
    "peers_why": Text("原因", "Why"),
    "peers_again": Text("重发", "Send again"),
    "peers_pass_over": Text("跳过", "Pass over"),
    "peers_is_failed": Text("失败", "failed"),
    "peers_is_waiting": Text("待发", "waiting"),
    "peers_is_sending": Text("发送中", "being sent"),
    "peers_refused": Text("未受理的来文", "Received and not taken"),
    "peers_case": Text("{peer} 工单", "At {peer}"),
    "peers_no_number": Text("编号未告知", "number not told"),
    "peers_response_met": Text("已响应（时限 {due}）", "answered (due {due})"),
    "peers_response_late": Text("响应超时（时限 {due}）", "answer late (due {due})"),
    "peers_response_runs": Text("待响应（时限 {due}）", "to be answered by {due}"),
    "peers_solution_met": Text("已解决（时限 {due}）", "solved (due {due})"),
    "peers_solution_late": Text("解决超时（时限 {due}）", "solution late (due {due})"),
    "peers_solution_runs": Text("待解决（时限 {due}）", "to be solved by {due}"),
    "peers_satisfied": Text("回访满意", "user satisfied"),
    "peers_dissatisfied": Text("回访不满意", "user not satisfied"),
    "peers_ended": Text("对方已结束", "ended there"),
}
