"""Liveness and readiness."""

from fastapi import APIRouter, Request

from api.http.problem import unavailable
from api.http.session import surroundings
from store.base.access import may_serve
from store.base.readiness import unapplied

PATIENCE_SECONDS = 2.0

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Report that the process is alive."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(request: Request) -> dict[str, str]:
    """Check that the database responds, has all migrations and grants the API's role; 503 otherwise."""
    with surroundings(request).pool.connection(timeout=PATIENCE_SECONDS) as conn:
        conn.read_only = True
        missing = unapplied(conn)
        served = bool(missing) or may_serve(conn)
    if missing:
        raise unavailable(f"migrations not applied: {', '.join(missing)}")
    if not served:
        raise unavailable("the database account is not a member of hearth_api")
    return {"status": "ready"}
