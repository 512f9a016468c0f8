"""Untrusted text made safe to show: one line without terminal control characters."""

HIDDEN = "·"  # replaces each such character


def printable(text: str, most: int) -> str:
    """Return the text as one line of at most `most` characters, control and format characters replaced."""
    shown = "".join(c if c.isprintable() else HIDDEN for c in text[: most + 1])
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def shortened(text: str, most: int = 80) -> str:
    """Return the text, or its beginning if it is longer than `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"
