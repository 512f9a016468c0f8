"""The texts of WeChat on the pages of customers and of the office. Every key begins with `wechat_`."""

from collections.abc import Mapping

from domain.words.text import Text

WECHAT_WORDS: Mapping[str, Text] = {
    "wechat_title": Text("微信通知", "WeChat messages"),
    "wechat_says": Text(
        "在微信里同意一次，可收一条消息；其他通知方式不受影响。解除绑定后，微信账号信息随即删除。",
        "Each consent in WeChat is good for one message; you are told by other ways as before. When the accounts are "
        "ended, they are forgotten at once.",
    ),
    "wechat_none": Text("尚未绑定微信账号。", "No WeChat account is bound."),
    "wechat_bound": Text("已绑定 {n} 个微信账号。", "WeChat accounts bound: {n}."),
    "wechat_messages": Text("还可接收 {n} 条消息。", "Messages agreed to and not sent yet: {n}."),
    "wechat_all": Text("已同意长期接收消息。", "All messages are agreed to."),
    "wechat_no_consent": Text(
        "同意次数已用完，请在微信里再次同意，否则收不到微信消息。",
        "No consent is left: agree once more in WeChat, or nothing is sent there.",
    ),
    "wechat_bind": Text("绑定一个微信账号", "Bind a WeChat account"),
    "wechat_end": Text("解除全部绑定", "End all accounts"),
    "wechat_link": Text(
        "请在公司的{kind}里扫此码，或输入下面的绑定码。{at} 前有效，只能用一次，离开本页后不再显示。",
        "Scan this in the company’s {kind}, or type the code below. It holds until {at}, once, and is not shown again.",
    ),
    "wechat_kind_mini": Text("微信小程序", "mini-program"),
    "wechat_kind_account": Text("公众号", "official account"),
    "wechat_kind_template": Text("公众号", "official account"),
    "wechat_kind_none": Text("微信账号", "WeChat account"),
    "wechat_setting": Text("{kind} {app}，消息模板 {template}。", "{kind} {app}, template {template}."),
    "wechat_unset": Text(
        "公司未设置微信账号（HEARTH_WECHAT），不能绑定，也不发送。",
        "The company has set no WeChat account (HEARTH_WECHAT): none can be bound, and nothing is sent.",
    ),
}
