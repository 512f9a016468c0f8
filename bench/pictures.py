"""Pictures of the staff's pages for the documents, taken in a demo that runs, in both languages and at two sizes.

`python -m bench.pictures http://127.0.0.1:8080/ docs/pictures` goes in by the doors of `make demo`. Each picture is
what is in sight at first, in few enough colours to weigh less than MOST_BYTES.
"""

import argparse
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

SIZES = {"desk": {"width": 1366, "height": 768}, "phone": {"width": 390, "height": 844}}
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
MOST_BYTES = 60_000
COLOURS = (128, 64, 32, 16)


class Shown(NamedTuple):
    """A page: the door to it (empty: nobody has come in), its address, and the link on it to the page meant, if any.

    `then`: what is done on it before it is shown.
    """

    door: str
    address: str
    link: str | None = None
    then: Callable[[Page], None] | None = None


def compare_table(page: Page) -> None:
    """Send a table that changes some measuring points: the page shows the comparison."""
    send_table(page, COMPARED)


def refuse_table(page: Page) -> None:
    """Send a table with faults."""
    send_table(page, FAULTY_PLAN)


def send_table(page: Page, text: str) -> None:
    """Send a table of measuring points by the form of the page."""
    page.set_input_files("input[type=file]", {"name": "plan.csv", "mimeType": "text/csv", "buffer": text.encode()})
    submit(page, "form[enctype]")


def show_points(page: Page) -> None:
    """Go down to the points of the plan."""
    page.eval_on_selector("#points", "heading => heading.scrollIntoView()")


def submit(page: Page, form: str) -> None:
    """Send a form of the page."""
    with page.expect_navigation():
        page.eval_on_selector(form, "form => form.requestSubmit()")


PAGES = {
    "sign-in": Shown("", "/sign-in"),
    "status": Shown("", "/status"),
    "customer": Shown("customer", "/home"),
    "desk": Shown("dispatcher", "/desk"),
    "ticket": Shown("dispatcher", "/desk", "main a[href^='/desk/tickets/']"),
    "call": Shown("dispatcher", "/desk/call?home=B0001-1-101"),
    "map": Shown("dispatcher", "/desk/map"),
    "incidents": Shown("dispatcher", "/desk/incidents"),
    "incident": Shown("dispatcher", "/desk/incidents", "main a[href^='/desk/incidents/']"),
    "outages": Shown("dispatcher", "/desk/outages"),
    "outage": Shown("dispatcher", "/desk/outages/new?building=B0001"),
    "cases": Shown("dispatcher", "/desk/cases"),
    "case": Shown("dispatcher", "/desk/cases/new"),
    "applications": Shown("dispatcher", "/desk/applications"),
    "application": Shown("dispatcher", "/desk/applications/new"),
    "warnings": Shown("dispatcher", "/desk/warnings"),
    "substations": Shown("dispatcher", "/desk/substations"),
    "peers": Shown("dispatcher", "/desk/peers"),
    "registry": Shown("dispatcher", "/desk/registry"),
    "measurements": Shown("dispatcher", "/desk/measurements"),
    "where": Shown("dispatcher", "/desk/measurements/where"),
    "unknown-sensors": Shown("dispatcher", "/desk/unknown-sensors"),
    "place": Shown("dispatcher", "/desk/call/place?building=B0001"),
    "rota": Shown("supervisor", "/desk/rota"),
    "figures": Shown("supervisor", "/desk/figures"),
    "refunds": Shown("supervisor", "/desk/refunds"),
    "home": Shown("supervisor", "/desk/homes/B0001-1-101"),
    "rules": Shown("supervisor", "/desk/rules"),
    "trial": Shown("supervisor", "/desk/rules/trial"),
    "upload": Shown("supervisor", "/desk/registry/uploads", then=compare_table),
    "upload-refused": Shown("supervisor", "/desk/registry/uploads", then=refuse_table),
    "plan": Shown("supervisor", "/desk/measurements/plan", then=show_points),
    "people": Shown("admin", "/desk/staff"),
    "person": Shown("admin", "/desk/staff", "main a[href^='/desk/staff/']"),
    "tokens": Shown("admin", "/desk/tokens"),
    "account": Shown("admin", "/account"),
    "crew": Shown("crew", "/crew"),
    "job": Shown("crew", "/crew", "main a.open"),
}
PLAN = """home,room,room_kind,every_days
B0001-1-101,客厅,living,14
B0001-1-201,客厅,living,14
B0002-1-101,主卧,bedroom,30
B0003-1-101,客厅,living,30
"""
COMPARED = PLAN.replace(",30", ",14") + "B0002-2-101,客厅,living,14\n"
FAULTY_PLAN = """home,room,room_kind,every_days,from
B0001-1-101,客厅,living,0,
B0009-9-999,客厅,living,14,
B0002-1-101,主卧,卧,30,13/14/2026
"""
APPLY = "form[action$='/apply']"
# Forms of the rota's page, which is empty until a station keeps one and somebody is on call.
ROTA_FORMS = ("/desk/rota/stations", "/desk/rota/plan")


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="of a demo that runs: http://127.0.0.1:8080/")
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--page", choices=PAGES, action="append")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    chosen = {name: shown for name, shown in PAGES.items() if name in (options.page or PAGES)}
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        if "rota" in chosen:
            fill_rota(browser.new_page(), options.url.rstrip("/"))
        if "plan" in chosen:
            fill_plan(browser.new_page(), options.url.rstrip("/"))
        for name, picture in taken(browser, options.url.rstrip("/"), chosen):
            (options.folder / f"{name}.png").write_bytes(picture)
        browser.close()


