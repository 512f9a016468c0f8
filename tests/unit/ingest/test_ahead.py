"""The next batch is sorted while one is stored: in order, one at a time, and given up without a trace."""

from collections.abc import Iterator, Sequence
from threading import Event, get_ident

import pytest

import ingest.ahead
from ingest.ahead import BatchBounds, SortedAhead
from ingest.inbox import Inbox
from ingest.message import Message
from ingest.validate import SortedMessages, WorkLeft
from tests.acceptance.waiting import until

PATIENCE_S = 10


def said(*numbers: int, topic: str = "hearth/v1/s/telemetry") -> list[Message]:
    return [Message(topic, b"{}", 0, number, 1, 1, False) for number in numbers]


class Sorting:
    """A sorter of batches that notes what it sorts, and takes `most` messages of each batch at most."""

    def __init__(self, most: int = 100) -> None:
        self.most = most
        self.sorted: list[list[int]] = []
        self.threads: set[int] = set()
        self.begun = Event()
        self.may_end = Event()
        self.may_end.set()

    def __call__(self, messages: Sequence[Message], work: WorkLeft | None = None, /) -> SortedMessages:
        self.begun.set()
        assert self.may_end.wait(PATIENCE_S)
        left = work.readings if work else self.most
        taken = messages[:left]
        self.sorted.append([message.mid for message in taken])
        self.threads.add(get_ident())
        return SortedMessages(taken=taken, left=WorkLeft(left - len(taken), 1))


class Line:
    """An inbox with room for ten messages, and batches of three (or as many as may be) out of it."""

    def __init__(self, most: int = 100, messages: int = 3) -> None:
        self.inbox = Inbox(10)
        self.sorting = Sorting(most)
        self.ahead = SortedAhead(self.inbox, BatchBounds(messages, 0), self.sorting)

    def begin(self) -> None:
        """Have the next batch begun, and wait until its thread is at it."""
        self.sorting.begun.clear()
        self.ahead.begin()
        assert self.sorting.begun.wait(PATIENCE_S)

    def wait_for(self, *numbers: int) -> None:
        """Wait until these have been sorted as a piece."""
        until(lambda: list(numbers) in self.sorting.sorted, "the next piece is sorted")

    def take(self) -> list[int]:
        batch = self.ahead.take(0)
        self.last = batch.taken if batch else ()
        return [message.mid for message in self.last]


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.ahead.close()


def test_the_next_batch_is_sorted_while_nobody_asks_for_it(line: Line) -> None:
    line.inbox.put(said(*range(7)))
    assert line.take() == [0, 1, 2]
    line.sorting.may_end.clear()
    line.begin()  # and this thread, which would be storing, goes on
    line.sorting.may_end.set()
    assert line.take() == [3, 4, 5]
    assert line.take() == [6]
    assert line.take() == []
    assert len(line.sorting.threads) == 2


def test_a_batch_that_is_not_whole_is_left_to_grow(line: Line) -> None:
    line.inbox.put(said(0, 1))
    line.ahead.begin()
    assert not line.ahead.has_next()
    line.inbox.put(said(2, 3))
    assert not line.ahead.has_next()
    assert line.take() == [0, 1, 2]


def test_a_batch_that_becomes_whole_meanwhile_is_sorted(line: Line) -> None:
    line.inbox.put(said(0, 1))
    line.ahead.begin()
    line.inbox.put(said(2, 3))
    assert line.sorting.begun.wait(PATIENCE_S)
    assert line.take() == [0, 1, 2]
    assert get_ident() not in line.sorting.threads


def test_what_waits_for_the_turn_of_its_sender_is_not_taken_ahead() -> None:
    line = Line()
    line.inbox.share = 0  # every message waits for its turn
    line.inbox.put(said(*range(7)))
    line.ahead.begin()
    assert not line.sorting.begun.wait(0.05)
    assert not line.ahead.has_next()
    line.ahead.close()


def test_what_is_more_than_one_transaction_is_the_first_of_the_next_batch() -> None:
    line = Line(most=2)
    line.inbox.put(said(*range(7)))
    assert line.take() == [0, 1]
    line.begin()
    assert line.take() == [2, 3]
    line.begin()
    assert line.take() == [4, 5]
    assert line.take() == [6]
    line.ahead.close()


