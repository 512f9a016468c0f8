"""Errors shown to operators."""


class UsageError(Exception):
    """An error the operator can fix: one line with the place and the remedy, exit code 2."""
