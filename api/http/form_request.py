"""The one place where forms are read: without the zeros that PostgreSQL keeps in no text and no keyboard types."""

from typing import Any

from fastapi import Request
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser

MOST_FIELDS = 100  # of a form that is read without its files
MOST_FIELD_BYTES = 65_536


class FormRequest(Request):
    """A request whose form has no zero, in a name or in a text; files are as they came."""

    @property
    def read_form(self) -> FormData | None:
        """The form, if somebody has read it."""
        return self._form

    async def _get_form(self, **limits: Any) -> FormData:
        if self._form is None:
            form = await super()._get_form(**limits)
            self._form = FormData([(_plain(name), _plain(value)) for name, value in form.multi_items()])
        return self._form

    async def read_without_files(self) -> None:
        """Read the form of somebody who may not send a file: its texts are kept, files by their names alone."""
        if self._form is not None or not self.headers.get("content-type", "").startswith("multipart/form-data"):
            return
        parser = _TextParser(
            self.headers, self.stream(), max_files=1, max_fields=MOST_FIELDS, max_part_size=MOST_FIELD_BYTES
        )
        try:
            form = await parser.parse()
        except MultiPartException:
            form = FormData()
        self._form = FormData([(_plain(name), _plain(value)) for name, value in form.multi_items()])


class _TextParser(MultiPartParser):
    """A parser that lets the bytes of files pass by."""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._current_part.file is None:
            super().on_part_data(data, start, end)


def _plain(value: Any) -> Any:
    return value.replace("\x00", "") if isinstance(value, str) else value
