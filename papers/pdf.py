"""Papers as PDF, typeset by Typst in Noto Sans CJK. The same paper gives the same bytes."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path

import manimgx_fonts_cjk
import typst

from papers.tables import Paper, Table, ValueKind, written

FONTS = Path(manimgx_fonts_cjk.__file__).parent  # system fonts would change the bytes


def render(paper: Paper) -> bytes:
    """Typeset a paper of tables."""
    tables = [as_content(table) for table in paper.tables]
    content = {"title": paper.title, "lines": list(paper.lines), "tables": tables, "language": paper.language}
    return set_type("tables.typ", content)


def as_content(table: Table) -> dict[str, object]:
    """Convert a table to strings for a template."""
    return {
        "title": table.title,
        "note": table.note,
        "columns": [column.name for column in table.columns],
        "left": [column.kind is ValueKind.TEXT for column in table.columns],
        "rows": [
            [written(value, column.kind) for column, value in zip(table.columns, row, strict=True)]
            for row in table.rows
        ],
    }


def set_type(template: str, content: object) -> bytes:
    """Fill a template of this folder. The content is passed as data, so nothing in it is taken for markup.

    Args:
        template: the name of a .typ file.
        content: JSON values.
    """
    source = (files("papers") / template).read_bytes()
    inputs = {"content": json.dumps(content, ensure_ascii=False)}
    return typst.compile(source, format="pdf", font_paths=_fonts(), sys_inputs=inputs)


@cache
def _fonts() -> typst.Fonts:
    """Load the fonts once: every load would stay in memory."""
    return typst.Fonts(include_system_fonts=False, font_paths=[FONTS])
