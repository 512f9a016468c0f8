"""The texts of seasons, the calendar, and drafts of the policy. Every key of a page begins with `rules_`."""

from collections.abc import Mapping

from domain.words.text import Text

DRAFT_NOTHING = Text("没有任何改动", "nothing would change")
SEASON_NONE = Text("至少要有一个供热季", "there is no season")
SEASON_EMPTY = Text("结束日须晚于开始日", "must end after it begins")
SEASONS_OVERLAP = Text("供热季 {first} 与前一个重叠", "the season of {first} overlaps the one before")
BOTH_KINDS = Text("{day} 既是休息日又是上班日", "{day} is both a day off and a worked day")
NO_CALENDAR_DAY = Text("“{given}”不是日期（如 2026-10-01）", "{given!r} is no day such as 2026-10-01")
NO_CALENDAR_YEAR = Text("“{given}”不是年份（如 2027）", "{given!r} is no year such as 2027")
NOT_WRITABLE = Text(
    "规则文件的写法不便自动修改，请在服务器上直接编辑",
    "the policy file is written in a way that is not changed here: edit it on the server",
)

RULES_WORDS: Mapping[str, Text] = {
    "rules_title": Text("供热季与节假日", "Seasons and holidays"),
    "rules_policy": Text("规则文件：{name}（SHA-256：{sha256}）", "Policy file: {name} (SHA-256 {sha256})"),
    "rules_seasons": Text("供热季", "Seasons"),
    "rules_seasons_says": Text(
        "只在供热季内判定；结束日不含在内。", "Homes are judged within seasons alone. The end is not included."
    ),
    "rules_from": Text("开始", "From"),
    "rules_to": Text("结束（不含）", "To (not included)"),
    "rules_stands": Text("状态", "Now"),
    "rules_stands_over": Text("已结束", "over"),
    "rules_stands_running": Text("进行中", "running"),
    "rules_stands_coming": Text("未开始", "ahead"),
    "rules_holidays": Text("{year} 年节假日与调休", "Holidays and worked days of {year}"),
    "rules_holidays_says": Text(
        "以工作日计的时限按此计算。", "Time limits that are counted in working days follow these days."
    ),
    "rules_year_unknown": Text(
        "尚不知道 {year} 年的节假日：延续到该年的工作日时限没有到期时间。请列出全部节假日，并写明该年已完整列出。",
        "The holidays of {year} are not known: time limits in working days that reach into it have no due time. "
        "List all of them, and the year among those that are listed in full.",
    ),
    "rules_year_before": Text("上一年", "Year before"),
    "rules_year_after": Text("下一年", "Year after"),
    "rules_day": Text("日期", "Day"),
    "rules_kind": Text("种类", "Kind"),
    "rules_off": Text("休息", "off"),
    "rules_works": Text("上班", "worked"),
    "rules_occasion": Text("节日", "Occasion"),
    "rules_source": Text("来源", "Source"),
    "rules_source_policy": Text("规则文件", "policy"),
    "rules_source_public": Text("国家公布", "public"),
    "rules_no_days": Text("没有列出的日子。", "No days are listed."),
    "rules_draft": Text("起草修改", "Draft a change"),
    "rules_draft_says": Text(
        "这里不会改动任何数据：生成新的规则文件，并指出哪些日子须重新判定。",
        "Nothing is changed here. A new policy file is made, and the days are named that have to be judged again.",
    ),
    "rules_draft_season": Text("第 {n} 个供热季", "Season {n}"),
    "rules_draft_rows": Text("留空的行会被去掉。", "An empty row is left out."),
    "rules_draft_calendar": Text("工作日历", "The calendar of working days"),
    "rules_draft_days": Text(
        "日期之间用空格、逗号或换行分隔。只写国家日历没有或不同的日子。",
        "Days apart by spaces, commas or lines: those that the public calendar does not know, or that differ.",
    ),
    "rules_draft_years": Text("完整列出的年份", "Years that are listed in full"),
    "rules_draft_off": Text("休息日", "Days off"),
    "rules_draft_worked": Text("上班的周末", "Worked days of weekends"),
    "rules_draft_make": Text("起草", "Draft"),
    "rules_drafted": Text("草稿", "The draft"),
    "rules_refused": Text("无法起草", "No draft can be made"),
    "rules_again": Text("须重新判定的日子", "Days that have to be judged again"),
    "rules_again_none": Text("已判定的日子都不受影响。", "No day that has been judged is touched."),
    "rules_becomes_judged": Text("将被判定", "would be judged"),
    "rules_becomes_not_judged": Text("不再判定", "would be judged no more"),
    "rules_first_last": Text("{first} 至 {last}", "{first} to {last}"),
    "rules_kept": Text(
        "{day} 之前的读数已删除：那些日子保持原来的判定。",
        "Readings of before {day} were deleted: those days stay as they were judged.",
    ),
    "rules_clocks": Text(
        "正在计时的时限保持已定的到期时间；新的时限按新日历计算。",
        "Time limits that run keep their due time; those that begin from then on follow the new calendar.",
    ),
    "rules_steps": Text("如何启用", "How it comes into force"),
    "rules_step_check": Text("在服务器上检查文件：", "Check the file on the server:"),
    "rules_step_put": Text(
        "用它替换 HEARTH_POLICY 所指的文件，然后重启各服务。",
        "Put it in the place of the file that HEARTH_POLICY names, and restart the services.",
    ),
    "rules_step_again": Text(
        "重新判定上列日子（加 --dry-run 只看结果）：",
        "Judge the days above again (with --dry-run it only says what would change):",
    ),
    "rules_download": Text("下载新的规则文件", "Download the new policy file"),
}
