"""Forms with a file, sent without a session: their texts are kept, no byte of the file, and for this site alone."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Any

import httpx
import pytest

from domain.files import MOST_BYTES
from tests.api.conftest import Api
from tests.api.staff import browser

pytestmark = pytest.mark.plain_only

PATH = "/desk/tickets/T00000001/files"
FIELDS = {"key": "k" * 32, "code": "c" * 64, "kind": "scan", "remark": "by the cellar door"}


@pytest.fixture
def stranger(plain_api: Api) -> Iterator[httpx.Client]:
    """A browser without a session."""
    with browser(plain_api) as client:
        yield client


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what is written into temporary files."""
    sizes: list[int] = []
    write = SpooledTemporaryFile.write

    def counted(self: Any, content: bytes) -> int:
        sizes.append(len(content))
        return write(self, content)

    monkeypatch.setattr(SpooledTemporaryFile, "write", counted)
    return sizes


def send(client: httpx.Client, size: int, **headers: str) -> httpx.Response:
    return client.post(PATH, data=FIELDS, files={"file": ("a<b>.jpg", bytes(size), "image/jpeg")}, headers=headers)


def test_texts_are_kept_and_no_byte_of_the_file(stranger: httpx.Client, plain_api: Api, written: list[int]) -> None:
    for _ in range(4):  # the slot is free again each time
        answer = send(stranger, MOST_BYTES)
        assert answer.status_code == 401
        assert all(f'name="{name}" value="{value}"' in answer.text for name, value in FIELDS.items())
        assert "a&lt;b&gt;.jpg" in answer.text
    assert sum(written) == 0
    assert plain_api.app.state.surroundings.attachments.uploads.held == 0


def test_of_another_site_nothing_is_read(stranger: httpx.Client) -> None:
    answer = send(stranger, 10, Origin="https://elsewhere.example")
    assert "cellar" not in answer.text
    assert answer.headers["location"].startswith("/sign-in")


def test_what_is_no_form_leads_to_signing_in(stranger: httpx.Client) -> None:
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    for headers in (broken, {"Content-Type": "multipart/form-data"}, {"Content-Type": "text/plain"}):
        answer = stranger.post(PATH, content=b"no form", headers=headers)
        assert answer.headers["location"].startswith("/sign-in"), headers
