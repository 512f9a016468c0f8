"""Signatures drawn on the glass: a file of the ticket, whose reference stands where a paper's number would."""

import base64
import binascii
from datetime import datetime
from typing import NamedTuple

from fastapi import Request

from api.desk_pages.forms import Told
from api.files.file_routes import keep_file
from api.files.upload import SentFile, prepared_file, refusal
from api.http.problem import FieldFault, invalid
from api.http.session import Session
from api.http.values import instant
from api.words import problems
from domain.files import FileFault, FileKind, PreparedFile
from domain.move_times import MADE_AT

DRAWN = "drawn"  # the field of a form
PICTURE = "data:image/png;base64,"


class DrawnSignature(NamedTuple):
    """A signature, checked and encoded once more, and when it was drawn, if it is sent later."""

    file: PreparedFile
    made_at: datetime | None


def drawn_signature(request: Request, told: Told) -> DrawnSignature | None:
    """Return the signature of a form; None: nothing was drawn.

    Raises:
        Problem: 413, 415, 422, 503.
    """
    text = told.get(DRAWN, "")
    if not text:
        return None
    if not text.startswith(PICTURE):
        raise refusal(FileFault.UNKNOWN)
    try:
        content = base64.b64decode(text.removeprefix(PICTURE), validate=True)
    except binascii.Error:
        raise refusal(FileFault.BROKEN) from None
    return DrawnSignature(prepared_file(request, content), _made_at(told.get(MADE_AT)))


def _made_at(text: str | None) -> datetime | None:
    try:
        return instant(text) if text else None
    except ValueError:
        raise invalid(FieldFault(MADE_AT, problems.NO_INSTANT)) from None


def keep_signature(request: Request, changing: Session, number: str, drawn: DrawnSignature) -> str:
    """Attach a signature to its ticket, where its user sees it; return the reference.

    Raises:
        Problem: 404, 409, 413, 422, 429, 503.
    """
    made, _ = keep_file(request, changing, SentFile(number, FileKind.SIGNATURE, True, *drawn))
    return f"{number}-{made.file_id}"
