"""The manifest and the worker that a phone loads to keep the crew's pages and to show them without a network.

Both are the same for everybody and say nothing, so they need no session: browsers fetch them without cookies.
"""

import json

from fastapi import APIRouter
from starlette.responses import Response

from api.crew.jobs import CREW
from api.http.language import Language, said
from api.pages import render
from api.words.crew import CREW_WORDS

# Outside of `/crew`, where every page needs a session, and where proxies let everybody.
router = APIRouter(prefix="/pages/crew", include_in_schema=False)
ICON_SIDES = (192, 512)
# What the worker fetches is of this site, and it may answer for the crew's pages, which lie above it.
WORKER_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
    "Service-Worker-Allowed": CREW,
    "Cache-Control": "no-cache",
}


@router.get("/{language}.webmanifest")
def manifest(language: Language) -> Response:
    """Describe the pages to a phone that installs them."""
    told = {
        "id": CREW,
        "name": said(CREW_WORDS["crew_app"], language),
        "short_name": said(CREW_WORDS["crew_app_short"], language),
        "lang": "zh-CN" if language == "zh" else "en",
        "start_url": CREW,
        "scope": CREW,
        "display": "standalone",
        "background_color": "#f6f3ee",
        "theme_color": "#0b5c7a",
        "icons": [
            {"src": f"/pages/icon-{side}.png", "sizes": f"{side}x{side}", "type": "image/png"} for side in ICON_SIDES
        ],
    }
    return Response(json.dumps(told, ensure_ascii=False), media_type="application/manifest+json")


@router.get("/worker.js")
def worker() -> Response:
    """Serve the worker."""
    text = (render.STATIC_FOLDER / "crew-worker.js").read_text(encoding="utf-8")
    return Response(text, media_type="text/javascript; charset=utf-8", headers=WORKER_HEADERS)
