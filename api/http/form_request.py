"""The one place where forms are read: without the zeros that PostgreSQL keeps in no text and no keyboard types."""

from typing import Any

from fastapi import Request
from starlette.datastructures import FormData


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


def _plain(value: Any) -> Any:
    return value.replace("\x00", "") if isinstance(value, str) else value
