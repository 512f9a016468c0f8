"""JSON and plain values of any shape: a Form says where they are, `ingest/presets.toml` has those of known networks."""

from collections.abc import Iterator
from typing import Any

from domain.reasons import RejectReason
from ingest.decoders import hints
from ingest.decoders.fault import DecodeError, Read
from ingest.decoders.path import Trail, find, opened, places
from ingest.decoders.payload import json, text
from ingest.decoders.shape import MOST_LABEL, TRUSTED, Form, Incoming, Shape, ValueField, code, first
from ingest.uplink import WITHHELD, Uplink

BEYOND = (RejectReason.TOO_MANY_READINGS, RejectReason.TOO_MANY_FAULTS)  # end the message and not its element
Found = list[tuple[ValueField, Any]]  # quantities that are there, unread
Place = tuple[Trail, Found | DecodeError]  # where a body leads, and what is there or why that cannot be told


def decode(message: Incoming, shape: Shape) -> Read:
    """Read a message.

    Raises:
        DecodeError: it is not of a shape with readings.
    """
    return read(text(message.payload) if shape.plain else json(message.payload), message, shape)


def read(said: Any, message: Incoming, shape: Shape) -> Read:
    """Read all readings of a message; none, if it is of another kind.

    Raises:
        DecodeError: it is not of a shape with readings, or shows values under names that the source does not have.
    """
    reader = Reader(message, shape)
    if isinstance(said, list) and not shape.takes_lists:
        message.work.count(len(said))
        for nth, root in enumerate(said):
            reader.take(root, nth)
    else:
        reader.take(said)
    is_empty = not reader.uplinks and not message.work.faults and not reader.ignored
    if is_empty and shape.expects_value and (seen := hints.seen(said, message, shape)):
        raise DecodeError(RejectReason.NO_VALUE, seen)
    return reader.uplinks, message.work.faults


