"""The stage of the simulation's tests."""

from collections.abc import Iterator

import pytest

from tests import conftest
from tests.simulation import processes, stage
from tests.simulation.__main__ import quiet
from tests.simulation.stage import Stage


@pytest.fixture(scope="session")
def on() -> Iterator[Stage]:
    """A stage on a server of its own, whose settings leave nothing to chance."""
    quiet()
    with (
        stage.server(lambda server: conftest.start_with_template(server, "plain")) as server,
        processes.virtual_modules(),
    ):
        made = stage.make(server, "simulation")
        yield made
        made.close()
