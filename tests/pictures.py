"""Files as telephones, scanners and attackers make them."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms, ImageDraw

GPS, DESCRIPTION, ORIENTATION = 0x8825, 0x010E, 0x0112
MARKS = (b"A-WORD-OF-EXIF", b"A-WORD-OF-XMP", b"A-WORD-OF-A-COMMENT", b"sRGB built-in", b"Exif\0\0", b"ICC_PROFILE")


def drawn(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """Return a picture whose upper left corner is red, and the rest blue."""
    image = Image.new("RGB", (width, height), "blue")
    ImageDraw.Draw(image).rectangle((0, 0, width // 4, height // 4), fill="red")
    return image.convert(mode)


def encoded(image: Image.Image | None = None, form: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    (image or drawn()).save(out, form, **options)
    return out.getvalue()


def told(orientation: int = 1) -> Image.Exif:
    """Return what a telephone says beside its pixels: where it was, and how it was held."""
    exif = Image.Exif()
    exif[DESCRIPTION], exif[ORIENTATION] = MARKS[0].decode(), orientation
    exif.get_ifd(GPS).update({1: "N", 2: (41.0, 48.0, 1.0), 3: "E", 4: (123.0, 25.0, 1.0)})
    return exif


def telling(form: str = "JPEG", orientation: int = 1) -> bytes:
    """Return a picture with all metadata that its format can have."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    more: dict[str, Any] = {"exif": told(orientation), "icc_profile": profile}
    if form != "PNG":
        more["xmp"] = b"<x:xmpmeta>" + MARKS[1] + b"</x:xmpmeta>"
    if form == "JPEG":
        more["comment"] = MARKS[2]
    return encoded(form=form, **more)


def moving(form: str) -> bytes:
    return encoded(drawn(), form, save_all=True, append_images=[Image.new("RGB", (64, 48), "red")], duration=100)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width: int, height: int) -> bytes:
    """Return a small PNG that would be decoded to many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width // 8 + 2) * min(height, 10_000)), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def pdf(*objects: bytes, catalog: bytes = b"", trailer: bytes = b"") -> bytes:
    """Return a PDF of one page; `objects` are further ones, from number 4 on."""
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R " + catalog + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Resources<<>>>>",
        *objects,
    ]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d/Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, trailer, start)
    return bytes(out)


def pdf_of_streams(hidden: bytes, pad: int = 0, predictor: bool = False) -> bytes:
    """Return a PDF whose object 4 lies in a compressed stream of objects, as its table does in another."""
    objects = b"4 0 " + hidden + b" " * pad
    options = b""
    if predictor:  # each row of a byte: its difference from the one above
        rows = b"".join(b"\2" + bytes([(new - old) % 256]) for old, new in zip(b"\0" + objects, objects, strict=False))
        packed, options = zlib.compress(rows, 9), b"/DecodeParms<</Predictor 12/Columns 1>>"
    else:
        packed = zlib.compress(objects, 9)
    bodies = {
        1: b"<</Type/Catalog/Pages 2 0 R/OpenAction 4 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Resources<<>>>>",
        5: b"<</Type/ObjStm/N 1/First 4/Length %d/Filter/FlateDecode%s>>\nstream\n%s\nendstream"
        % (len(packed), options, packed),
    }
    out, places = bytearray(b"%PDF-1.7\n"), dict[int, int]()
    for number, body in bodies.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    rows = b"".join(
        struct.pack(">BIH", 0, 0, 65535)
        if number == 0
        else struct.pack(">BIH", 2, 5, 0)
        if number == 4
        else struct.pack(">BIH", 1, places.get(number, start), 0)
        for number in range(7)
    )
    table = zlib.compress(rows)
    out += b"6 0 obj\n<</Type/XRef/Size 7/W[1 4 2]/Root 1 0 R/Length %d/Filter/FlateDecode>>\nstream\n" % len(table)
    out += table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(out)
