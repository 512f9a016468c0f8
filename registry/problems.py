"""Problems in the files of an import, collected so that they can be fixed in one go."""

from collections.abc import Sequence
from typing import NamedTuple

from domain.errors import UsageError
from domain.words.text import Text

SHOWN = 50


class FileProblem(NamedTuple):
    """A fault and its place; `column` is empty if the whole line is at fault."""

    file: str
    line: int
    column: str
    fault: Text

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: "
        return place + (f"{self.column}: " if self.column else "") + self.fault.en


class UnreadableFile(Exception):
    """The rest of a file cannot be read."""

    def __init__(self, problem: FileProblem) -> None:
        super().__init__(problem)
        self.problem = problem


class ImportRefused(UsageError):
    """Files with problems; nothing was imported. The text is their number, then a line for each of the first."""

    def __init__(self, problems: Sequence[FileProblem]) -> None:
        found = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"nothing was imported, {found}:", *map(str, problems[:SHOWN])]
        if len(problems) > SHOWN:
            lines.append(f"… and {len(problems) - SHOWN} more")
        super().__init__("\n".join(lines))
        self.problems = problems


def refuse(problems: Sequence[FileProblem]) -> None:
    """Raise if there are problems.

    Raises:
        ImportRefused: there are some.
    """
    if problems:
        raise ImportRefused(problems)
