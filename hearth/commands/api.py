"""`hearth api`: serve HTTP."""

from hearth.serving import serve
from hearth.settings import load


def api() -> None:
    """Serve the HTTP API at HEARTH_API_HOST, HEARTH_API_PORT. It need not find the database there."""
    serve(load())
