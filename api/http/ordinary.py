"""Read an ordinary request from its raw form: for those that are answered before they come to their route.

Whatever is out of the ordinary is None here, and left to the route, which says what is wrong with it.
"""

from collections.abc import Collection
from urllib.parse import parse_qsl

from starlette.types import Scope

from store.base.access import PREFIX

LONGEST_QUERY = 2_000
LONGEST_CODE = 200
HOMES = "/v1/homes/"
BEARER = f"Bearer {PREFIX}".encode()


def is_get(scope: Scope) -> bool:
    """Return whether it is a GET of an app that has no other above it."""
    return scope["type"] == "http" and scope["method"] == "GET" and not scope.get("root_path")


def token_of(scope: Scope) -> str | None:
    """Return the one token of Hearth's own that a request bears."""
    shown = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(shown) != 1 or not shown[0].startswith(BEARER) or not shown[0].isascii():
        return None
    token: str = shown[0][len(b"Bearer ") :].decode()
    return token


def code_of(scope: Scope, ending: str = "") -> str | None:
    """Return the code of the home whose path, with an ending, is asked for."""
    path: str = scope["path"]
    if not path.startswith(HOMES) or not path.endswith(ending):
        return None
    code = path[len(HOMES) : len(path) - len(ending)]
    return code if 0 < len(code) <= LONGEST_CODE and "/" not in code and "\x00" not in code else None


def keys_of(scope: Scope, known: Collection[str]) -> dict[str, str] | None:
    """Return the keys of a query, each of which is known and there once."""
    asked = scope["query_string"]
    if len(asked) > LONGEST_QUERY:
        return None
    pairs = parse_qsl(asked.decode("latin-1"), keep_blank_values=True)
    keys = dict(pairs)
    return keys if len(keys) == len(pairs) and keys.keys() <= set(known) else None
