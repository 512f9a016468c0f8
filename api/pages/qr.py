"""QR codes as elements of pages."""

import io

import segno
from markupsafe import Markup


def picture(text: str) -> Markup:
    """Draw a QR code as an element of a page."""
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="svg", scale=4, xmldecl=False, svgns=False, omitsize=False, nl=False)
    return Markup(drawn.getvalue().decode())
