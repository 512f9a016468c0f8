"""Validation messages in Chinese and English: pydantic has the English, this module the Chinese."""

from collections.abc import Mapping
from typing import Any

from domain.reasons import Text

# By pydantic error type; the braces are filled from the error's context.
CHINESE = {
    "missing": "缺少此项",
    "extra_forbidden": "没有此字段",
    "json_invalid": "不是有效的 JSON",
    "model_attributes_type": "应为 JSON 对象",
    "model_type": "应为 JSON 对象",
    "dict_type": "应为 JSON 对象",
    "list_type": "应为 JSON 数组",
    "string_type": "应为文字",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "int_parsing_size": "数字过大",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "finite_number": "应为有限的数字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "enum": "应为以下之一：{expected}",
    "literal_error": "应为以下之一：{expected}",
    "union_tag_invalid": "应为以下之一：{expected_tags}",
    "union_tag_not_found": "缺少 {discriminator}",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "不得小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "不得大于 {le}",
    "multiple_of": "应为 {multiple_of} 的倍数",
    "string_too_long": "最多 {max_length} 个字符",
    "string_too_short": "至少 {min_length} 个字符",
    "string_pattern_mismatch": "含有不允许的字符",
    "string_unicode": "不是有效的文字",
    "too_long": "最多 {max_length} 项",
    "too_short": "至少 {min_length} 项",
    "datetime_parsing": "应为带时区的时间，例如 2026-01-15T06:00:00Z",
    "datetime_from_date_parsing": "应为带时区的时间，例如 2026-01-15T06:00:00Z",
    "timezone_aware": "时间应带时区",
    "date_parsing": "应为日期，例如 2026-01-15",
    "date_from_datetime_parsing": "应为日期，例如 2026-01-15",
}
UNKNOWN = "内容无效"


class UnreadableValue(ValueError):
    """A value refused by one of the API's own rules, with the reason in both languages."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def in_both(error: Mapping[str, Any]) -> Text:
    """Translate a pydantic error into both languages."""
    context = error.get("ctx") or {}
    cause = context.get("error")
    if isinstance(cause, UnreadableValue):
        return cause.text
    english = str(error["msg"]).removeprefix("Value error, ")
    try:
        return Text(CHINESE.get(error["type"], UNKNOWN).format(**context), english)
    except (KeyError, IndexError):
        return Text(UNKNOWN, english)