class Reader:
    """Gathers the readings of one message."""

    def __init__(self, message: Incoming, shape: Shape) -> None:
        self.message = message
        self.shape = shape
        self.uplinks: list[Uplink] = []
        self.ignored = False  # whether something was found that is no reading, or no value
        self._by_label: dict[tuple[str | None, int | str | None], Uplink] = {}

    def take(self, root: Any, at: int | None = None) -> None:
        """Read what one root has: the message, or an element of a list of messages."""
        if not isinstance(root, dict | list) and not self.shape.takes_scalars:
            problem = "is not a JSON object" if isinstance(root, str) else "is not a JSON object, but a mere value"
            fault = DecodeError(RejectReason.MALFORMED, f"{problem}: preset plain reads those")
            if at is None:
                raise fault
            self.message.work.fault(fault.fault(at))
            return
        for forms in self.shape.forms:
            form, places = self._best(forms, root)
            for nth, (trail, found) in enumerate(places):
                element = _element(trail) if at is None else at
                if nth:
                    self.message.work.count()
                try:
                    self._place(form, trail, found, element)
                except DecodeError as error:
                    if error.reason in BEYOND:
                        raise
                    self.message.work.fault(error.fault(element))

    def _best(self, forms: tuple[Form, ...], root: Any) -> tuple[Form, list[Place]]:
        """Return the first form that has the first quantity of the source, or else any, and its places."""
        if len(forms) == 1:
            return forms[0], self._places(forms[0], root)
        main = next(iter(self.shape.quantities))
        best: tuple[Form, list[Place]] = forms[0], []
        for form in forms:
            places = self._places(form, root)
            there = (field.quantity.channel for _, found in places if type(found) is list for field, _ in found)
            if places and main in there:
                return form, places
            if places and not best[1]:
                best = form, places
        return best

    def _places(self, form: Form, root: Any) -> list[Place]:
        """Return the places of a form's body that hold quantities; a list at its end is each of its elements."""
        out = []
        for trail in places(root, form.body.steps, self.message.work):
            node = trail.nodes[-1]
            if form.body.steps and isinstance(node, list | str) and not self.shape.plain:
                out += self._opened(form, trail)
            elif found := self._sought(form, trail):
                out.append((trail, found))
        return out

    def _opened(self, form: Form, trail: Trail) -> list[Place]:
        """Return the places in a list, in a text that is JSON, or in a text."""
        node = trail.nodes[-1]
        node = opened(node, self.message.work)
        if isinstance(node, list):
            inner = [Trail((*trail.nodes[:-1], one), (*trail.keys, nth)) for nth, one in enumerate(node)]
        else:
            inner = [Trail((*trail.nodes[:-1], node), trail.keys)]
        return [(one, found) for one in inner if (found := self._sought(form, one))]

    def _sought(self, form: Form, trail: Trail) -> Found | DecodeError:
        try:
            return self._found(form, trail)
        except DecodeError as error:
            if error.reason in BEYOND:
                raise
            return error

    def _place(self, form: Form, trail: Trail, found: Found | DecodeError, at: int | None) -> None:
        message = self.message
        if form.ignore and any(condition.holds(trail, message) for condition in form.ignore):
            self.ignored = True
            return
        if isinstance(found, DecodeError):
            raise found
        parts = [*form.name(trail, message)]
        if self.shape.split:
            parts += self._of_label(form, trail)
        sensor = code(":".join(parts))
        time = self.shape.clock.read(form.when(trail, message))
        trusted = form.verdict is TRUSTED or form.verdict.trusts(trail, message)
        values, faults = self._values(found, trail, trusted)
        self.ignored |= not values  # it says that there is no value
        if values:
            self._add(sensor, time, values, bool(form.label))
            faults = [error.part() for error in faults]
        for error in faults:
            message.work.fault(error.fault(at, sensor))

    def _found(self, form: Form, trail: Trail) -> Found:
        """Return the quantities that are there, unread."""
        node, work = trail.nodes[-1], self.message.work
        if form.label:
            field = self._labelled(form, trail)
            return [] if field is None else self._said(field, node)
        found = []
        for field in form.fields:
            for path in field.quantity.paths:
                if (raw := find(node, path.steps, work)) is not None:
                    found.append((field, raw))
                    break
        return found

    def _said(self, field: ValueField, node: Any) -> Found:
        """Return the value of a quantity that a label names."""
        for steps in self.shape.value:
            raw = find(node, steps, self.message.work)
            if raw is not None and not isinstance(raw, dict | list):
                return [(field, raw)]
        return []

    def _labelled(self, form: Form, trail: Trail) -> ValueField | None:
        said = first(form.label, trail, self.message)
        if not isinstance(said, str | int) or isinstance(said, bool):
            return None
        label = str(said)
        if self.shape.split:
            match = self.shape.split.fullmatch(label[:MOST_LABEL])
            label = match["label"] if match else ""
        channel = self.shape.channel(label)
        return next((field for field in form.fields if field.quantity.channel == channel), None)

    def _of_label(self, form: Form, trail: Trail) -> Iterator[str]:
        """Yield the part of the sensor's name that the label has."""
        if self.shape.split and (match := self.shape.split.fullmatch(str(first(form.label, trail, self.message)))):
            yield match["sensor"]

    def _values(self, found: Found, trail: Trail, trusted: bool) -> tuple[dict[str, float], list[DecodeError]]:
        """Read values, each by itself."""
        values: dict[str, float] = {}
        faults: list[DecodeError] = []
        for field, raw in found:
            try:
                value = self._value(field, raw, trail)
            except DecodeError as error:
                faults.append(error)
                continue
            if value is not None:
                good = trusted and (field.is_plain or field.verdict.trusts(trail, self.message))
                values[field.quantity.channel] = value if good else WITHHELD
        return values, faults

    def _value(self, field: ValueField, raw: Any, trail: Trail) -> float | None:
        quantity = field.quantity
        if field.is_plain:
            return quantity.read(raw, self.shape.spelling)
        return quantity.read(raw, self.shape.spelling, field.unit(trail, self.message))

    def _add(self, sensor: str, time: int | str | None, values: dict[str, float], by_label: bool) -> None:
        """Add a reading; values that labels name one by one are together if they are of one sensor and time."""
        if by_label:
            uplink = self._by_label.get((sensor, time))
            if uplink is not None and all(getattr(uplink, channel) is None for channel in values):
                for channel, value in values.items():
                    setattr(uplink, channel, value)
                return
        uplink = Uplink(sensor, time, **values)
        if by_label:
            self._by_label[sensor, time] = uplink
        self.uplinks.append(uplink)


def _element(trail: Trail) -> int | None:
    """Return which element of the outermost list a place is in; None if it is in no list."""
    return next((key for key in trail.keys if isinstance(key, int)), None)
