"""Reading the rules from a policy file: TOML, strict.

The types in domain/policy.py and beside it are the rules of the file; here is what goes beyond one value.
A missing number is an error that names the key; there are no hidden defaults.
"""

import re
from dataclasses import replace
from datetime import time, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

from domain import causes
from domain.causes import AddedCause
from domain.errors import Fault
from domain.incidents import IncidentRule
from domain.notices import NoticeRules
from domain.policy import Duration, Limit, Policy, Season, Version, duration
from domain.printable import shortened
from domain.substation import SubstationLimits
from domain.tickets import AFTER_DONE, CALL_BACK_AFTER, TicketClass
from domain.toml_file import ShippedFiles, check_versions, parsed
from domain.toml_table import TomlFault, TomlForm, TomlReader
from domain.words import faults
from domain.working_days import WorkingCalendar

DEFAULT_CALL_BACK_AFTER = duration("PT48H")
BUILTIN = ShippedFiles(files("domain") / "policies", "built-in policy")


def load(text: str, source: str, zone: str | None = None) -> Policy:
    """Parse a policy.

    Args:
        text: the TOML.
        source: its name in errors.
        zone: IANA name that overrides the policy's own.
    Raises:
        RefusedText: names the source and the key.
    """
    table = parsed(text, source)
    if zone is not None:
        table["timezone"] = zone
    policy: Policy = TomlReader(source, FORM).table(Policy, table)
    return replace(policy, text=text)


def builtin(name: str, zone: str | None = None) -> Policy:
    """Load one of the policies that come with Hearth."""
    return load(builtin_text(name), f"policy {name}", zone)


def builtin_text(name: str) -> str:
    """Return the TOML of a built-in policy.

    Raises:
        UsageError: no such policy.
    """
    return BUILTIN.text(name)


def builtin_names() -> list[str]:
    """List the policies that come with Hearth."""
    return BUILTIN.names()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Fault(faults.NOT_A_ZONE.fill(given=shortened(name))) from None


def clock_time(text: str) -> time:
    """Read a local time such as 06:00.

    Raises:
        Fault: it is none.
    """
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise Fault(faults.NOT_A_CLOCK_TIME.fill(given=shortened(text)))
    return time.fromisoformat(text)


def _policy(made: Policy) -> Policy:
    check_versions(made.versions)
    if not made.seasons:
        raise TomlFault("seasons", faults.NONE_THERE)
    for at, season in enumerate(made.seasons):
        if season.first >= season.end or (at and season.first < made.seasons[at - 1].end):
            raise TomlFault(f"seasons[{at}]", faults.SEASON_ORDER)
    codes = [cause.code for cause in made.causes]
    if twice := next((at for at, code in enumerate(codes) if code in codes[:at]), None):
        raise TomlFault(f"cause[{twice}].code", faults.CODE_TWICE.fill(given=codes[twice]))
    return made


def _version(made: Version) -> Version:
    """Check the clocks of each class, and part them from the delays of their call-backs."""
    if TicketClass.COLD not in made.clocks:
        raise TomlFault("clocks.cold", faults.KEY_MISSING)
    clocks, delays = {}, {}
    for name, given in made.clocks.items():
        clocks[name] = {clock: term for clock, term in given.items() if clock != CALL_BACK_AFTER}
        if AFTER_DONE in given:
            delays[name] = _delay(given.get(CALL_BACK_AFTER, DEFAULT_CALL_BACK_AFTER), name)
        elif CALL_BACK_AFTER in given:
            raise TomlFault(f"clocks.{name}.{CALL_BACK_AFTER}", faults.CALL_BACK_WITHOUT_CLOCK.fill(clock=AFTER_DONE))
    return replace(made, clocks=clocks, call_back_after=delays)


def _delay(given: Duration, name: str) -> timedelta:
    if given.working_days:
        raise TomlFault(f"clocks.{name}.{CALL_BACK_AFTER}", faults.CALL_BACK_IN_WORKING_DAYS)
    return given.elapsed


def _limit(made: Limit) -> Limit:
    for key, own, other in (("from", made.opens, made.closes), ("to", made.closes, made.opens)):
        if own is None and other is not None:
            raise TomlFault(key, faults.KEY_MISSING)
    if made.opens is not None and made.opens == made.closes:
        raise TomlFault("", faults.SAME_TIMES)
    return made


def _substation(made: SubstationLimits) -> SubstationLimits:
    if made.supply_pressure_low_mpa >= made.supply_pressure_high_mpa:
        raise TomlFault("supply_pressure_high_mpa", faults.PRESSURE_ORDER)
    return made


def _incident(made: IncidentRule) -> IncidentRule:
    if 1 - made.recovered_share >= made.share:
        raise TomlFault("recovered_share", faults.SHARE_TOO_LOW)
    return made


def _notices(made: NoticeRules) -> NoticeRules:
    if made.quiet_from == made.quiet_to:
        raise TomlFault("quiet_to", faults.NO_HOUR_LEFT)
    return made


def _calendar(made: WorkingCalendar) -> WorkingCalendar:
    if both := made.holidays & made.workdays:
        raise TomlFault("workdays", faults.HOLIDAY_TOO.fill(day=min(both)))
    return made


FORM = TomlForm(
    keys={
        Policy: {"zone": "timezone", "versions": "version", "causes": "cause", "text": ""},
        Version: {"call_back_after": ""},
        Season: {"first": "from", "end": "to"},
        Limit: {"home_class": "class", "below_celsius": "below", "opens": "from", "closes": "to"},
    },
    parsers={ZoneInfo: _zone, time: clock_time, Duration: duration},
    checks={
        Policy: _policy,
        Version: _version,
        Limit: _limit,
        SubstationLimits: _substation,
        IncidentRule: _incident,
        NoticeRules: _notices,
        WorkingCalendar: _calendar,
        AddedCause: causes.checked,
    },
)
