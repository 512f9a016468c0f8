"""Untrusted text made safe to show: without terminal control characters, and without what turns its neighbours."""

# What sets the direction of the text after it (Unicode Standard Annex 9): embeddings, overrides, isolates, their ends.
_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_UNTURNED = str.maketrans("", "", _TURNING)
HIDDEN = "·"  # replaces each such character


def printable(text: str, most: int) -> str:
    """Return the text as one line of at most `most` characters, control and format characters replaced."""
    shown = "".join(c if c.isprintable() else HIDDEN for c in text[: most + 1])
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def shortened(text: str, most: int = 80) -> str:
    """Return the text, or its beginning if it is longer than `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def unturned(text: str) -> str:
    """Return a page's text without characters that set the direction of what follows them.

    One that a name or a caller's words bring along, unseen, would reorder the words and numbers beside it.
    """
    return text.translate(_UNTURNED) if any(sign in text for sign in _TURNING) else text
