"""The order in which the tests begin, and who takes which."""

from collections import deque
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
# By folder, what one of its tests takes of a core, in ms and roughly. Cheap and telling first: who breaks a rule hears
# of it before a server has started.
COSTS = {
    "unit": 14,
    "architecture": 30,
    "local": 300,
    "store": 240,
    "simulation": 2000,
    "api": 150,
    "dashboards": 50,
    "pages": 2200,
}
# Tests that wait as much as they count.
WAITING = "acceptance"


def arranged(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return tests in the order in which they begin; a folder that has no place in it is an error.

    A test that waits for minutes begins before all others. Those that wait for seconds are spread evenly among those
    that count, the slow ones first: at no time do all workers wait, or all of them count.
    """
    first = [item for item in items if item.get_closest_marker("waits")]
    others = [item for item in items if item not in first and folder(item) != WAITING]
    spread = [item for item in items if item not in first and folder(item) == WAITING]
    others.sort(key=lambda item: list(COSTS).index(folder(item)))
    spread.sort(key=lambda item: item.get_closest_marker("slow") is None)
    return [*first, *merged(others, spread)]


def merged(others: Sequence[pytest.Item], spread: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield all of them, those that are spread between modules of the others, evenly by what these cost."""
    whole, begun, module = sum(COSTS[folder(item)] for item in others), 0, None
    left = deque(spread)
    for item in others:
        while item.path != module and left and begun * len(spread) >= whole * (len(spread) - len(left)):
            yield left.popleft()
        module = item.path
        begun += COSTS[folder(item)]
        yield item
    yield from left


def folder(item: pytest.Item) -> str:
    """Return the folder of `tests` that a test is in."""
    return folder_of(item.path)


@cache
def folder_of(module: Path) -> str:
    """Return the folder of `tests` that a module is in."""
    return module.relative_to(HERE).parts[0]


def scheduler(config: pytest.Config, log: Any) -> Any:
    """Return what hands out the tests in their order, each to the worker that is free next."""
    from xdist.scheduler import LoadScopeScheduling

    class InOrder(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return shared(config.rootpath / module) or (module if is_whole(config.rootpath / module) else nodeid)

        def _reschedule(self, node: Any) -> None:
            # One test that waits behind the running one is enough: a second one might wait while another worker rests.
            if not self.workqueue or self._pending_of(self.assigned_work[node]) <= 1:
                super()._reschedule(node)

    config.option.loadscopereorder = False  # otherwise by their number
    return InOrder(config, log)


@cache
def shared(module: Path) -> str:
    """Return what a module shares with others that one worker takes with it, or nothing: sources parsed once."""
    return "sources" if "from tests import shape" in module.read_text(encoding="utf-8") else ""


@cache
def is_whole(module: Path) -> bool:
    """Return whether one worker takes all tests of a module: they are short, or share what is dear to make."""
    long = folder_of(module) in (WAITING, "pages")
    fixtures = [path for path in (module, module.with_name("conftest.py")) if path.exists()]
    return not long or any('scope="module"' in path.read_text(encoding="utf-8") for path in fixtures)
