"""Paths into messages: where a source says that something is.

A path is keys joined by dots: `uplink_message.received_at`. A key that holds a dot, a bracket or a quote is quoted:
`"data.temperature"`. Behind a key stands which of its parts is meant: `[*]` each element of a list, `[0]` one of them,
`[name=temp]` the object (or the one of a list) in which `name` says `temp`. `*` is any key, `*~` that key itself.
`topic` is what the wildcards of the filter stand for, `topic[2]` the second level of the topic. A path with a dot in
front begins in the body, all others where the message begins. Texts that hold JSON are gone into as if they were it.
"""

import re
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NamedTuple

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError
from ingest.decoders.work import Work


class Wildcard(Enum):
    """Steps that stand for many."""

    KEY = "*"
    ELEMENT = "[*]"


class Pick(NamedTuple):
    """A step to the object in which a key says something."""

    key: str
    said: str  # as `word` makes it


Step = str | int | Wildcard | Pick
Steps = tuple[Step, ...]
TOKEN = re.compile(
    r"""(?P<each>\[\*\])|\[(?P<index>-?[0-9]{1,6})\]
    |\[(?P<key>"(?:[^"\\]|\\.)*"|[^\[\]="]+)=(?P<said>"(?:[^"\\]|\\.)*"|[^\[\]"]*)\]
    |(?P<dot>\.)?(?:(?P<any>\*~?)(?=[.\[]|$)|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^.\[\]"]+))""",
    re.VERBOSE,
)
TOPIC = re.compile(r"topic(?:\[(-?[1-9][0-9]?)\])?")
WILDCARDS: Final = 0  # as the level of a topic: all that the wildcards stand for


class Path(NamedTuple):
    """A path as it is written, and its steps."""

    text: str
    steps: Steps
    level: int | None = None  # of the topic, from 1 or from -1; WILDCARDS
    is_key: bool = False  # whether the key of the last step is meant, not what it holds
    is_inner: bool = False  # whether it begins in the body

    @classmethod
    def of(cls, text: str) -> "Path":
        """Read a path.

        Raises:
            ValueError: it is none; says why.
        """
        if topic := TOPIC.fullmatch(text):
            return cls(text, (), int(topic[1]) if topic[1] else WILDCARDS)
        is_inner, steps = text.startswith("."), list[Step]()
        at = 1 if text[:2] in (".", ".[") else 0
        while at < len(text):
            token = TOKEN.match(text, at)
            if token is None or (token["dot"] is not None) != (_is_key(token) and (at > 0 or is_inner)):
                raise ValueError(_problem(text, at))
            steps.append(_step(token))
            at = token.end()
            if token["any"] == "*~" and at < len(text):
                raise ValueError("has something behind *~, which is a key")
        return cls(text, tuple(steps), None, text.endswith("*~"), is_inner)


def _is_key(token: re.Match[str]) -> bool:
    return not (token["each"] or token["index"] or token["key"])


def _problem(text: str, at: int) -> str:
    return f"is not a path from its letter {at + 1} on ({text[at:][:20]!r}): a key with . [ ] in it is quoted"


