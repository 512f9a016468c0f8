"""The allowance of a sender in a minute of receipt."""

from ingest.senders import MINUTE_US, NETWORK_SHARES, Allowance, MinuteCount, Senders
from ingest.writer import Lines

ALLOWANCE = Allowance(readings=100, faults=10, letter_bytes=1_000)


def test_a_sender_above_its_readings_is_over_until_the_minute_ends() -> None:
    senders = Senders(ALLOWANCE)
    senders.turn(0)
    senders.spend("a", MinuteCount(readings=100))
    assert senders.over == set()
    senders.spend("a", MinuteCount(readings=1))
    assert senders.over == {"a"}
    senders.turn(MINUTE_US - 1)
    assert senders.over == {"a"}
    senders.turn(MINUTE_US)
    assert senders.over == set()


def test_letters_are_kept_as_long_as_faults_and_bytes_allow() -> None:
    senders = Senders(ALLOWANCE)
    assert senders.may_keep("a", MinuteCount(faults=10))
    assert not senders.may_keep("a", MinuteCount(faults=11))
    senders.spend("a", MinuteCount(faults=5, letter_bytes=900))
    assert senders.may_keep("a", MinuteCount(faults=5, letter_bytes=100))
    assert not senders.may_keep("a", MinuteCount(faults=1, letter_bytes=101))
    assert senders.may_keep("b", MinuteCount(faults=10))


def test_a_network_may_say_more_than_a_device() -> None:
    senders = Senders(ALLOWANCE)
    senders.spend("$net", MinuteCount(readings=100 * NETWORK_SHARES))
    assert senders.over == set()
    assert senders.may_keep("$net", MinuteCount(faults=10 * NETWORK_SHARES))


def test_a_log_has_so_many_lines_a_minute_and_says_how_many_it_left_out() -> None:
    lines = Lines(2)
    assert [lines.allow(second) for second in (0, 1, 2, 3, 60, 61, 62)] == [0, 0, None, None, 2, 0, None]
