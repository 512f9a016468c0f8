"""A text in the two languages of the product."""

from typing import NamedTuple


class Text(NamedTuple):
    """A text in two languages."""

    zh: str
    en: str

    def fill(self, **fields: object) -> "Text":
        """Fill in a template's fields, the same in both languages."""
        return Text(self.zh.format(**fields), self.en.format(**fields))
