"""Rendering of pages from templates."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache, partial
from importlib.resources import files
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.http.language import Language
from api.pages.libraries import FOREVER
from api.words.calls import CALL_WORDS
from api.words.cases import CASE_WORDS
from api.words.crew import CREW_WORDS
from api.words.desk import DESK_WORDS
from api.words.exchange import PEER_WORDS
from api.words.files import FILE_WORDS
from api.words.insight import INSIGHT_WORDS
from api.words.maps import MAP_WORDS
from api.words.measurements import MEASURE_WORDS
from api.words.office import OFFICE_WORDS
from api.words.outages import OUTAGE_WORDS
from api.words.pages import MONTHS, WORDS
from api.words.refund_pages import REFUND_WORDS
from api.words.rota import ROTA_WORDS
from api.words.rules import RULES_WORDS
from api.words.staff import STAFF_WORDS
from api.words.supervision import SUP_WORDS
from api.words.telling import MY_WORDS
from api.words.trials import TRIAL_WORDS
from api.words.uploads import UPLOAD_WORDS
from api.words.wechat import WECHAT_WORDS
from domain.printable import unturned
from domain.words.text import Text

# Styles, images and form targets of this site only; no scripts, no framing.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
SCRIPT_POLICY = f"{POLICY}; script-src 'self'; connect-src 'self'"  # pages that bring themselves up to date
HEADERS = {
    "Content-Security-Policy": POLICY,
    # Forms send their origin, which guards against CSRF; other sites get no referrer.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Accept-Language, Cookie",
}
HOME = "/home"
STATIC_FOLDER = files("api.pages") / "static"
AT = "/pages/at/"
CREW_SCRIPTS = (
    "crew.js", "crew-forms.js", "crew-glass.js", "crew-kept.js", "crew-outbox.js", "crew-page.js", "crew-sending.js",
    "crew-shown.js",
)  # fmt: skip
STATIC = {
    "page.css": "text/css; charset=utf-8",
    "home.js": "text/javascript; charset=utf-8",
    "desk.css": "text/css; charset=utf-8",
    "desk.js": "text/javascript; charset=utf-8",
    "call.js": "text/javascript; charset=utf-8",
    "call.css": "text/css; charset=utf-8",
    "outage.js": "text/javascript; charset=utf-8",
    "map.js": "text/javascript; charset=utf-8",
    "city-map.js": "text/javascript; charset=utf-8",
    "city-map.css": "text/css; charset=utf-8",
    "network.css": "text/css; charset=utf-8",
    "time-left.js": "text/javascript; charset=utf-8",
    "signed-out.js": "text/javascript; charset=utf-8",
    "crew.css": "text/css; charset=utf-8",
    **dict.fromkeys(CREW_SCRIPTS, "text/javascript; charset=utf-8"),
    "office.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "icon-192.png": "image/png",
    "icon-512.png": "image/png",
}
# The texts of all pages. A key is said in one place only.
ALL_WORDS: Mapping[str, Text] = {
    **WORDS, **STAFF_WORDS, **DESK_WORDS, **CALL_WORDS, **CASE_WORDS, **MEASURE_WORDS,
    **OUTAGE_WORDS, **ROTA_WORDS, **MAP_WORDS, **SUP_WORDS, **MY_WORDS, **CREW_WORDS, **FILE_WORDS,
    **OFFICE_WORDS, **UPLOAD_WORDS, **TRIAL_WORDS, **RULES_WORDS, **REFUND_WORDS, **INSIGHT_WORDS, **PEER_WORDS,
    **WECHAT_WORDS,
}  # fmt: skip
_ENVIRONMENT = Environment(
    loader=PackageLoader("api.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,  # templates are part of the package; a look at the file costs more than most of what is rendered
)
_ENVIRONMENT.globals["HOME"] = HOME


def say(language: Language, key: str, **fields: object) -> Markup:
    """Fill in a sentence in a language; the fields are escaped.

    A page says hundreds: to take each apart again, as `Markup.format` does, was a fifth of a ticket's page.
    """
    whole, first, rest = _taken_apart(language, key)
    if not rest:
        return whole
    return Markup(first + "".join([f"{escape(fields[name])}{text}" for name, text in rest]))


@cache
def _taken_apart(language: Language, key: str) -> tuple[Markup, str, tuple[tuple[str, str], ...]]:
    """Return a sentence without fields, or the text before its first field, and each field with the text after it."""
    parts = list(Formatter().parse(getattr(ALL_WORDS[key], language)))
    texts = [text for text, _, _, _ in parts] + [""]
    names = [name for _, name, _, _ in parts if name is not None]
    return Markup(texts[0]), texts[0], tuple(zip(names, texts[1:], strict=False))


def fragment(template: str, language: Language, **context: Any) -> Markup:
    """Render a part of a page in a language."""
    words = partial(say, language)
    return Markup(unturned(_ENVIRONMENT.get_template(template).render(say=words, language=language, **context)))


def page(template: str, language: Language, **context: Any) -> HTMLResponse:
    """Render a page in a language."""
    text = fragment(template, language, **context)
    return HTMLResponse(text, headers={**HEADERS, "Content-Language": language})


def static(name: str) -> Response:
    """Serve a static file of the pages."""
    return Response(_content(name), media_type=STATIC[name], headers={"Cache-Control": "public, max-age=600"})


def static_at(version: str, name: str) -> Response:
    """Serve a static file of a version of the pages, for good; of another version, lead to that which is here."""
    if version != static_version():
        return RedirectResponse(asset(name), 307, {"Cache-Control": "no-store"})
    return Response(_content(name), media_type=STATIC[name], headers={"Cache-Control": FOREVER})


def asset(name: str) -> str:
    """Return the address of a static file; it changes with any of them.

    No browser keeps an older one then, and the modules that a script imports from beside it are of its own version.
    """
    return f"{AT}{static_version()}/{name}"


@cache
def static_version() -> str:
    """Return a digest of all static files."""
    digest = hashlib.sha256(b"".join(hashlib.sha256(_content(name)).digest() for name in sorted(STATIC)))
    return digest.hexdigest()[:12]


def _content(name: str) -> bytes:
    return (STATIC_FOLDER / name).read_bytes()


class Times:
    """Instants in everyday form, in the company's time zone: those of today by time alone."""

    def __init__(self, language: Language, zone: ZoneInfo, now: datetime) -> None:
        self._language, self._zone, self._now = language, zone, now.astimezone(zone)

    def at(self, instant: datetime) -> Markup:
        """Format an instant: `14:30`, `09:00 tomorrow`, `25 Nov 09:00`."""
        local = instant.astimezone(self._zone)
        days = (local.date() - self._now.date()) // timedelta(days=1)
        hour = f"{local:%H:%M}"
        key = {0: "today", 1: "tomorrow", -1: "yesterday"}.get(days)
        said = say(self._language, f"at_{key}", hour=hour) if key else f"{self.day(local)} {hour}"
        return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="minutes"), said)

    def day(self, local: date) -> str:
        """Format a day: `25 Nov`, with the year unless it is the current one."""
        if local.year == self._now.year:
            return self.short(local)
        return self._date("date_with_year", local)

    def short(self, day: date) -> str:
        """Format a day without its year: `25 Nov`."""
        return self._date("date", day)

    def _date(self, key: str, day: date) -> str:
        month = getattr(MONTHS[day.month - 1], self._language)
        return say(self._language, key, year=day.year, month=month, day=day.day)

    def ago(self, instant: datetime) -> Markup:
        """Format the time since an instant: `12 min ago`."""
        minutes = max(0, int((self._now - instant).total_seconds() // 60))
        if minutes < 1:
            return say(self._language, "just_now")
        if minutes < 90:
            return say(self._language, "minutes_ago", n=minutes)
        if minutes < 48 * 60:
            return say(self._language, "hours_ago", n=round(minutes / 60))
        return say(self._language, "days_ago", n=minutes // (24 * 60))
