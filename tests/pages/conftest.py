"""The pages in a real browser: Debian's Chromium, driven by playwright."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, Response, sync_playwright

from api.http.company import Company
from api.staff.session import COOKIE
from tests.api.conftest import Api, served_database
from tests.conftest import Database, unavailable
from tests.pages.waiting import until

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
HOTLINE = "96777"
AS_WIDE_AS_THE_SCREEN = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
SCRIPTS = "--js-flags=--no-opt --no-maglev"
# Nothing but what is wrong comes back from the page: a list of all that is well is 50 kB at each look.
WRONG = {"resultTypes": ["violations"], "reporter": "no-passes"}
AXE = Axe(AXE_SCRIPT + Path(__file__).with_name("remembered.js").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, started once; without a window's frame it takes half the processor time.

    A page lives for seconds: to compile its scripts once more, that they run faster later, takes a tenth of all.
    """
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if program is None:
        unavailable("NOT TESTED IN A BROWSER: no Chromium (apt-get install chromium-headless-shell)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", SCRIPTS])
        yield chromium
        chromium.close()


@pytest.fixture
def api(plain_database: Database) -> Iterator[Api]:
    """The API with its pages, and a hotline."""
    with served_database(plain_database, company=Company(hotline=HOTLINE)) as api:
        yield api


@dataclass
class Visitor:
    """Somebody with a browser; what goes wrong in it is kept."""

    page: Page
    base: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def go(self, path: str) -> Response:
        """Open a page."""
        answer = self.page.goto(self.base + path)
        assert answer is not None
        return answer

    def keep(self, name: str) -> None:
        """Take a picture, where HEARTH_PICTURES names a folder for them."""
        if folder := os.environ.get("HEARTH_PICTURES"):
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    def fits(self) -> None:
        """Assert that nothing reaches beyond the side of the screen.

        It waits for that, because just after a click the old page may be gone and the new one not there yet.
        """
        until(self.page, AS_WIDE_AS_THE_SCREEN)

    def is_well(self) -> None:
        """Assert that nothing is loaded from elsewhere, the console is clean, and everybody can use the page."""
        assert self.foreign == []
        assert self.errors == []
        found = AXE.run(self.page, options=WRONG)
        assert found.response["violations"] == [], found.generate_report()


class Visitors:
    """Opens browsers of people, each with a language, a size, with or without script."""

    def __init__(self, browser: Browser, base: str) -> None:
        self._browser, self._base = browser, base
        self._contexts: list[Any] = []

    def __call__(self, language: str = "en", size: dict[str, int] = PHONE, **options: Any) -> Visitor:
        context = self._browser.new_context(locale=LOCALES[language], viewport=size, **options)  # type: ignore[arg-type]
        self._contexts.append(context)
        visitor = Visitor(context.new_page(), self._base)
        visitor.page.on(
            "console", lambda message: visitor.errors.append(message.text) if message.type == "error" else None
        )
        visitor.page.on("pageerror", lambda error: visitor.errors.append(str(error)))
        visitor.page.on("request", lambda request: self._note(visitor, request))
        return visitor

    def signed_in(self, token: str, language: str = "en", size: dict[str, int] = DESKTOP, **options: Any) -> Visitor:
        """Open the browser of a person of the staff who has a session."""
        visitor = self(language, size, **options)
        url = visitor.base
        visitor.page.context.add_cookies(
            [
                {"name": COOKIE, "value": token, "url": url},
                {"name": "hearth-language", "value": language, "url": url},
            ]
        )
        return visitor

    def _note(self, visitor: Visitor, request: Request) -> None:
        visitor.requests.append(request)
        if urlsplit(request.url).netloc != urlsplit(self._base).netloc:
            visitor.foreign.append(request.url)

    def close(self) -> None:
        """Close all of them."""
        for context in self._contexts:
            context.close()


@pytest.fixture
def visitor(browser: Browser, api: Api) -> Iterator[Visitors]:
    """People who look at the pages."""
    visitors = Visitors(browser, str(api.client.base_url))
    yield visitors
    visitors.close()
