"""Problems in the files of an import, collected so that they can be fixed in one go."""

from collections.abc import Sequence
from typing import NamedTuple

from domain.errors import UsageError

SHOWN = 50


class FileProblem(NamedTuple):
    """A fault and its place; `column` is empty if the whole line is at fault."""

    file: str
    line: int
    column: str
    fault: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: "
        return place + (f"{self.column}: " if self.column else "") + self.fault


class UnreadableFile(Exception):
    """The rest of a file cannot be read."""

    def __init__(self, problem: FileProblem) -> None:
        super().__init__(problem)
        self.problem = problem


def refuse(problems: Sequence[FileProblem]) -> None:
    """Raise if there are problems.

    Raises:
        UsageError: their number, then one line for each of the first 50.
    """
    if problems:
        found = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"nothing was imported, {found}:", *map(str, problems[:SHOWN])]
        if len(problems) > SHOWN:
            lines.append(f"… and {len(problems) - SHOWN} more")
        raise UsageError("\n".join(lines))
