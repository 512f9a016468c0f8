"""Visits of a source, one after the other."""

import pytest

from ingest import permitted
from ingest.address import Address
from ingest.inbox import Inbox
from ingest.permitted import PermittedSource


class Failing(PermittedSource):
    """Fails at its first visit, as for a right that is not given, and is at its end with the second."""

    visits = 0

    def _visit(self, retry_s: float) -> None:
        self.visits += 1
        if self.visits == 1:
            raise LookupError("what nobody has thought of")
        self.ended.set()


def test_a_visit_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread ended, and the worker permitted for ever what nobody read."""
    monkeypatch.setattr(permitted, "FIRST_RETRY_S", 0.01)
    source = Failing(Inbox(10), "failing")
    source.start()
    while source.visits < 2 and source._thread.is_alive():
        source.permit(Address("mqtt://broker", "w"))
    source.stop()
    assert source.visits == 2
