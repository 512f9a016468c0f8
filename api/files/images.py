"""Images encoded once more: what is kept has the pixels, the right way up, and nothing else that was in the file."""

import io
import math
import warnings
from types import MappingProxyType

from PIL import Image

from domain.files import MOST_BYTES, FileFault, FileRefused, MediaType, PreparedFile, digest

MOST_PIXELS = 50_000_000  # what telephones take
LONGEST_SIDE = 4_000  # larger images are reduced to it
THUMBNAIL_SIDE = 320
QUALITY = 85
THUMBNAIL_QUALITY = 80
ORIENTATION = 0x0112  # EXIF
UPRIGHT = MappingProxyType(
    {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
)
FORMATS = MappingProxyType({MediaType.JPEG: "JPEG", MediaType.PNG: "PNG", MediaType.WEBP: "WEBP"})
SHADES = 256  # a 16-bit grey has so many steps for one of 8 bits


def reencode(content: bytes, media: MediaType) -> PreparedFile:
    """Decode an image and encode its pixels, without metadata, together with a thumbnail.

    Raises:
        FileRefused: it is broken, animated, or has too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = _decode(content, media)
        kept, thumbnail = _encode(image, FORMATS[media], QUALITY), _thumbnail(image)
    except FileRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise FileRefused(FileFault.PIXELS) from None
    except Exception:  # decoders raise whatever a hostile file leads them to
        raise FileRefused(FileFault.BROKEN) from None
    if len(kept) > MOST_BYTES:
        raise FileRefused(FileFault.LARGE)
    return PreparedFile(media, kept, digest(content), len(content), image.width, image.height, thumbnail)


def _decode(content: bytes, media: MediaType) -> Image.Image:
    """Return the pixels, reduced and upright, in one of the modes L, RGB and RGBA."""
    image: Image.Image = Image.open(io.BytesIO(content), formats=(FORMATS[media],))
    if image.width * image.height > MOST_PIXELS:
        raise FileRefused(FileFault.PIXELS)
    # A JPEG may hold further pictures behind the first, such as depths: these are no animation.
    if media is not MediaType.JPEG and getattr(image, "n_frames", 1) > 1:
        raise FileRefused(FileFault.ANIMATED)
    wanted = LONGEST_SIDE / max(image.size)
    if wanted < 1:  # a JPEG is decoded at half the size where that is enough
        image.draft(None, (math.ceil(image.width * wanted), math.ceil(image.height * wanted)))
    image.load()
    turn = UPRIGHT.get(_orientation(image))
    plain = _in_plain_mode(image)
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    upright = plain if turn is None else plain.transpose(turn)
    upright.info = {}  # encoders would write profiles and comments that they find there
    return upright


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # broken metadata; the image may be good all the same
        return 1


def _in_plain_mode(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return image.point(lambda grey: grey * (1 / SHADES)).convert("L")
    wanted = "RGBA" if image.has_transparency_data else "L" if image.mode in ("1", "L") else "RGB"
    return image if image.mode == wanted else image.convert(wanted)  # which copies what is as wanted, too


def _thumbnail(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    if small.mode == "RGBA":
        paper = Image.new("RGB", small.size, "white")
        paper.paste(small, mask=small)
        small = paper
    return _encode(small, "JPEG", THUMBNAIL_QUALITY)


def _encode(image: Image.Image, form: str, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, form, quality=quality)
    return out.getvalue()
