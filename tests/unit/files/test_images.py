"""Images encoded once more: the pixels stay, and nothing else that was in the file."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from api.files.images import LONGEST_SIDE, MOST_PIXELS, THUMBNAIL_SIDE, reencode
from api.files.reading import read
from domain.files import FileFault, FileRefused, MediaType, digest, media_type
from tests.pictures import MARKS, bomb, drawn, encoded, moving, pdf, telling

FORMS = {"JPEG": MediaType.JPEG, "PNG": MediaType.PNG, "WEBP": MediaType.WEBP}


def opened(content: bytes) -> Image.Image:
    image: Image.Image = Image.open(io.BytesIO(content))
    image.load()
    return image


def fault(content: bytes) -> FileFault:
    with pytest.raises(FileRefused) as refused:
        read(content)
    return refused.value.fault


@pytest.mark.parametrize("form", FORMS)
def test_pixels_stay_and_what_a_telephone_tells_beside_them_goes(form: str) -> None:
    sent = telling(form)
    assert any(mark in sent for mark in MARKS)
    assert opened(sent).getexif().get_ifd(0x8825)
    made = read(sent)
    assert made.thumbnail is not None
    assert (made.media_type, made.width, made.height) == (FORMS[form], 64, 48)
    assert (made.original, made.original_size) == (digest(sent), len(sent))
    for kept in (made.content, made.thumbnail):
        image = opened(kept)
        assert not image.getexif()
        assert {"exif", "xmp", "icc_profile", "comment", "Description", "dpi"} & image.info.keys() == set()
        assert [mark for mark in MARKS if mark in kept] == []
        red, _, blue = image.convert("RGB").getpixel((3, 3))  # type: ignore[misc]
        assert red > 180 > 80 > blue


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_the_right_way_up(form: str, orientation: int) -> None:
    sent = telling(form, orientation)
    wanted = ImageOps.exif_transpose(opened(sent)).convert("RGB")
    made = opened(read(sent).content).convert("RGB")
    assert made.size == wanted.size
    corners = [(2, 2), (made.width - 3, 2), (2, made.height - 3), (made.width - 3, made.height - 3)]
    reds = [[image.getpixel(corner)[0] > 128 for corner in corners] for image in (wanted, made)]  # type: ignore[index]
    assert reds[0] == reds[1]
    assert sum(reds[1]) == 1


@pytest.mark.parametrize(
    ("mode", "form", "kept"),
    [
        ("1", "PNG", "L"), ("L", "PNG", "L"), ("LA", "PNG", "RGBA"), ("P", "PNG", "RGB"), ("RGBA", "PNG", "RGBA"),
        ("L", "JPEG", "L"), ("CMYK", "JPEG", "RGB"), ("RGBA", "WEBP", "RGBA"),
    ],
)  # fmt: skip
def test_every_kind_of_pixel_is_taken(mode: str, form: str, kept: str) -> None:
    sent = encoded(drawn(mode=mode), form)
    assert opened(read(sent).content).mode in (kept, "RGB" if form == "WEBP" else kept)


def test_a_grey_of_16_bits_keeps_its_shades() -> None:
    grey = Image.new("I;16", (8, 8), 0x8000)
    assert opened(read(encoded(grey, "PNG")).content).getpixel((0, 0)) == 128


def test_transparent_paper_is_white_in_the_small_picture() -> None:
    thumbnail = read(encoded(Image.new("RGBA", (400, 40), (0, 0, 0, 0)), "PNG")).thumbnail
    assert thumbnail is not None
    small = opened(thumbnail)
    assert small.size == (THUMBNAIL_SIDE, 32)
    assert small.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("size", "kept"), [((4100, 410), (4000, 400)), ((82, 8200), (40, 4000)), ((4000, 3), (4000, 3))]
)
def test_large_images_are_reduced(size: tuple[int, int], kept: tuple[int, int]) -> None:
    made = read(encoded(Image.new("RGB", size, "red")))
    assert (made.width, made.height) == kept == opened(made.content).size
    assert max(kept) == LONGEST_SIDE


def test_bombs_are_refused_by_their_pixels() -> None:
    assert MOST_PIXELS < 8_000 * 7_000
    assert fault(bomb(60_000, 60_000)) is FileFault.PIXELS
    assert fault(bomb(8_000, 7_000)) is FileFault.PIXELS
    assert fault(encoded(Image.new("1", (8_000, 7_000)), "PNG")) is FileFault.PIXELS


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_what_moves_is_refused(form: str) -> None:
    assert fault(moving(form)) is FileFault.ANIMATED


def test_of_a_jpeg_with_further_pictures_the_first_is_kept() -> None:
    sent = moving("MPO")
    assert getattr(opened(sent), "n_frames", 1) == 2
    made = opened(read(sent).content)
    assert (made.format, getattr(made, "n_frames", 1)) == ("JPEG", 1)
    assert made.getpixel((60, 40))[2] > 128  # type: ignore[index]


@pytest.mark.parametrize("form", FORMS)
def test_what_is_hidden_behind_an_image_is_not_kept(form: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.html", "<script>alert(1)</script>")
    sent = encoded(form=form) + packed.getvalue()
    try:
        kept = read(sent).content
    except FileRefused:
        return  # a WebP says how long it is
    assert b"<script>" not in kept
    assert not zipfile.is_zipfile(io.BytesIO(kept))


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<!doctype html><script>1</script>", b"MZ",
        b"PK\3\4", b"GIF89a" + bytes(50), b"%!PS-Adobe-3.0", b"BM" + bytes(50), b"II*\0" + bytes(50), b" %PDF-1.4",
        b"\0\0\0\x18ftypheic", b"RIFF\0\0\0\0WAVE", b"\xff\xd8", b"\0",
    ],
)  # fmt: skip
def test_other_formats_are_refused_whatever_they_are_called(content: bytes) -> None:
    assert fault(content) is FileFault.UNKNOWN


def test_nothing_is_no_file() -> None:
    assert fault(b"") is FileFault.EMPTY


@pytest.mark.parametrize("form", FORMS)
def test_an_image_that_was_cut_off_is_refused(form: str) -> None:
    whole = encoded(drawn(200, 200), form)
    for length in range(20, len(whole) - 30, max(1, len(whole) // 40)):
        assert fault(whole[:length]) is FileFault.BROKEN


WHOLE = [*(telling(form) for form in FORMS), moving("PNG"), moving("WEBP"), pdf()]


@given(
    whole=st.sampled_from(WHOLE),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=12),
    cut=st.floats(0.2, 1),
)
def test_no_change_of_a_file_raises_anything_but_a_refusal(
    whole: bytes, changes: list[tuple[float, int]], cut: float
) -> None:
    content = bytearray(whole)
    for place, value in changes:
        content[12 + int(place * (len(content) - 12))] = value
    check(bytes(content[: int(len(content) * cut)]))


@given(
    head=st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\1\0WEBPVP8 ", b"%PDF-1.7\n", b""]),
    rest=st.binary(max_size=300),
)
def test_no_bytes_raise_anything_but_a_refusal(head: bytes, rest: bytes) -> None:
    check(head + rest)


def check(content: bytes) -> None:
    """Read a file; what is kept of an image is one."""
    try:
        made = read(content)
    except FileRefused:
        return
    if made.media_type is not MediaType.PDF:
        assert media_type(made.content) is made.media_type
        assert reencode(made.content, made.media_type).width == made.width
