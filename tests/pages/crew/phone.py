"""A crew's phone: who holds it, the job that it is about, and what a hand does on it."""

from collections.abc import Callable

from playwright.sync_api import FilePayload, Page

from domain.states import HomeState
from tests.acceptance import waiting
from tests.api.conftest import Api
from tests.api.desk import Desk
from tests.pages import flat
from tests.pages.conftest import Visitor
from tests.pages.waiting import until
from tests.pictures import drawn, encoded

# The pages that are kept, by the cache that they are in.
KEPT = """async () => {
  const kept = {};
  for (const name of (await caches.keys()).filter((one) => one !== 'crew-assets')) {
    kept[name] = (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname);
  }
  return kept;
}"""
WORKER_IS_ON = "!!navigator.serviceWorker.controller"
# What a busy server has put off, the phone sends again after half a minute.
PATIENCE_MS = 60_000
Arrival = Callable[..., Visitor]


def last_person(api: Api) -> int:
    """Return the number of who came last."""
    (number,) = api.conn.execute("SELECT max(staff_id) FROM staff").fetchone() or (0,)
    return int(number)


def keeps(page: Page, person: int, path: str) -> None:
    """Wait until the phone keeps a page of a person."""
    until(page, f"({KEPT})().then((kept) => !!kept['crew-pages-{person}']?.includes('{path}'))")


def job(desk: Desk, home: str) -> str:
    """Return the number of a ticket of a home with an address, a telephone and temperatures."""
    flat.flat(desk.api.conn, home, state=HomeState.COLD, celsius=16.6)
    desk.api.conn.execute("UPDATE building SET name = '幸福里3号楼', address = '青年大街1号', lat = 41.8, lon = 123.4")
    said = "客厅暖气片不热，卧室的还可以，昨晚开始的。"
    wanted = {"class": "repair", "description": said, "contact": "13900000000"}
    return str(desk.api.post(f"/v1/homes/{home}/tickets", desk.dispatcher, **wanted).json()["number"])


def photo(width: int, height: int) -> FilePayload:
    """Return a photo as a file that is chosen."""
    return {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": encoded(drawn(width, height))}


def press(page: Page, move: str) -> None:
    """Open the form of a move, and send it."""
    if not page.locator(f"#{move}").evaluate("(one) => one.open"):
        page.click(f"#{move} summary")
    page.click(f"#{move} form button[type=submit]")


def kinds(desk: Desk, number: str) -> list[str]:
    """Return the events of a job after it was opened."""
    events = desk.api.get(f"/v1/tickets/{number}", desk.dispatcher).json()["events"]
    return [event["kind"] for event in events[1:]]


def recorded(desk: Desk, number: str, *wanted: str) -> None:
    """Wait until these events, and no others, are those of a job after it was opened.

    A page that has just been opened says nothing yet of what waits: that nothing is shown proves nothing.
    """
    waiting.until(lambda: kinds(desk, number) == list(wanted), f"{wanted} of {number}")


def attached(desk: Desk, number: str, files: int) -> None:
    """Wait until so many files of a job are on record; they come last."""
    waiting.until(lambda: kinds(desk, number).count("attached") == files, f"{files} files of {number}")


def begun(desk: Desk, arrive: Arrival, home: str) -> tuple[Visitor, str]:
    """Open a job on a phone without a service worker, whose requests a test answers in its place."""
    number, person = job(desk, home), arrive(service_workers="block")
    person.go(f"/crew/jobs/{number}")
    return person, number


def try_again(page: Page) -> None:
    """Let the page know that there is a network."""
    page.evaluate("dispatchEvent(new Event('online'))")
