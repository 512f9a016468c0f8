"""The texts of the pages on which the company's people sign in and manage their accounts."""

from collections.abc import Mapping

from domain.words.text import Text

STAFF_WORDS: Mapping[str, Text] = {
    # around every page of the staff
    "staff_nav": Text("导航", "Navigation"),
    "nav_cases": Text("投诉举报", "Complaints"),
    "nav_more": Text("更多", "More"),
    "to_desk": Text("调度台", "Repair desk"),
    "to_people": Text("人员", "Staff"),
    "to_account": Text("我的账户", "My account"),
    "sign_out": Text("退出登录", "Sign out"),
    "to_start": Text("返回", "Back to work"),
    "role_crew": Text("班组", "crew"),
    "role_dispatcher": Text("调度员", "dispatcher"),
    "role_supervisor": Text("主管", "supervisor"),
    "role_admin": Text("管理员", "administrator"),
    # signing in
    "title_sign_in": Text("工作人员登录", "Staff sign-in"),
    "sign_in_name": Text("登录名", "Sign-in name"),
    "password": Text("密码", "Password"),
    "sign_in": Text("登录", "Sign in"),
    "sign_in_wrong": Text(
        "登录名或密码不正确。多次输错后，需等待最多 15 分钟才能再试。",
        "The name or the password is wrong. After several wrong tries, wait up to 15 minutes before you try again.",
    ),
    "sign_in_help": Text(
        "忘记密码或没有账户？请向管理员索取邀请链接。",
        "No account, or password forgotten? Ask an administrator for an invitation link.",
    ),
    "sign_in_provider": Text("用单位账号登录", "Sign in with the company account"),
    "sign_in_or": Text("或使用登录名和密码：", "Or with name and password:"),
    "sign_out_provider": Text("同时退出单位账号", "Sign out of the company account, too"),
    "provider_refused": Text(
        "单位账号登录未成功：没有适用的角色，或已停用。请联系管理员。",
        "Signing in with the company account did not work: it has no role here, or its access has ended. "
        "Ask an administrator.",
    ),
    "provider_away": Text("单位账号系统暂时无法连接。", "The company's sign-in cannot be reached at the moment."),
    "signed_out_says": Text("您已退出登录。", "You have signed out."),
    "password_set_says": Text("密码已设置，请登录。", "Your password is set. Please sign in."),
    "title_code": Text("输入验证码", "Enter your code"),
    "code": Text("验证码", "Code"),
    "code_says": Text("请输入验证器应用中的六位数字。", "Enter the six digits that your authenticator app shows."),
    "code_wrong": Text(
        "验证码不正确，或已经用过。请等待下一个。", "The code is wrong or was used already. Wait for the next one."
    ),
    # the account
    "sessions": Text("登录的设备", "Where you are signed in"),
    "session_this": Text("本设备", "this device"),
    "session_since": Text("{at} 登录", "signed in {at}"),
    "session_used": Text("上次使用：{ago}", "last used {ago}"),
    "session_ends": Text("最迟 {at} 结束", "ends {at} unless used"),
    "session_end": Text("结束此登录", "End this session"),
    "sessions_end_others": Text("结束其他所有登录", "End all other sessions"),
    "set_at": Text("{at} 设置", "set {at}"),
    "password_change": Text("修改密码", "Change password"),
    "password_old": Text("现在的密码", "Present password"),
    "password_new": Text("新密码", "New password"),
    "password_again": Text("再输入一次新密码", "New password again"),
    "password_says": Text(
        "至少 10 个字符。几个不相关的词连在一起就很好。",
        "At least 10 characters. A few unrelated words in a row are fine.",
    ),
    "fault_password_length": Text("须为 10 至 200 个字符。", "It must have 10 to 200 characters."),
    "fault_password_easy": Text("太容易猜到，请换一个。", "It is too easy to guess. Please choose another one."),
    "fault_password_again": Text("两次输入不一致。", "The two are not the same."),
    "fault_password_wrong": Text(
        "密码不正确，或输错次数过多。", "The password is wrong, or there were too many wrong tries."
    ),
    "codes": Text("登录验证码", "Codes for signing in"),
    "codes_say": Text(
        "设置后，登录时除密码外还需输入手机验证器应用中的验证码。",
        "With codes, signing in needs the password and a code from an authenticator app on your telephone.",
    ),
    "codes_are_on": Text("已于 {at} 启用。停用需输入密码。", "On since {at}. Your password ends them."),
    "codes_begin": Text("启用验证码", "Set up codes"),
    "codes_end": Text("停用验证码", "End codes"),
    "codes_scan": Text(
        "请用验证器应用扫描此图，然后输入它显示的六位数字。",
        "Scan this with an authenticator app, then enter the six digits that it shows.",
    ),
    "codes_picture": Text("给验证器应用的二维码", "QR code for an authenticator app"),
    "codes_type": Text("或手动输入密钥：", "Or type in this key:"),
    "done_session_ended": Text("该登录已结束。", "The session has ended."),
    "done_others_ended": Text("其他登录均已结束。", "All other sessions have ended."),
    "done_password_changed": Text(
        "密码已修改，其他登录均已结束。", "Your password has been changed, and all other sessions have ended."
    ),
    "done_codes_on": Text("验证码已启用。", "Codes are on."),
    "done_codes_off": Text("验证码已停用。", "Codes are off."),
    # invitations
    "title_invitation": Text("邀请", "Invitation"),
    "invitation_for": Text("{name}，欢迎", "Welcome, {name}"),
    "invitation_says": Text(
        "角色：{role}。登录名：{sign_in}。请设置密码；此链接只能使用一次。",
        "Your role: {role}. Your sign-in name: {sign_in}. Choose a password; this link works once.",
    ),
    "invitation_accept": Text("设置密码", "Set password"),
    "invitation": Text("邀请链接", "Invitation link"),
    "invitation_link_says": Text(
        "请交给本人。只显示这一次，7 天内有效，只能使用一次。",
        "Give it to this person. It is shown this once, holds for 7 days, and works once.",
    ),
    # the list of people
    "people": Text("全部人员", "All people"),
    "people_found": Text("找到的人员", "People found"),
    "people_sought": Text("姓名、登录名或供热站", "Name, sign-in name or heat station"),
    "people_find": Text("查找", "Find"),
    "people_all": Text("显示全部人员", "Show all people"),
    "people_none": Text("没有找到。", "Nobody was found."),
    "people_first": Text("回到最前", "Back to the first page"),
    "people_next": Text("下一页", "Next page"),
    "person_name": Text("姓名", "Name"),
    "person_role": Text("角色", "Role"),
    "person_station": Text("供热站", "Heat station"),
    "person_station_says": Text("仅班组需要。", "For crews alone."),
    "person_telephone": Text("电话", "Telephone"),
    "person_language": Text("语言", "Language"),
    "person_used": Text("上次使用", "Last seen"),
    "person_standing": Text("状态", "Status"),
    "person_add": Text("添加人员", "Add a person"),
    "person_change": Text("修改资料", "Change details"),
    "person_end": Text("离职：立即停用", "Has left: end access now"),
    "person_end_sessions": Text("结束所有登录", "End all sessions"),
    "invite": Text("生成邀请链接", "Make an invitation link"),
    "reset": Text("重置密码和验证码", "Reset password and codes"),
    "sign_in_name_says": Text(
        "2 至 64 个字符：小写字母、数字、点、下划线、连字符、@。", "2 to 64 of a-z, 0-9, dot, underscore, hyphen and @."
    ),
    "standing_active": Text("在用", "active"),
    "standing_invited": Text("已邀请，{at} 前有效", "invited until {at}"),
    "standing_uninvited": Text("尚未邀请", "not invited"),
    "standing_over": Text("{at} 停用", "ended {at}"),
    "standing_since": Text("{at} 启用", "active since {at}"),
    "password_on": Text("密码：{at} 设置。", "Password set {at}."),
    "password_off": Text("尚无密码。", "No password."),
    "codes_on": Text("验证码：{at} 启用。", "Codes on since {at}."),
    "codes_off": Text("未启用验证码。", "No codes."),
    "done_person_changed": Text("资料已修改。", "The details have been changed."),
    "done_person_ended": Text("已停用，所有登录均已失效。", "The access has ended, with all sessions."),
    "done_sessions_ended": Text("所有登录均已结束。", "All sessions have ended."),
    "rule_staff_name": Text("姓名须为 1 至 100 个字符。", "The name must have 1 to 100 characters."),
    "rule_staff_station": Text(
        "班组须填供热站，其他角色不填。", "A crew needs a heat station, and no other role takes one."
    ),
    "rule_no_station": Text("没有此供热站。", "There is no such heat station."),
    "rule_staff_telephone": Text(
        "电话只能含数字、空格、连字符、括号和开头的加号。",
        "A telephone number has digits, spaces, hyphens, brackets and a leading + at most.",
    ),
    "rule_staff_sign_in_name_form": Text(
        "登录名只能含小写字母、数字、点、下划线、连字符和 @，至少 2 个字符。",
        "A sign-in name has 2 to 64 of a-z, 0-9, dot, underscore, hyphen and @.",
    ),
    "rule_staff_signs_in": Text("请填写登录名。", "A sign-in name is needed."),
    "rule_staff_sign_in_name": Text("此登录名已有人使用。", "Somebody has this sign-in name already."),
    "rule_staff_printable": Text("含有无法显示的字符。", "It has characters that cannot be shown."),
    "rule_self": Text("不能停用自己的账户。", "You cannot end your own access."),
    # what went wrong
    "trouble_not_for_role": Text("您的角色不能使用此页", "This page is not for your role"),
    "trouble_not_for_role_says": Text("如需权限，请联系管理员。", "Ask an administrator if you need it."),
    "trouble_signed_out": Text("登录已结束", "Your session has ended"),
    "trouble_signed_out_says": Text("请重新登录。", "Please sign in again."),
    "again_title": Text("尚未提交", "Not sent yet"),
    "again_signed_out": Text(
        "登录已结束。您填写的内容保留在本页：请在新标签页登录，再回到这里提交。",
        "Your session has ended. What you wrote is kept on this page: sign in in a new tab, come back, and send it.",
    ),
    "again_signed_in": Text(
        "打开此表单后重新登录过。您填写的内容仍在：提交后记在当前登录人名下。",
        "Somebody has signed in again since this form was opened. What was written is kept; it is sent in the name of"
        " the person who is signed in now.",
    ),
    "again_file_later": Text(
        "文件“{name}”不能保留：登录后在下一页重新选择。",
        "The file “{name}” cannot be kept: after signing in, choose it again on the next page.",
    ),
    "again_file": Text(
        "文件“{name}”不能保留，请重新选择。", "The file “{name}” cannot be kept; please choose it again."
    ),
    "again_choose": Text("重新选择文件", "Choose the file again"),
    "again_new_tab": Text("登录（新标签页）", "Sign in (a new tab)"),
    "again_send": Text("提交", "Send it"),
    "signed_out_writing": Text(
        "登录已结束。您填写的内容保留在本页，请在新标签页登录后再提交。",
        "Your session has ended. What you write stays on this page; sign in in a new tab before you send it.",
    ),
}
