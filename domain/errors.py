"""Errors that people see."""


class UsageError(Exception):
    """Something the operator can mend: one line that names the place and the way out, exit code 2."""