def taken(browser: Browser, url: str, pages: dict[str, Shown]) -> Iterator[tuple[str, bytes]]:
    """Yield the name of each picture and its bytes."""
    for language, locale in LOCALES.items():
        for size, viewport in SIZES.items():
            context = browser.new_context(locale=locale, viewport=viewport)  # type: ignore[arg-type]
            page = context.new_page()
            role = ""
            for name, shown in pages.items():
                if shown.door != role:
                    role = shown.door
                    page.goto(f"{url}/door/{role}")
                go(page, url, shown)
                yield f"{name}-{language}-{size}", small(page.screenshot())
            context.close()


def fill_rota(page: Page, url: str) -> None:
    """Have the crew's station keep a rota, with its person on call as the form proposes."""
    for door in ("crew", PAGES["rota"].door):  # the crew's person is added when somebody first comes in as them
        page.goto(f"{url}/door/{door}")
    for action in ROTA_FORMS:
        go(page, url, PAGES["rota"])
        if page.query_selector(form := f"form[action='{action}']"):  # not where all stations keep one
            submit(page, form)


def fill_plan(page: Page, url: str) -> None:
    """Have some homes of the plan, which the demo has not, so that the page has points to show."""
    page.goto(f"{url}/door/{PAGES['plan'].door}")
    page.goto(url + PAGES["upload"].address)
    send_table(page, PLAN)
    if page.query_selector(APPLY):
        page.fill("[name=reason]", "plan of the winter")
        submit(page, APPLY)


def go(page: Page, url: str, shown: Shown) -> None:
    """Go to a page."""
    page.goto(url + shown.address)
    if shown.link:
        page.click(shown.link)
        page.wait_for_load_state()
    if shown.then:
        shown.then(page)


def small(screenshot: bytes) -> bytes:
    """Draw a picture with as many colours as its bytes allow."""
    with Image.open(io.BytesIO(screenshot)) as picture:
        for colours in COLOURS:
            out = io.BytesIO()
            picture.convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
            if out.tell() <= MOST_BYTES:
                break
    return out.getvalue()


if __name__ == "__main__":
    main()
