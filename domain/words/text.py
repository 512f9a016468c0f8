"""A text in the two languages of the product."""

from collections.abc import Iterable
from typing import NamedTuple


class Text(NamedTuple):
    """A text in two languages."""

    zh: str
    en: str

    def fill(self, **fields: object) -> "Text":
        """Fill in a template's fields, the same in both languages unless they are texts themselves."""
        return Text(self.zh.format(**_of(fields, "zh")), self.en.format(**_of(fields, "en")))


def listed(names: Iterable[str]) -> Text:
    """Return names as a list."""
    every = list(names)
    return Text("、".join(every), ", ".join(every))


def _of(fields: dict[str, object], language: str) -> dict[str, object]:
    return {name: getattr(one, language) if isinstance(one, Text) else one for name, one in fields.items()}
