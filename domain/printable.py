"""Text of strangers, fit to be shown: one line without characters that steer a terminal."""

HIDDEN = "·"  # in the place of each such character


def printable(text: str, most: int) -> str:
    """The text as one line of at most `most` characters; control and format characters are replaced."""
    shown = "".join(c if c.isprintable() else HIDDEN for c in text[: most + 1])
    return shown if len(shown) <= most else shown[: most - 1] + "…"
