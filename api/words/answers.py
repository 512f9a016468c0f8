"""Prepared answers to users, in Chinese and English."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from domain.tickets import TicketClass
from domain.words.text import Text


class AnswerTemplate(NamedTuple):
    """A prepared answer to users; `of`: the classes of tickets that it suits. Fields: `number`, `call`."""

    name: Text
    text: Text
    of: Collection[TicketClass]


REPAIRS = frozenset({TicketClass.COLD, TicketClass.LEAK, TicketClass.REPAIR})
CASES = frozenset({TicketClass.COMPLAINT, TicketClass.REPORT})
CALL_US = Text("我们", "us")  # where there is no hotline
ANSWERS: Mapping[str, AnswerTemplate] = {
    "repaired": AnswerTemplate(
        Text("已修好", "Repaired"),
        Text(
            "您反映的问题（工单 {number}）已处理完毕。如仍有问题，请致电{call}，我们会立即再来。",
            "The problem you reported (ticket {number}) has been repaired. If anything is still wrong, please call "
            "{call} and we will come back at once.",
        ),
        REPAIRS,
    ),
    "warm": AnswerTemplate(
        Text("室温已达标", "Warm again"),
        Text(
            "您家室温偏低的问题（工单 {number}）已处理，监测显示室温已恢复达标。给您带来不便，深表歉意。",
            "Your home had been too cold (ticket {number}). The fault has been repaired and our readings show that it "
            "is warm again. We apologise for the inconvenience.",
        ),
        frozenset({TicketClass.COLD}),
    ),
    "network": AnswerTemplate(
        Text("管网故障", "Network fault"),
        Text(
            "您家室温偏低是管网故障所致，正在抢修，修复后室温会逐步回升（工单 {number}）。进展可致电{call}。",
            "A fault in the network is the cause. It is being repaired, and your home will warm up again afterwards "
            "(ticket {number}). For progress please call {call}.",
        ),
        frozenset({TicketClass.COLD}),
    ),
    "in_home": AnswerTemplate(
        Text("户内设施", "Inside the home"),
        Text(
            "经上门检查，问题在户内设施（工单 {number}）。我们已向您说明处理办法；如需我们协助，请致电{call}。",
            "Our crew found that the cause lies in the installation inside your home (ticket {number}) and has "
            "explained what can be done. If you would like our help, please call {call}.",
        ),
        REPAIRS,
    ),
    "case_settled": AnswerTemplate(
        Text("投诉已处理", "Settled"),
        Text(
            "您反映的情况（编号 {number}）已经核实并处理。感谢您的监督；如对结果有异议，请致电{call}。",
            "We have looked into what you reported (number {number}) and acted on it. Thank you for telling us; if you "
            "disagree with the outcome, please call {call}.",
        ),
        CASES,
    ),
    "case_unfounded": AnswerTemplate(
        Text("情况不属实", "Not confirmed"),
        Text(
            "您反映的情况（编号 {number}）已经核实，未发现所述问题。如有新的情况或依据，请致电{call}。",
            "We have looked into what you reported (number {number}) and could not confirm it. If you have anything to "
            "add, please call {call}.",
        ),
        CASES,
    ),
}
