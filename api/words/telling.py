"""The texts of what customers may say about an open ticket, in Chinese and English. Every key begins with `my_`."""

from collections.abc import Mapping

from domain.words.text import Text

MY_WORDS: Mapping[str, Text] = {
    # who comes, and attempts to reach the user
    "my_coming": Text("上门人员：{who}", "Coming to you: {who}"),
    "my_attempt": Text("我们 {at} 联系您，未能接通。", "We tried to reach you at {at} and did not succeed."),
    "my_attempt_again": Text("将于 {at} 再联系。", "We will try again at {at}."),
    # what was said, shown back
    "my_added_at": Text("您补充（{at}）", "You added ({at})"),
    "my_contact_given": Text("留下了联系电话", "a phone number"),
    "my_list_mark": Text("、", "; "),
    "my_says_persists_cold": Text("还是冷", "it is still cold"),
    "my_says_solved_cold": Text("现在暖和了", "it is warm now"),
    "my_says_persists_leak": Text("还在漏", "it still leaks"),
    "my_says_solved_leak": Text("不漏了", "it leaks no more"),
    "my_says_persists_repair": Text("还没修好", "it is not fixed"),
    "my_says_solved_repair": Text("已经好了", "it is fixed"),
    "my_says_and": Text("{words}。{follows}", "{words}. {follows}"),
    "my_reaction_again": Text("工单已重新处理。", "Work has been resumed."),
    "my_reaction_contradicted": Text(
        "测得的室温已达标，我们会与您核实。", "The temperature measured is within the limit; we will check with you."
    ),
    "my_visits": Text("方便上门：{times}", "a visit suits: {times}"),
    "my_declined": Text("不同意付费", "you do not agree to pay"),
    # agreeing to pay, and rating
    # applications for heat
    "my_apply": Text("申请用热、变更、停热或复热", "Apply for heat, a change, a stop, or heat again"),
    "my_apply_says": Text(
        "我们在3个工作日内答复。请勾选您已备好的资料，照片可在受理后上传。",
        "We answer within 3 working days. Tick the papers that you have; photos of them can be added afterwards.",
    ),
    "my_apply_for": Text("申请事项", "What you apply for"),
    "my_apply_documents": Text("资料", "Papers"),
    "my_apply_area": Text("变更后的面积（平方米，仅变更面积时填写）", "New area in m² (for a change of area only)"),
    "my_apply_contact": Text(
        "姓名和电话（变更户名请写新户名）", "Name and telephone (of a change of name: the new name)"
    ),
    "my_apply_send": Text("提交申请", "Apply"),
    "my_contract": Text("供用热合同 {contract}，请阅读并签订", "Heating contract {contract}: please read and sign"),
    "my_sign": Text("我已阅读并同意，签订合同", "I have read it and sign"),
    "my_terms": Text("这项维修由您付费，请在施工前确认", "You pay for this repair: please agree before it is begun"),
    "my_terms_for": Text("收费项目：{what}", "For: {what}"),
    "my_terms_amount": Text("金额：{amount} 元", "Amount: {amount} yuan"),
    "my_terms_open": Text("金额由维修人员当面告知。", "The crew will tell you the amount."),
    "my_agree": Text("同意付费", "I agree to pay"),
    "my_decline": Text("不同意", "I do not agree"),
    "my_terms_words": Text("说明（可不填）", "What you want to add (optional)"),
    "my_rate": Text("评价这次维修", "Rate this repair"),
    "my_rating": Text("您的评价：{stars} 分（满分 5 分）", "Your rating: {stars} of 5"),
    "my_stars": Text("几分？5 分最好", "How many stars? 5 is best"),
    "my_rate_says": Text("一天之内可以修改。", "You can change it for a day."),
    # forms
    "my_how_now": Text("现在怎么样？", "How is it now?"),
    "my_add": Text("补充说明、留电话", "Add something, or a phone number"),
    "my_words": Text("补充说明（可不填）", "What you want to add (optional)"),
    "my_phone": Text("联系电话（可不填）", "Phone number (optional)"),
    "my_phone_wanted": Text("请留下联系电话", "Please leave a phone number"),
    "my_phone_wanted_says": Text(
        "我们没有您的电话，上门前联系不上您。", "We have no number for you and cannot call before we come."
    ),
    "my_send": Text("提交", "Send"),
    "my_times": Text("哪些时间方便上门？", "When does a visit suit you?"),
    "my_times_says": Text(
        "可选多个。这是您的意愿，上门时间以双方约定为准；紧急情况会尽快上门。",
        "Choose as many as you like. It is a wish: the appointment is agreed with you, and urgent visits come sooner.",
    ),
    "my_day": Text("{day}（{weekday}）", "{weekday} {day}"),
    "my_time": Text("{day}{part}", "{day}, {part}"),
    "my_part_morning": Text("上午", "morning"),
    "my_part_afternoon": Text("下午", "afternoon"),
    "my_part_evening": Text("晚上", "evening"),
    "my_photo": Text("发送照片", "Send a photo"),
    "my_photo_which": Text(
        "照片或 PDF，最大 8 MB；照片中的位置等信息会被去除",
        "A photo or a PDF, 8 MB at most. Where it was taken is removed from it",
    ),
    "my_files": Text("照片和文件", "Photos and papers"),
    "my_file_photo": Text("照片", "photo"),
    "my_file_signature": Text("签名", "signature"),
    "my_file_scan": Text("扫描件", "scan"),
    "my_changed": Text("页面已更新", "The page is up to date again"),
    "my_stale": Text("情况有变化。", "Something has changed."),
    "my_said": Text("已转告：工单 {number}", "Passed on: ticket {number}"),
    "my_said_says": Text("供热站和调度室已收到。", "The heat station and the desk have it."),
}
# The same as the staff reads it: among the words of the desk.
DESK_SAID: Mapping[str, Text] = {
    "desk_user_word": Text("用户最近说", "The user's word"),
    "desk_spoke": Text("用户留言未回复（{at}）", "User message unanswered ({at})"),
    "desk_user_times": Text("用户方便的时间", "A visit suits"),
    "desk_field_times": Text("方便上门的时间", "When a visit suits"),
    "desk_times_hint": Text("代替此前所说的时间，最多 12 个", "In place of those told before; 12 at most"),
    "desk_terms_hint": Text(
        "签字确认的是：{terms}。电话同意的，写明如“电话同意，3月5日”",
        "What is agreed to: {terms}. If it was by telephone, say so: “by telephone, 5 March”",
    ),
    "desk_field_declined": Text("不同意付费条件", "Does not agree to the terms"),
    "desk_told_at": Text("{what}（{at}）", "{what} ({at})"),
    "desk_option_solved": Text("好了", "it is all right now"),
    "desk_option_persists": Text("问题还在", "the trouble persists"),
    "desk_option_again": Text("重新处理", "the work is to be done again"),
    "desk_option_contradicted": Text(
        "测得的室温已达标：请核实或上门测温",
        "what was measured says otherwise: check, or measure on site",
    ),
}
