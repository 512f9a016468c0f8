"""Words of the people of a demo, and of its door to a stranger."""

LEAK = "暖气片下面漏水。Water is dripping from the radiator."
COMPLAINT = "报修两次还是冷。Reported twice, and it is still cold."
PLANNED = "更换换热站循环泵。Replacing the circulation pump."
FAULT = "一次管网泄漏抢修。Emergency repair of the primary pipe."
RESULTS = (
    "散热器放气，已恢复。Radiators vented.",
    "更换立管阀门。Riser valve replaced.",
    "清洗过滤器。Strainer cleaned.",
)
REPLY = "已处理，请留意室温。It has been repaired; please keep an eye on the temperature."
# By role: who works behind its door.
PEOPLE = {
    "dispatcher": "李娜 Li Na",
    "crew": "王强 Wang Qiang",
    "supervisor": "赵敏 Zhao Min",
    "admin": "陈静 Chen Jing",
}
QR_ONLY = "此演示只能凭二维码打开。\nThis demo opens with its QR code only.\n"
