"""Errors shown to people: one line in English for operators, and in both languages where a page shows them, too."""

import os
import re

from domain.words.text import Text


class Fault(ValueError):
    """Something written that cannot be taken; `told` says why, without its place."""

    def __init__(self, told: Text) -> None:
        super().__init__(told.en)
        self.told = told


class UsageError(Exception):
    """An error the operator can fix: one line with the place and the remedy, exit code 2."""


def without_address(error: OSError) -> str:
    """Return what failed at a place, without its address, which may have a secret in it."""
    if error.errno:
        return os.strerror(error.errno)
    said = re.search(r"AWS Error ([A-Z_]+)", str(error))
    return said[1] if said else type(error).__name__


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
