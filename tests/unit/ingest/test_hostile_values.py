"""Any value in any place of a real message is read or refused, in bounded time; no other error comes of it."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.reasons import RejectReason
from ingest.message import Message
from ingest.sources import Sources
from ingest.validate import Limits, instant, sort_messages
from tests.unit.ingest import field_cases, golden
from tests.unit.ingest.hostile import HOSTILE

LIMITS = Limits(262_144, 300_000_000)
MOST_S = 2.0  # of the processor, for a message; usual are a few thousandths
HOLE = "\x01here\x01"


class Real(NamedTuple):
    """A message of the documents or of the tests, and what reads it."""

    name: str
    sources: Sources
    topic: str
    payload: bytes


def _real() -> Iterator[Real]:
    for case in golden.CASES:
        for topic, payload in golden.messages(case):
            yield Real(f"{case.parent.name}/{case.name}", golden.sources(case), topic, payload)
    for told in field_cases.cases():
        topic = (field_cases.FOLDER / f"{told.name}.topic").read_text().strip()
        yield Real(
            f"field/{told.name}", told.sources(), topic, (field_cases.FOLDER / f"{told.name}.payload").read_bytes()
        )


def _tree(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return None


JSON = {one.name: (one, tree) for one in _real() if isinstance(tree := _tree(one.payload), (dict, list))}


def _places(tree: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the ways to all parts of a value."""
    yield way
    for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from _places(part, (*way, key))


def _with(tree: Any, way: tuple[Any, ...], put: Any) -> Any:
    """Return a value with another one in one place; what is no longer there, as it lay in another hole, is left out."""
    if not way:
        return put
    if not isinstance(tree, (dict, list)):
        return tree
    out = dict(tree) if isinstance(tree, dict) else list(tree)
    out[way[0]] = _with(tree[way[0]], way[1:], put)
    return out


def _made(tree: Any, holes: Sequence[tuple[tuple[Any, ...], str]]) -> bytes:
    for nth, (way, _) in enumerate(holes):
        tree = _with(tree, way, f"{HOLE}{nth}")
    text = json.dumps(tree)
    for nth, (_, hostile) in enumerate(holes):
        text = text.replace(json.dumps(f"{HOLE}{nth}"), hostile)
    return text.encode(errors="surrogatepass")


def check(real: Real, payload: bytes) -> None:
    """Assert that a message is sorted like any other, with a reason for each thing refused, and no failure."""
    began = time.process_time()
    batch = sort_messages([Message(real.topic, payload, golden.RECEIVED_US, 1, 1, 1, False)], LIMITS, real.sources)
    assert time.process_time() - began < MOST_S
    for refused in batch.refused.values():
        assert RejectReason.FAILED.value not in refused.count, refused.faults
        refused.letter(10)
    for number in range(len(batch.heard.codes)):
        said = batch.heard.said(number)
        instant(said.uplink.ts, golden.RECEIVED_US, LIMITS)
        assert msgspec.convert(msgspec.to_builtins(said.uplink), type(said.uplink)) == said.uplink


@pytest.mark.parametrize("name", sorted(JSON))
@settings(max_examples=15, deadline=None)  # of each of many messages
@given(data=st.data())
def test_any_value_in_any_place(name: str, data: st.DataObject) -> None:
    real, tree = JSON[name]
    places = list(_places(tree))
    holes = [(data.draw(st.sampled_from(places)), data.draw(st.sampled_from(HOSTILE)))]
    if data.draw(st.booleans()):
        holes.append((data.draw(st.sampled_from(places)), data.draw(st.sampled_from(HOSTILE))))
    check(real, _made(tree, holes))
