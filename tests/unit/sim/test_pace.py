import threading

from sim.pace import Pace


class Clock:
    """Unix seconds that pass by `tick` with every look."""

    def __init__(self, now: float, tick: float = 0.0) -> None:
        self.now, self.tick = now, tick

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


def seconds(value: float) -> int:
    return round(value * 1_000_000)


def test_history_goes_at_once() -> None:
    pace = Pace(None, Clock(1000), threading.Event())
    assert pace.wait(seconds(10))
    assert pace.wait(seconds(999))
    assert not pace.live


def test_the_present_ends_after_its_time() -> None:
    clock = Clock(1000, tick=0.25)
    pace = Pace(1.0, clock, threading.Event())
    assert not pace.wait(seconds(2000))
    assert pace.live


def test_no_present_at_all_when_none_is_wanted() -> None:
    assert not Pace(0.0, Clock(1000), threading.Event()).wait(seconds(1001))


def test_a_stop_ends_the_wait() -> None:
    stop = threading.Event()
    stop.set()
    assert not Pace(None, Clock(1000), stop).wait(seconds(5))
