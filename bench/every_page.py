"""Every kind of page that staff reach by links, once, as one of a city's size would open them."""

import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from html import unescape
from urllib.parse import parse_qsl, urlsplit

LINK = re.compile(r'<a\b[^>]*\shref="(/[^"#]*)')
NUMBERS = re.compile(r"\d+")
MOST_PAGES = 200
NO_PAGES = ("/pages/", "/docs", "/v1/", "/sign-out")


def walk(get: Callable[[str], bytes], starts: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Open pages from link to link, one of each kind; yield the path of each and the seconds that it took.

    Pages are of a kind if their paths differ in numbers alone and their queries in values alone.

    Args:
        get: opens a page and raises if it is refused.
    """
    waiting, known = deque(starts), {kind_of(path) for path in starts}
    for _ in range(MOST_PAGES):
        if not waiting:
            return
        path = waiting.popleft()
        begun = time.perf_counter()
        page = get(path)
        yield path, time.perf_counter() - begun
        for link in map(unescape, LINK.findall(page.decode(errors="replace"))):
            if not link.startswith(NO_PAGES) and kind_of(link) not in known:
                known.add(kind_of(link))
                waiting.append(link)


def kind_of(path: str) -> tuple[str, frozenset[str]]:
    """Return what pages of a kind have in common."""
    parts = urlsplit(path)
    return NUMBERS.sub("#", parts.path), frozenset(name for name, value in parse_qsl(parts.query) if value)
