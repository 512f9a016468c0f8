"""The texts of the pages of complaints and reports in Chinese and English. Every key begins with `case_`."""

from collections.abc import Mapping

from domain.cases import FollowUp
from domain.words.text import Text

CASE_WORDS: Mapping[str, Text] = {
    "case_title": Text("投诉举报", "Complaints and reports"),
    "case_list_of": Text("投诉举报：{view}", "Complaints and reports: {view}"),
    "case_caption": Text("投诉举报，按答复期限排列", "Complaints and reports by the time their answer is due"),
    "case_shown": Text("共 {n} 件。", "{n} in all."),
    "case_view_open": Text("未办结", "Open"),
    "case_view_unanswered": Text("待答复", "Unanswered"),
    "case_view_late": Text("答复已超期", "Answer overdue"),
    "case_view_serious": Text("已上报、督办", "Escalated, supervised"),
    "case_view_closed": Text("已办结", "Closed"),
    "case_view_examples": Text("案例", "Examples"),
    "case_view_all": Text("全部", "All"),
    "case_none": Text("没有符合条件的投诉举报。", "There are none of these."),
    "case_answer": Text("答复期限", "Answer due"),
    "case_answered": Text("{at} 已答复", "answered {at}"),
    "case_answered_late": Text("{at} 答复，已超期", "answered {at}, late"),
    "case_no_due": Text("无期限", "no due time"),
    "case_about": Text("事由", "Subject"),
    "case_class": Text("类别", "Kind"),
    "case_station": Text("涉及供热站", "About the station"),
    "case_company": Text("公司", "the company"),
    "case_received": Text("登记", "Received"),
    "case_marks": Text("进展", "Follow-up"),
    "case_new": Text("登记投诉举报", "File a complaint or report"),
    "case_new_says": Text(
        "处理此件的人都能看到“内容”，请勿写入投诉人身份；身份只在下面填写，仅主管凭理由可查看。",
        "All who work on it read the story: keep the complainant out of it. Who it is belongs into the fields below, "
        "which supervisors alone may see, against a reason.",
    ),
    "case_file": Text("登记", "File"),
    "case_refused": Text("未登记：", "Not filed:"),
    "case_key_new": Text("登记投诉举报", "File a complaint or report"),
    "case_follow": Text("跟进", "Follow-up"),
    "case_field_class": Text("类别", "Kind"),
    "case_field_subject": Text("事由", "Subject"),
    "case_field_channel": Text("来源", "How it came in"),
    "case_field_text": Text("内容", "What happened"),
    "case_field_about_station": Text("涉及供热站", "About the station"),
    "case_field_anonymous": Text("匿名，不留任何身份信息", "Anonymous: nothing about the person is kept"),
    "case_field_name": Text("投诉人姓名", "Name"),
    "case_field_phone": Text("投诉人电话", "Telephone"),
    "case_field_home": Text("投诉人户号", "Home"),
    "case_field_note": Text("说明", "Note"),
    "case_hint_about_station": Text(
        "所涉供热站看不到此件。不选即涉及公司。", "The station will not see it. None chosen: it is about the company."
    ),
    "case_hint_home": Text("例如 B1-101。可先在“新来电”中查找。", "Such as B1-101; “New call” finds it."),
    "case_open_ticket": Text("打开", "Open"),
    "case_filters": Text("筛选", "Filters"),
}
FOLLOW_TEXTS: Mapping[FollowUp, Text] = {
    FollowUp.ESCALATED: Text("上报公司领导", "Escalate to management"),
    FollowUp.SUPERVISED: Text("督办", "Put under supervision"),
    FollowUp.PUBLISHED: Text("通报结果", "Publish the outcome"),
    FollowUp.EXAMPLE: Text("形成案例", "Keep as an example"),
}
FOLLOWED_TEXTS: Mapping[FollowUp, Text] = {
    FollowUp.ESCALATED: Text("已上报", "escalated"),
    FollowUp.SUPERVISED: Text("督办中", "under supervision"),
    FollowUp.PUBLISHED: Text("已通报", "published"),
    FollowUp.EXAMPLE: Text("案例", "example"),
}
