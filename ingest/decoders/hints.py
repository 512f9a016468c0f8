"""Hints: what a message seems to say where the paths of its source find nothing."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from ingest.decoders.fault import DecodeError
from ingest.decoders.numbers import NUMBER
from ingest.decoders.path import Path, Steps, Trail, places, spelled
from ingest.decoders.shape import Form, Incoming, Reach, Shape

MOST_LEAVES = 100  # of a message that are looked at
MOST_NAMED = 5
ALIKE = 0.75
# Words by which the field calls the quantities; a key that has one of them may be meant.
WORDS = {
    "temperature": re.compile(r"temp|tmp|celsius|wendu|温度|室温|^t(?:[cf]|\d{0,2})$", re.IGNORECASE),
    "humidity": re.compile(r"hum|shidu|湿度|^rh$|^h$", re.IGNORECASE),
    "supply_temperature": re.compile(r"supply.*temp|flow.*temp|供水温|供温|^t1|gong", re.IGNORECASE),
    "return_temperature": re.compile(r"return.*temp|回水温|回温|^t2|hui", re.IGNORECASE),
    "supply_pressure": re.compile(r"press|压力|^p\d?", re.IGNORECASE),
    "return_pressure": re.compile(r"press|压力|^p\d?", re.IGNORECASE),
    "flow": re.compile(r"flow|流量|^q$", re.IGNORECASE),
    "heat_power": re.compile(r"power|功率", re.IGNORECASE),
    "outdoor_temperature": re.compile(r"out.*temp|室外", re.IGNORECASE),
}
# Not of the quantity, though alike: batteries alone are no measurement, and settings are none either.
OTHERS = re.compile(r"set ?point|target|alarm|threshold|limit|calib|offset|colou?r|version|model|unit", re.IGNORECASE)


def leaves(node: Any) -> Iterator[tuple[Path, str, Any]]:
    """Yield path, last key and value of the numbers in a message, and of texts like numbers; not of too many."""
    waiting: list[tuple[tuple[Any, ...], str, Any]] = [((), "", node)]
    seen = 0
    while waiting and seen < MOST_LEAVES:
        steps, key, one = waiting.pop(0)
        seen += 1
        if isinstance(one, dict):
            waiting += [((*steps, name), name, inner) for name, inner in list(one.items())[:MOST_LEAVES]]
        elif isinstance(one, list):
            waiting += [((*steps, nth), key, inner) for nth, inner in enumerate(one[:3])]
        elif (isinstance(one, int | float) and not isinstance(one, bool)) or like_a_number(one):
            yield Path(spelled(steps), steps), key, one


def like_a_number(said: Any) -> bool:
    """Return whether something is a text that is a number, perhaps with its unit."""
    return isinstance(said, str) and len(said) < 30 and bool(NUMBER.fullmatch(said.strip().replace(",", ".", 1)))


def seen(said: Any, message: Incoming, shape: Shape) -> str | None:
    """Return what to set, if a message in which nothing was found shows something like the wanted; else None."""
    told = [hint for hint in _missing(said, message, shape, False) if "; there is " in hint]
    return "; ".join(told) or None


def missing(said: Any, message: Incoming, shape: Shape) -> list[str]:
    """Return for each path of a source that it finds nothing, and what is there under names like it."""
    return list(_missing(said, message, shape, True))


def _missing(said: Any, message: Incoming, shape: Shape, typos: bool) -> Iterator[str]:
    roots = said if isinstance(said, list) and not shape.takes_lists else [said]
    for forms in shape.forms:
        for form in forms:
            trails = [trail for root in roots[:3] for trail in _trails(root, form, message)]
            if any(condition.holds(trail, message) for trail in trails for condition in form.ignore):
                yield "ignore: the source says that such a message, or part of it, is no reading"
                continue
            found = [trail.nodes[-1] for trail in trails]
            if not found:
                yield f"body: nothing at {form.body.text!r}"
                continue
            if form.label:
                yield from _labels(form, roots[:3], message, shape)
                continue
            for node in found[:3]:
                yield from _of_body(node, form, typos)


def _trails(root: Any, form: Form, message: Incoming) -> list[Trail]:
    try:
        return [t for t in places(root, form.body.steps, message.work) if t.nodes[-1] is not None]
    except DecodeError:
        return []


def _of_body(node: Any, form: Form, typos: bool) -> Iterator[str]:
    there = list(leaves(node))
    for field in form.fields:
        channel, paths = field.quantity.channel, field.quantity.paths
        wanted = [path.text for path in paths]
        if not wanted or channel == "battery":
            continue
        near = [f"{spelled(at)}, a list" for path in paths if (at := _list_on_the_way(node, path.steps))]
        near += [p.text for p, key, _ in there if any(is_near(one, channel, wanted, typos) for one in (key, p.text))]
        hint = f"values.{channel}: nothing at {' or '.join(map(repr, wanted))}"
        yield f"{hint}; there is {', '.join(dict.fromkeys(near[:MOST_NAMED]))}" if near else hint


def _list_on_the_way(node: Any, steps: Steps) -> Steps:
    """Return the steps to a list at which a path of keys ends too early; none if it does not."""
    for nth, step in enumerate(steps):
        if isinstance(node, list):
            return steps[:nth] if isinstance(step, str) else ()
        if not isinstance(node, dict) or not isinstance(step, str):
            return ()
        node = node.get(step)
    return ()


def is_near(key: str, channel: str, wanted: list[str], typos: bool = True) -> bool:
    """Return whether a key is likely to be what is looked for under other names; telling typos takes long."""
    if OTHERS.search(key):
        return False
    names = [name.rpartition(".")[2].casefold() for name in wanted]
    folded = key.casefold()
    if folded in names or (typos and any(SequenceMatcher(None, folded[:40], n).ratio() >= ALIKE for n in names)):
        return True
    return channel in WORDS and bool(WORDS[channel].search(key))


def _labels(form: Form, roots: list[Any], message: Incoming, shape: Shape) -> Iterator[str]:
    said = []
    for root in roots:
        for trail in _trails(root, form, message)[:MOST_LEAVES]:
            said += [str(value) for reach in form.label if (value := _value(reach, trail, message)) is not None]
    names = ", ".join(repr(label[:40]) for label in list(dict.fromkeys(said))[:MOST_NAMED])
    known = ", ".join(map(repr, list(shape.by_label)[: 2 * MOST_NAMED]))
    near = [label for label in said if any(WORDS[channel].search(label) for channel in WORDS)]
    yield f"label: values know {known}; {'there is' if near else 'said is'} {names or 'nothing'}"


def _value(reach: Reach, trail: Trail, message: Incoming) -> Any:
    try:
        return reach.value(trail, message)
    except DecodeError:
        return None
