"""Files of a ticket: what is taken, how much of it, and why a file is refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

MOST_BYTES = 8 << 20  # of one file, as it is sent and as it is kept
MOST_FILES = 50  # of one ticket
MOST_TICKET_BYTES = 100 << 20
MOST_DAY_BYTES = 400 << 20  # sent by one token within a day
DAY = timedelta(days=1)


class FileKind(StrEnum):
    """Meaning of a file. Stored in `ticket_file.kind`."""

    PHOTO = "photo"
    SIGNATURE = "signature"  # of the user
    SCAN = "scan"  # of a paper


class MediaType(StrEnum):
    """Format of a file, by its content. Stored in `ticket_file.media_type`."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    PDF = "application/pdf"

    @property
    def suffix(self) -> str:
        """The suffix of a file's name."""
        return "jpg" if self is MediaType.JPEG else self.value.rpartition("/")[2]


class FileFault(StrEnum):
    """Reason for refusing a file."""

    EMPTY = "empty"
    UNKNOWN = "unknown"  # neither of the formats
    LARGE = "large"
    BROKEN = "broken"  # cannot be read to its end
    PIXELS = "pixels"
    ANIMATED = "animated"
    ENCRYPTED = "encrypted"
    ACTIVE = "active"  # a PDF with scripts, launch actions or files inside
    CHECKED = "checked"  # refused by the check of the operator


class FileRefused(Exception):
    """A file is not kept."""

    def __init__(self, fault: FileFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True)
class PreparedFile:
    """A file as it is kept: images encoded once more, a PDF as it came.

    `original` is the SHA-256 of what was sent, `original_size` its bytes. A PDF has no thumbnail and no size in pixels.
    """

    media_type: MediaType
    content: bytes
    original: bytes
    original_size: int
    width: int | None = None
    height: int | None = None
    thumbnail: bytes | None = None


@dataclass(frozen=True)
class NewAttachment:
    """A file to attach to a ticket; `by_user`: a customer sends it, else the staff; `made_at`: when it was
    taken, if it is sent later.
    """

    ticket_id: int
    file: PreparedFile
    kind: FileKind
    for_user: bool
    by_user: bool
    made_at: datetime | None = None


def media_type(content: bytes) -> MediaType:
    """Recognise a format by the first bytes.

    Raises:
        FileRefused: it is empty, or of no format that is taken.
    """
    if not content:
        raise FileRefused(FileFault.EMPTY)
    if content.startswith(b"\xff\xd8\xff"):
        return MediaType.JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaType.PNG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return MediaType.WEBP
    if content.startswith(b"%PDF-"):
        return MediaType.PDF
    raise FileRefused(FileFault.UNKNOWN)


def digest(content: bytes) -> bytes:
    """Return the SHA-256 by which contents are stored and compared."""
    return sha256(content).digest()
