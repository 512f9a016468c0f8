"""Faults of the registry's files and records in Chinese. The registry says them in English; here is each pattern.

A fault that no pattern knows stays in English, with its place before it.
"""

import re
from collections.abc import Sequence

from domain.words.text import Text

# A pattern of the English fault, and the Chinese one with its groups.
PATTERNS: Sequence[tuple[str, str]] = (
    (r"is empty", "不能为空"),
    (r"unknown column(?:; the columns are (.+))?", "没有此列{1}"),
    (r"this column is missing(?: \(or (.+)\))?", "缺少此列"),
    (r"no header; the columns are (.+)", "没有表头；应有的列：{1}"),
    (r"is in the header twice.*", "表头中重复出现"),
    (r"holds a line break or another control character; write it on one line", "含有换行或其他控制字符，请写在一行内"),
    (r"is longer than (\d+) characters", "超过 {1} 个字符"),
    (r"(.+) holds a space or an unprintable character(.*)", "{1} 含有空格或不可见字符{2}"),
    (r"(.+) holds '/', '\+' or '#', which .+", "{1} 含有“/”“+”或“#”，不能作为 MQTT 主题的一级"),
    (r"(.+) begins like the broker sessions of Hearth itself", "{1} 的开头与系统自身的会话名相同"),
    (r"(.+) is not one of (.+)", "{1} 不在可选值之内：{2}"),
    (r"(.+) is finer than a thousandth of a degree", "{1} 的精度超过千分之一度"),
    (r"(.+) is not a number", "{1} 不是数字"),
    (r"(.+) is not between (\S+) and (\S+)", "{1} 不在 {2} 至 {3} 之间"),
    (r"(.+) is not a whole number; write it with digits alone", "{1} 不是整数，请只写数字"),
    (r"(.+) is not a day or time between .+", "{1} 不在 1970 年至 2199 年之间"),
    (r"(.+) is not a valid day or time", "{1} 不是有效的日期或时间"),
    (r"(.+) is neither a day .+ nor a time .+",
     "{1} 不是日期（2026-01-31），也不是带时区的时间（2026-01-31T08:00:00+08:00）"),
    (r"(.+) may be day and month or month and day; .+", "{1} 分不清日和月，请把年写在最前：2026-01-31"),
    (r"(.+) is in an hour in which the clocks are changed; .+", "{1} 在调整时钟的一小时内，请写明时区"),
    (r"(.+) is not a clock time HH:MM", "{1} 不是“06:00”那样的时刻"),
    (r"(.+) is not a time of day", "{1} 不是一天中的时刻"),
    (r"is empty, its other half is not", "为空，而与它成对的一项有值"),
    (r"is not after valid_from", "不晚于 valid_from"),
    (r"name either a home or a (building|substation)", "户和{1}只能填一个"),
    (r"is before `from`", "早于 from"),
    (r"is empty; a window needs both times; .+", "为空；时段需要两个时刻，全天则都留空"),
    (r"is empty, but the contract has a window", "为空，而合同有时段"),
    (r"is equal to contract_from; .+", "与 contract_from 相同；全天则都留空"),
    (r"is empty; a sensor in a home needs it", "为空；户内传感器须填"),
    (r"must be empty for a sensor at a substation", "换热站的传感器不填此项"),
    (r"is the same as on line (\d+)", "与第 {1} 行相同"),
    (r"differs from line (\d+) in more than its heat status", "与第 {1} 行相比，不仅供热状态不同"),
    (r"overlaps the time on line (\d+)", "与第 {1} 行的时间重叠"),
    (r"overlaps line (\d+)", "与第 {1} 行的时间重叠"),
    (r"is also (?:on line|at) (\d+)", "在第 {1} 行已出现"),
    (r"holds (.+), the error of a formula; enter the value", "是公式的错误值 {1}，请填写数值"),
    (r"is a formula; enter its value, .+", "是公式；请填写数值，或在前面加单引号"),
    (r"is a number that its format shows in another form; .+",
     "数字的显示格式改变了它的样子；请把该列设为文本后重新输入"),
    (r"(?:(.+) )?is in scientific notation, .+", "{1} 是科学记数法，会丢失数字；请把该列设为文本后重新输入"),
    (r"(.+) has only zeros after its (\d+)th digit, .+",
     "{1} 第 {2} 位之后全是零，应是被取整了；请把该列设为文本后重新输入"),
    (r"is a date that a spreadsheet made of something else .+", "被电子表格改成了日期；请把该列设为文本后重新输入"),
    (r"holds \? where characters were lost; .+", "含有丢失字符留下的“?”；请另存为“CSV UTF-8”"),
    (r"is an old workbook \(\.xls\) or has a password; .+", "是旧版工作簿（.xls）或设有密码；请另存为不设密码的 .xlsx"),
    (r"is a page of HTML or XML, not a table; .+", "是网页而不是表格；请用电子表格打开后另存为 .xlsx"),
    (r"is no \.xlsx workbook that can be read; .+", "不是可以读取的 .xlsx 工作簿；请重新另存"),
    (r"is larger than (\d+ MB) when unpacked", "解压后超过 {1}"),
    (r"has the worksheets (.+): keep the one that is meant", "有多个工作表：{1}；请只保留一个"),
    (r"has (\d+) worksheets \((.+)\), none of them named (\w+); .+", "有 {1} 个工作表（{2}），没有一个名为 {3}"),
    (r"has (\d+) fields, the header has (\d+)(.*)", "有 {1} 格，表头有 {2} 格"),
    (r"holds a value in column (\d+), which has no name in the header", "第 {1} 列有值，而表头没有列名"),
    (r"is not in (\S+): convert it", "单位不是 {1}，请换算"),
    (r"means (\S+), but what is (.+)\?", "应是 {1}，但 {2} 不明"),
    (r"does not say its unit: write (\S+), or (\S+)", "没有写单位：请写 {1} 或 {2}"),
    (r"(.+) is neither in (\S+) nor in the registry", "{1} 既不在 {2} 中，也未登记"),
    (r"(.+) is not in the registry", "{1} 未登记"),
    (r"is not in the registry", "未登记"),
    (r"(\S+) is (on|stopped).*: add the column with the date since which it is (on|stopped)",
     "{1} 的供热状态是 {2}；要改为 {3}，请加上日期列"),
    (r"(\S+) is in (\S+): to move it, add the column with the date of the move",
     "{1} 在 {2}；要移动它，请加上日期列"),
    (r"is not a valid address for the channel (\w+)", "不是 {1} 的有效地址"),
    (r"is empty, but the line has a time", "为空，而该行有时间"),
    (r"is not after from", "不晚于 from"),
    (r"line (\d+) is about the same home, .+", "第 {1} 行是同一户，而其中一行说没有住户"),
    (r"may be UTF-8 or GB18030; .+", "可能是 UTF-8，也可能是 GB18030；请选择编码"),
    (r"is UTF-8 but for some bytes: .+", "是 UTF-8，但有损坏的字节；请重新导出"),
    (r"is not UTF-8, UTF-16 or, beyond doubt, GB18030; .+",
     "不是 UTF-8、UTF-16，也不能确定是 GB18030；请另存为“CSV UTF-8”，或选择编码"),
    (r"is not ([\w-]+); save the file .+", "不是 {1}；请另存为“CSV UTF-8”，或选择编码"),
    (r"holds NUL characters: .+", "含有 NUL 字符：文件已损坏，或不是 CSV；请重新导出"),
    (r"is not CSV: .+", "不是有效的 CSV（引号不成对）"),
    (r"holds none of (.+): name the file or .+", "不是以下任何一种：{1}；请把文件或工作表改成其名，或选择内容"),
    (r"holds none of (.+)", "其中没有 {1} 之一"),
    (r"is too large to be read here; .+", "太大，无法在此读取；请在服务器上导入：hearth registry import"),
    # changes to one home
    (r"the heat is (on|stopped) then", "届时供热状态已经是 {1}"),
    (r"has a place from (.+) on: take a later time", "自 {1} 起已有另一处安装；请填更晚的时间"),
    (r"(.+) would never have been anywhere: take a later time", "{1} 就没有安装过了；请填更晚的时间"),
    (r"is not in this home then", "届时不在此户"),
    (r"is the same sensor", "是同一只传感器"),
    # tokens
    (r"there is no home (.+)", "没有此户：{1}"),
    (r"no substation belongs to a station (.+)", "没有换热站属于供热站 {1}"),
    (r"nobody lives in (.+) now: .+", "{1} 现在没有住户；请填将来的住户"),
    (r"the registry knows no resident (.+) of (.+) now or later", "登记中 {2} 现在和将来都没有住户 {1}"),
    (r"a customer's token needs at least one --home, .+", "用户令牌至少要有一户，其他角色不填户"),
    (r"a crew's token needs --station, .+", "班组令牌须填供热站，其他角色不填"),
    (r"--resident and --from are for a customer's token", "住户和起始日只用于用户令牌"),
)  # fmt: skip
# Options of the command line are fields elsewhere.
OPTION = re.compile(r"--(?=\w)")
_COMPILED = [(re.compile(pattern, re.DOTALL), chinese) for pattern, chinese in PATTERNS]


def fault_text(fault: str) -> Text:
    """Return a fault in both languages."""
    plain = re.sub(r"^--\w+: ", "", fault)
    return Text(_chinese(plain) or plain, OPTION.sub("", plain))


def _chinese(fault: str) -> str | None:
    for pattern, chinese in _COMPILED:
        if found := pattern.fullmatch(fault):
            return chinese.format("", *(group or "" for group in found.groups()))
    return None