def _step(token: re.Match[str]) -> Step:
    if token["each"]:
        return Wildcard.ELEMENT
    if token["any"]:
        return Wildcard.KEY
    if token["index"]:
        return int(token["index"])
    if token["key"]:
        return Pick(_unquoted(token["key"]), word(_unquoted(token["said"])))
    return re.sub(r"\\(.)", r"\1", token["quoted"]) if token["quoted"] is not None else token["bare"]


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def word(value: Any) -> str:
    """Return a value as a source names it: upper and lower case, blanks, and number or text make no difference."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip().casefold()


def find(node: Any, steps: Steps, work: Work) -> Any:
    """Return the value at some steps from a node; None if there is none, or null.

    Raises:
        DecodeError: there are several.
    """
    for nth, step in enumerate(steps):
        if type(step) is not str:
            return _the_one(node, steps[nth:], work)
        if type(node) is not dict:
            node = opened(node, work)
            if isinstance(node, list):
                return _the_one(node, steps[nth:], work)
            if not isinstance(node, dict):
                return None
        inner = node.get(step)
        if inner is None:
            return None if nth + 1 == len(steps) or step in node else node.get(_dotted(steps[nth:]))
        node = inner
    return node


@lru_cache(4096)
def _dotted(steps: Steps) -> str | None:
    """Return the key that holds the dots of some steps itself; None if they are more than keys."""
    return ".".join(map(str, steps)) if all(type(step) is str for step in steps) else None


def _the_one(node: Any, steps: Steps, work: Work) -> Any:
    if steps[0] is Wildcard.KEY and type(node) is dict:  # most wildcards stand at a dictionary
        nodes, rest = list(node.values()), steps[1:]
        work.walk(len(nodes))
    else:
        nodes, rest = [node], steps
    for step in rest:
        if step is Wildcard.KEY and all(type(one) is dict for one in nodes):
            nodes = [inner for one in nodes for inner in one.values()]
            work.walk(len(nodes))
        elif type(step) is str:
            nodes = [inner for one in nodes if (inner := _under(one, step, work)) is not None]
        else:
            nodes = [inner for one in nodes for _, inner in _inner(one, step, work)]
    there = [one for one in nodes if one is not None]
    if len(there) > 1:
        raise DecodeError(RejectReason.AMBIGUOUS, f"{len(there)} values at {spelled(steps)!r}: name the one")
    return there[0] if there else None


def _under(node: Any, key: str, work: Work) -> Any:
    """Return what a node has under a key; None if nothing."""
    if type(node) is dict:
        return node.get(key)
    if type(node) is str and node[:1].isalnum():  # no JSON
        return None
    found = _inner(node, key, work)
    return found[0][1] if found else None


class Trail(NamedTuple):
    """A way along a path: its nodes, the first one included, and the keys between them, which are steps to one."""

    nodes: tuple[Any, ...]
    keys: Steps


def places(node: Any, steps: Steps, work: Work) -> list[Trail]:
    """Return the ways along some steps, each node of them counted as work."""
    nodes = [node]
    for nth, step in enumerate(steps):  # as far as there is one way only
        if type(step) is not str or type(node) is not dict:
            return _ways([Trail(tuple(nodes), steps[:nth])], steps[nth:], work)
        if step not in node:
            return []
        node = node[step]
        nodes.append(node)
    return [Trail(tuple(nodes), steps)]


def _ways(trails: list[Trail], steps: Steps, work: Work) -> list[Trail]:
    for step in steps:
        trails = [
            Trail((*trail.nodes, inner), (*trail.keys, key))
            for trail in trails
            for key, inner in _inner(trail.nodes[-1], step, work)
        ]
    return trails


def _inner(node: Any, step: Step, work: Work) -> list[tuple[Any, Any]]:
    """Return where a step leads from a node: keys and what they hold."""
    if type(node) is dict and type(step) is str:  # most are
        return [(step, node[step])] if step in node else []
    node = opened(node, work)
    if isinstance(step, Pick):
        found = _picked(node if isinstance(node, list) else [node], step, work)
    elif isinstance(node, dict):
        found = _of_dict(node, step)
    else:
        found = _of_list(node, step) if isinstance(node, list) else []
    work.walk(len(found))
    return found


def _picked(nodes: list[Any], step: Pick, work: Work) -> list[tuple[Any, Any]]:
    work.walk(len(nodes))
    return [
        (nth, one)
        for nth, one in enumerate(nodes)
        if isinstance(one, dict) and step.key in one and word(one[step.key]) == step.said
    ]


def _of_dict(node: dict[str, Any], step: Step) -> list[tuple[Any, Any]]:
    if step is Wildcard.KEY:
        return list(node.items())
    return [(step, node[step])] if step in node else []


def _of_list(node: list[Any], step: Step) -> list[tuple[Any, Any]]:
    if step is Wildcard.ELEMENT:
        return list(enumerate(node))
    nth = int(step) if isinstance(step, str) and step.isdecimal() and len(step) < 7 else step
    return [(nth, node[nth])] if isinstance(nth, int) and -len(node) <= nth < len(node) else []


def opened(node: Any, work: Work) -> Any:
    """Return what a text holds if that is JSON, and else the node."""
    if not isinstance(node, str) or node.lstrip()[:1] not in ("{", "["):
        return node
    return work.opened(node)


def spelled(steps: Steps) -> str:
    """Return steps as they are written."""
    out = ""
    for step in steps:
        if isinstance(step, Wildcard):
            out += step.value if step is Wildcard.ELEMENT or not out else f".{step.value}"
        elif isinstance(step, Pick):
            out += f"[{step.key}={step.said}]"
        elif isinstance(step, int):
            out += f"[{step}]"
        else:
            out += ("." if out else "") + (f'"{step}"' if set(step) & set('.[]"') else step)
    return out