def test_both_batches_in_hand_take_room(line: Line) -> None:
    line.inbox.put(said(*range(10)))
    line.take()
    stored = line.last
    line.begin()
    assert line.take() == [3, 4, 5]
    assert (line.inbox.unsettled, len(line.inbox), line.inbox.has_room()) == (6, 4, False)
    line.inbox.settle([*stored, *line.last])
    assert (line.inbox.unsettled, line.inbox.has_room()) == (0, True)


def test_what_is_given_back_is_sorted_again_after_what_is_sorted_now(line: Line) -> None:
    line.inbox.put(said(*range(7)))
    line.take()
    refused = line.last
    line.begin()
    line.ahead.give_back()
    line.sorting(refused)
    line.inbox.settle(refused)
    assert line.take() == [3, 4, 5]
    assert line.sorting.sorted == [[0, 1, 2], [3, 4, 5], [0, 1, 2], [3, 4, 5]]
    assert line.inbox.unsettled == 3


def test_what_is_forgotten_leaves_nothing_behind(line: Line) -> None:
    line.inbox.put(said(*range(7)))
    line.take()
    line.begin()
    line.ahead.forget()
    line.inbox.clear()
    line.inbox.abandon()
    assert (line.inbox.unsettled, len(line.inbox), line.inbox.is_idle()) == (0, 0, True)
    line.inbox.put(said(8))
    assert line.take() == [8]


def test_a_connection_that_ends_before_a_batch_is_whole_leaves_nothing_begun(line: Line) -> None:
    line.inbox.put(said(0, 1))
    line.ahead.begin()
    line.inbox.clear()
    assert line.take() == []
    line.inbox.put(said(8))
    assert line.take() == [8]


@pytest.fixture
def growing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    monkeypatch.setattr(ingest.ahead, "ENOUGH", 3)
    line = Line(messages=9)
    yield line
    line.ahead.close()


def test_a_batch_grows_by_what_comes_until_it_is_asked_for(growing: Line) -> None:
    growing.inbox.put(said(*range(5)))
    assert growing.take() == [0, 1, 2]  # nothing was sorted ahead, so no more than is enough: the rest can be
    growing.ahead.begin()
    growing.inbox.put(said(5, 6))
    growing.wait_for(3, 4, 5)
    growing.inbox.put(said(7, 8))
    growing.wait_for(6, 7, 8)
    growing.inbox.put(said(9))
    assert growing.take() == [3, 4, 5, 6, 7, 8]
    assert growing.take() == [9]
    assert len(growing.sorting.threads) == 2


def test_a_batch_grows_to_its_bound_and_no_further(growing: Line) -> None:
    growing.inbox.put(said(*range(20)))
    growing.ahead.begin()
    growing.wait_for(6, 7, 8)
    until(lambda: growing.ahead._begun is not None and growing.ahead._begun.done(), "the batch is done")
    assert (growing.inbox.unsettled, len(growing.inbox)) == (9, 11)
    assert growing.take() == list(range(9))


def test_the_pieces_of_a_batch_share_the_work_of_one(growing: Line) -> None:
    growing.sorting.most = 5
    growing.inbox.put(said(*range(12)))
    growing.ahead.begin()
    growing.wait_for(3, 4)
    assert growing.take() == [0, 1, 2, 3, 4]
    growing.ahead.begin()
    growing.wait_for(8, 9)
    assert growing.take() == [5, 6, 7, 8, 9]
    assert growing.take() == [10, 11]
    assert (growing.inbox.unsettled, len(growing.inbox)) == (12, 0)


def test_work_that_ends_with_a_piece_leaves_nothing_out(growing: Line) -> None:
    growing.sorting.most = 3
    growing.inbox.put(said(*range(8)))
    growing.ahead.begin()
    growing.wait_for()
    assert [growing.take(), growing.take(), growing.take()] == [[0, 1, 2], [3, 4, 5], [6, 7]]


def test_a_grown_batch_that_is_given_back_keeps_its_order(growing: Line) -> None:
    growing.inbox.put(said(*range(10)))
    assert growing.take() == [0, 1, 2]
    growing.ahead.begin()
    growing.wait_for(6, 7, 8)
    growing.ahead.give_back()
    assert (growing.inbox.unsettled, len(growing.inbox)) == (3, 7)
    assert [growing.take(), growing.take(), growing.take()] == [[3, 4, 5], [6, 7, 8], [9]]
