"""The inbox: bounded in messages and bytes, and nobody waits for somebody else's flood."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ingest.inbox import LANE_BYTES, MESSAGE_BYTES, SHARES, TURN_BYTES, Inbox
from ingest.message import Message
from ingest.senders import Senders

ROOM = 1_280_000
SHARE = ROOM // SHARES


def said(topic: str, size: int = 100, mid: int = 0) -> Message:
    return Message(topic, bytes(size), 0, mid, 1, 1, False)


def inbox(capacity: int = 20_000, senders: Senders | None = None) -> Inbox:
    return Inbox(capacity, ROOM, lambda topic: "$net" if topic.startswith("net/") else topic, senders)


def topics(batch: list[Message]) -> list[str]:
    return [message.topic for message in batch]


def test_messages_leave_in_the_order_in_which_they_came() -> None:
    box = inbox()
    box.put([said(f"d{n}") for n in range(10)])
    assert topics(box.take(4, 0, 0)) == ["d0", "d1", "d2", "d3"]
    assert topics(box.take(100, 0, 0)) == [f"d{n}" for n in range(4, 10)]
    assert box.take(100, 0, 0) == []


def test_there_is_room_for_so_many_messages_and_so_many_bytes() -> None:
    box = inbox(capacity=2)
    box.put([said("a"), said("b")])
    assert not box.has_room()
    batch = box.take(1, 0, 0)
    assert not box.has_room()
    box.settle(batch)
    assert box.has_room()
    box.put([said("a", ROOM)])
    assert not box.has_room()


def test_one_that_sends_after_a_flood_is_in_the_next_batch() -> None:
    box = inbox()
    box.put([said("flood", 1_000, n) for n in range(500)])
    box.put([said("other")])
    batch = box.take(5_000, 0, 0)
    assert "other" in topics(batch)
    assert topics(batch).index("other") <= SHARE // 1_000 + 1
    assert sum(len(message.payload) + MESSAGE_BYTES for message in batch) <= SHARE + LANE_BYTES + 2_000
    assert [message.mid for message in batch if message.topic == "flood"] == sorted(
        message.mid for message in batch if message.topic == "flood"
    )


def test_lanes_take_turns() -> None:
    box = inbox()
    for name in ("a", "b", "c"):
        box.put([said(name, 10_000) for _ in range(40)])
    box.take(5_000, 0, 0)
    counts = Counter(topics(box.take(5_000, 0, 0)))
    assert set(counts) == {"a", "b", "c"}
    assert max(counts.values()) - min(counts.values()) <= 14


def test_a_network_has_a_lane_when_all_of_it_is_too_much() -> None:
    box = inbox()
    box.put([said(f"net/{n}", 1_000) for n in range(200)])
    box.put([said("other")])
    batch = topics(box.take(5_000, 0, 0))
    assert batch.index("other") <= 8 * SHARE // 1_000 + 1


def test_who_is_over_its_bounds_waits_even_for_its_first_message() -> None:
    box = inbox(senders=Senders(over={"loud"}))
    box.put([said("loud"), said("other")])
    assert box.in_lanes == 1
    assert topics(box.take(10, 0, 0)) == ["other", "loud"]
    assert box.take_deferred() == {"loud": 1}
    assert box.take_deferred() == {}


def test_a_sender_of_garbage_has_one_turn_in_a_batch() -> None:
    box = inbox(senders=Senders(over={"a"}, faulty={"a"}))
    box.put([said(name, 10_000) for name in ("a", "b") for _ in range(40)])
    counts = Counter(topics(box.take(0, 0, 0)))
    assert counts["a"] == TURN_BYTES // 10_000 + 1
    assert counts["b"] > 3 * counts["a"]


def test_what_does_not_fit_is_surplus_the_newest_first() -> None:
    box = inbox()
    box.put([said("flood", 10_000, n) for n in range(50)])
    assert box.surplus(1_000_000) == []
    box.put([said("flood", 10_000, n) for n in range(50, 100)])
    box.put([said("other")])
    surplus = box.surplus(100_000)
    assert [message.mid for message in surplus] == list(range(90, 100))
    assert box.unsettled == 10
    while more := box.surplus(100_000):
        surplus += more
    assert 30 < len(surplus) < 60
    assert set(topics(surplus)) == {"flood"}


def test_what_is_put_back_comes_first() -> None:
    box = inbox()
    box.put([said("a", mid=n) for n in range(5)])
    batch = box.take(5, 0, 0)
    box.put([said("b")])
    box.settle(batch[:2])
    box.put_back(batch[2:])
    assert [(m.topic, m.mid) for m in box.take(5, 0, 0)] == [("a", 2), ("a", 3), ("a", 4), ("b", 0)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(["a", "b", "net/1", "net/2"]), st.integers(0, 30_000)),
        st.tuples(st.sampled_from(["take", "surplus", "clear"]), st.just(""), st.integers(1, 50)),
    ),
    max_size=60,
)


@given(STEPS)
def test_nothing_is_lost_or_counted_wrongly(steps: list[tuple[str, str, int]]) -> None:
    box = inbox(capacity=20)
    waiting: Counter[int] = Counter()
    for nth, (what, topic, number) in enumerate(steps):
        if what == "put":
            box.put([said(topic, number, nth)])
            waiting[nth] += 1
        elif what == "clear":
            box.clear()
            waiting.clear()
        else:
            batch = box.take(number, 0, 0) if what == "take" else box.surplus(number * 1000)
            back = batch[number % 3 :]
            box.settle(batch[: number % 3])
            box.put_back(back)
            waiting -= Counter(message.mid for message in batch[: number % 3])
        assert len(box) == waiting.total()
        assert box.unsettled == 0
    left = []
    while batch := box.take(5, 0, 0):
        left += batch
        box.settle(batch)
    assert Counter(message.mid for message in left) == waiting
    assert box.is_idle()
    assert (box.waiting_bytes, box.in_lanes, box._weight) == (0, 0, {})
