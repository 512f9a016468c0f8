"""Every value that a column can have has a name in both languages."""

from enum import StrEnum

import pytest

from dashboards.words import columns
from domain.care import CareReason
from domain.endings import TicketEnding
from domain.incidents import IncidentKind
from domain.notices import Audience
from domain.outages import OutageKind
from domain.policy_file import builtin, builtin_names
from domain.reasons import RejectReason
from domain.states import ClearReason, HomeState, Severity
from domain.substation import AlarmKind
from domain.tickets import TicketClass, TicketState


@pytest.mark.parametrize(
    ("named", "enum"),
    [
        (columns.TICKET_CLASSES, TicketClass),
        (columns.TICKET_STATES, TicketState),
        (columns.ENDINGS, TicketEnding),
        (columns.CLEAR_REASONS, ClearReason),
        (columns.INCIDENTS, IncidentKind),
        (columns.ALARMS, AlarmKind),
        (columns.AUDIENCES, Audience),
        (columns.OUTAGES, OutageKind),
    ],
)
def test_enums(named: dict[str, columns.Value], enum: type[StrEnum]) -> None:
    assert set(named) == {each.value for each in enum}


def test_states_and_reasons() -> None:
    assert {state.shown for state in HomeState} | {severity.name.lower() for severity in Severity} <= set(
        columns.STATES
    )
    assert set(columns.REASONS) == {each.value for enum in (CareReason, RejectReason) for each in enum}
    assert all(value.text.zh and value.text.en for value in columns.STATES.values())


def test_clocks_of_all_policies_have_names() -> None:
    versions = [version for name in builtin_names() for version in builtin(name).versions]
    assert {clock for v in versions for clocks in v.clocks.values() for clock in clocks} == set(columns.CLOCKS)
