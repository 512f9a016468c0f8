"""The texts of refunds in Chinese and English."""

from domain.words.text import Text

NO_RULES = Text("没有设定退费规则，不计算退费", "no refund rules are set: no refund is computed")
NO_SEASON = Text("没有这样的、已开始的采暖期", "there is no such season that has begun")
MADE_ALREADY = Text(
    "这户这个采暖期已有退费单：更正须写明更正哪一张及原因",
    "the home has a sheet of this season: a correction names the one it corrects, and why",
)
NO_SUCH_SHEET = Text("没有这张退费单", "there is no such refund sheet")
CORRECTED = Text("这张退费单已被更正", "the sheet has been corrected")
OTHER_SHEET = Text("不是这户这个采暖期的退费单", "is no sheet of this home and season")
NO_PERSON = Text(
    "须由登录的工作人员本人批准，机器令牌不能批准",
    "is approved by members of the staff who have signed in, and by no token",
)
SAME_PERSON = Text("须由另一人批准", "has to be approved by another person")
APPROVED = Text("已有两人批准", "two persons have approved it already")
DIFFERS = Text(
    "台账或依据已改变，退费单与现有记录不符",
    "the ledger or the facts have changed: the sheet is not what is on record now",
)
NOTHING_TO_PAY = Text("没有尚未支付的退费日", "there is no day that is not paid yet")
NOT_PAYABLE = Text(
    "每张须经两人批准、未被更正，且每日只付一次",
    "each sheet needs two approvals and no correction, and no day is paid twice",
)
SEVERAL_CURRENCIES = Text("一份文件只用一种货币", "a file is in one currency")
NO_SUCH_PAYMENT = Text("没有这份支付文件", "there is no such payment")
NOT_WITHDRAWN = Text("不是这户的依据，或已撤回", "is no fact of this home, or is withdrawn already")
IN_PLAIN_WORDS = Text(
    "自 {first} 起，{days} 天应退费，合计 {total} {currency}",
    "since {first}, {days} days give money back, {total} {currency} in all",
)
UNTIL = Text(
    "结束时间只用于拒绝测温、用户原因和未交清，且须晚于开始时间",
    "until is of refused, at_fault and unpaid alone, and after at",
)
WHY_CORRECTED = Text(
    "更正须写明更正哪一张及原因；其他退费单两者都不写",
    "a correction needs both corrects and reason; any other sheet takes neither",
)
