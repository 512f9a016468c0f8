"""Libraries that the map loads in the browser; deploy/fetch-libraries puts them here, and they may be missing."""

import gzip
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

MAPLIBRE = "maplibre-gl.mjs"
WORKER = "maplibre-gl-worker.mjs"
PMTILES = "pmtiles.js"
NAMES = (MAPLIBRE, WORKER, PMTILES)
PREFIX = "/pages/lib/"
# A browser keeps a version for ever: the next one has another address.
FOREVER = "public, max-age=31536000, immutable"


@cache
def fetched_version() -> str | None:
    """Return the version of the libraries that are here; None: they have not been fetched."""
    folder = files("api.pages").joinpath("libraries")
    if not all(folder.joinpath(name).is_file() for name in (*NAMES, "lock")):
        return None
    locked = [line.split() for line in folder.joinpath("lock").read_text(encoding="utf-8").splitlines()]
    return "-".join(words[1] for words in locked if words and words[0] != "#")


def library(name: str) -> str | None:
    """Return the address of a library; None: it has not been fetched."""
    return f"{PREFIX}{fetched_version()}/{name}" if fetched_version() else None


@cache
def _content(name: str) -> tuple[bytes, bytes]:
    content = files("api.pages").joinpath("libraries", name).read_bytes()
    return content, gzip.compress(content, 6, mtime=0)


def library_answer(request: Request, name: str, origins: tuple[str, ...]) -> Response:
    """Serve a library; a worker's own policy says what it may load: tiles from where they are set."""
    content, small = _content(name)
    is_small = "gzip" in request.headers.get("accept-encoding", "")
    policy = " ".join(("default-src 'none'; script-src 'self'; connect-src 'self'", *origins))
    headers = {"Cache-Control": FOREVER, "Content-Security-Policy": policy, "Vary": "Accept-Encoding"}
    if is_small:
        headers["Content-Encoding"] = "gzip"
    return Response(small if is_small else content, headers=headers, media_type="text/javascript; charset=utf-8")
