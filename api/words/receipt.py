"""Texts of a ticket's receipt (回执单), in Chinese and English."""

from domain.tickets import Proof
from domain.words.text import Text

TITLE = Text("用户报修处理意见回执单", "Repair receipt")
LABELS = {
    "number": Text("编号", "Number"),
    "home": Text("用户", "Home"),
    "category": Text("类别", "Category"),
    "received": Text("受理时间", "Received"),
    "report": Text("报修内容", "Report"),
    "contact": Text("联系方式", "Contact"),
    "heat_station": Text("供热站", "Heat station"),
    "person_responsible": Text("负责人", "Person responsible"),
    "planned_action": Text("处理意见", "Planned action"),
    "appointment": Text("预约时间", "Appointment"),
    "user_contacted": Text("联系用户", "User contacted"),
    "on_site": Text("到达现场", "On site"),
    "reason_for_delay": Text("延误说明", "Reason for delay"),
    "cause_found": Text("故障原因", "Cause found"),
    "parts_used": Text("使用配件", "Parts used"),
    "done": Text("处理完毕", "Done"),
    "result": Text("处理结果", "Result"),
    "proof": Text("恢复依据", "Proof"),
    "liability": Text("责任归属", "Liability"),
    "charged_to_the_user": Text("有偿服务", "Charged to the user"),
    "confirmed_by_the_user": Text("用户确认", "Confirmed by the user"),
    "answer": Text("答复", "Answer"),
    "called_back": Text("回访", "Called back"),
    "user_satisfied": Text("用户满意", "User satisfied"),
    "merged_into": Text("并入工单", "Merged into"),
    "reason_for_merging": Text("合并原因", "Reason for merging"),
    "reason_for_voiding": Text("作废原因", "Reason for voiding"),
    "closed": Text("办结时间", "Closed"),
}
RESPONSIBLE = {"company": Text("供热单位", "the company"), "user": Text("用户", "the user")}
PROOFS = {
    Proof.READINGS: Text("室温已恢复并保持达标", "temperature has recovered and stayed compliant"),
    Proof.MEASUREMENT: Text("经用户签字的测温", "on-site measurement signed by the user"),
    Proof.ENDED: Text("已不在供热考核范围", "the home is no longer monitored for compliance"),
    Proof.WITHDRAWN: Text("补到的数据表明并未低温", "late data shows that the home was not cold"),
}
YES, NO = Text("是", "yes"), Text("否", "no")
