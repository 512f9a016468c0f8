"""Errors shown to people: one line in English for operators, and in both languages where a page shows them, too."""

from domain.words.text import Text


class Fault(ValueError):
    """Something written that cannot be taken; `told` says why, without its place."""

    def __init__(self, told: Text) -> None:
        super().__init__(told.en)
        self.told = told


class UsageError(Exception):
    """An error the operator can fix: one line with the place and the remedy, exit code 2."""


class RefusedText(UsageError):
    """A text that somebody wrote and that is refused; `told` says where in it and why, without its name."""

    def __init__(self, source: str, told: Text) -> None:
        super().__init__(f"{source}: {told.en}")
        self.told = told


class GrantRefused(UsageError):
    """Terms that no token can have: the option at fault, and why."""

    def __init__(self, option: str, told: Text) -> None:
        super().__init__(f"--{option}: {told.en}")
        self.option, self.told = option, told
