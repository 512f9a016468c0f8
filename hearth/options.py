"""Options of a command as one value: a dataclass whose fields are declared as typer declares parameters."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


def with_options(of: type[T]) -> Callable[[Callable[[T], None]], Callable[..., None]]:
    """Make a command of a function that takes its options as one value."""

    def wrap(command: Callable[[T], None]) -> Callable[..., None]:
        def run(**given: Any) -> None:
            command(of(**given))

        hints = get_type_hints(of, include_extras=True)
        fields = inspect.signature(of).parameters.values()
        told = [field.replace(annotation=hints[field.name], kind=field.KEYWORD_ONLY) for field in fields]
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__annotations__ = {field.name: field.annotation for field in told}
        run.__signature__ = inspect.Signature(told)  # type: ignore[attr-defined]
        return run

    return wrap
