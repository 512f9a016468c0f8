"""Forms have no zeros, however they are encoded."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from starlette.datastructures import UploadFile

from api.http.form_request import FormRequest

FIELDS = {"name": "王\x00伟", "places": ["B\x001", "B2\x00"], "empty": "\x00"}
FILE = b"%PDF\x00\x00"


@pytest.mark.parametrize("files", [None, {"file": ("scan", FILE)}], ids=["urlencoded", "multipart"])
def test_a_form_has_no_zero_and_its_file_is_as_it_came(files: Mapping[str, tuple[str, bytes]] | None) -> None:
    sent = httpx.Request("POST", "http://test/", data=FIELDS, files=files)
    headers = [(name.lower(), value) for name, value in sent.headers.raw]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": sent.read()}

    async def read() -> None:
        request = FormRequest({"type": "http", "method": "POST", "headers": headers}, receive)
        await request.form()  # once as it is admitted, once as it is handled
        async with request.form() as form:
            texts = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
            kept = [await value.read() for value in form.values() if isinstance(value, UploadFile)]
        assert texts == [("name", "王伟"), ("places", "B1"), ("places", "B2"), ("empty", "")]
        assert kept == ([FILE] if files else [])

    asyncio.run(read())


def test_the_name_of_a_field_has_no_zero() -> None:
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"sheet%00-1=on"}

    form = asyncio.run(FormRequest({"type": "http", "method": "POST", "headers": headers}, receive)._get_form())
    assert form.multi_items() == [("sheet-1", "on")]
