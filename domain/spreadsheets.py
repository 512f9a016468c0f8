"""Signs with which a text begins that a spreadsheet takes for a formula; written into a file, it gets an apostrophe.

Spreadsheets of East Asia take the full-width forms as well. Source: OWASP, "CSV Injection".
"""

import re

WIDE = "".join(map(chr, (0xFF1D, 0xFF0B, 0xFF0D, 0xFF20)))
SIGNS = r"=+\-@\t\r" + WIDE  # as a class of a regular expression has them
FORMULA = rf"\A(\s*[{SIGNS}])"


def harmless(text: str) -> str:
    """Return a text so that no spreadsheet takes it for a formula."""
    return re.sub(FORMULA, r"'\1", text)
