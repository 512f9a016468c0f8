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
