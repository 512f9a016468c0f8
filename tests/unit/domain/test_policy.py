"""The policy file: what is missing or wrong is named, and what comes with Hearth is in order."""

import re
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import policy, policy_file
from domain.causes import AddedCause, known_causes
from domain.errors import RefusedText, UsageError
from domain.policy import Duration, Limit
from domain.policy_review import summary, warnings

SEED: dict[str, Any] = tomllib.loads(policy_file.builtin_text("seed"))
CARE = SEED["version"][0]["care"]
SUBSTATION = {
    "supply_low_celsius": 45,
    "supply_pressure_low_mpa": 0.3,
    "supply_pressure_high_mpa": 0.8,
    "return_pressure_low_mpa": 0.2,
    "for_s": 600,
}
Path = tuple[str | int, ...]
OPTIONAL = {"clause", "care", "substation", "incident", "desk", "notices", "call_out", "measurement"}
OPTIONAL |= {"agrees_within_k", "past_days", "clock_s", "clock_for_s", "cause", "riser_homes"}
CLOCKS = {
    "leak",
    "repair",
    "complaint",
    "report",
    "application",
}  # ticket classes that a utility may leave without clocks


def toml(value: Any) -> str:
    """Return a value in TOML, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value.isoformat() if isinstance(value, date | time) else str(value)


def load(table: dict[str, Any], zone: str | None = None) -> policy.Policy:
    return policy_file.load("\n".join(f"{key} = {toml(value)}" for key, value in table.items()), "city.toml", zone)


def seed(**changes: Any) -> dict[str, Any]:
    """Return the seed policy with other top-level values."""
    return {**deepcopy(SEED), **changes}


def version(**changes: Any) -> dict[str, Any]:
    """Return the seed policy with other values in its version."""
    table = seed()
    table["version"][0].update(changes)
    return table


def limit(**changes: Any) -> dict[str, Any]:
    """Return the seed policy with other values in its first limit; None takes a key away."""
    table = seed()
    first = {**table["version"][0]["limits"][0], **changes}
    table["version"][0]["limits"] = [{key: value for key, value in first.items() if value is not None}]
    return table


def complaint(table: dict[str, Any], zone: str | None = None) -> str:
    """Return what is said about a policy that is not in order."""
    with pytest.raises(RefusedText) as raised:
        load(table, zone)
    told = str(raised.value)
    assert told == f"city.toml: {raised.value.told.en}"
    assert re.search("[\u4e00-\u9fff]", raised.value.told.zh)
    assert "\n" not in told
    return told.removeprefix("city.toml: ")


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every key of every table."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in pairs:
        if isinstance(key, str):
            yield (*path, key)
        yield from leaves(one, (*path, key))


def named(path: Path) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")


def parent(table: dict[str, Any], path: Path) -> Any:
    found: Any = table
    for key in path[:-1]:
        found = found[key]
    return found


def is_required(path: Path) -> bool:
    return path[-1] not in OPTIONAL | CLOCKS and (len(path) < 3 or path[-3] != "clocks")


EVERY = list(leaves(SEED))
REQUIRED = [path for path in EVERY if is_required(path)]


def test_the_seed_survives_being_written_anew() -> None:
    assert load(seed()).versions[0].limits == policy_file.builtin("seed").versions[0].limits
    assert len(REQUIRED) > 20


@pytest.mark.parametrize("path", REQUIRED, ids=named)
def test_a_missing_key_is_named(path: Path) -> None:
    table = seed()
    del parent(table, path)[path[-1]]
    assert complaint(table) == f"{named(path)}: is missing"


@pytest.mark.parametrize("path", EVERY, ids=named)
@pytest.mark.parametrize("wrong", [True, datetime(2026, 1, 1, 6)], ids=["true", "instant"])  # noqa: DTZ001
def test_a_value_of_the_wrong_type_is_named(path: Path, wrong: object) -> None:
    table = seed()
    wrong = 1 if isinstance(parent(table, path)[path[-1]], bool) else wrong
    parent(table, path)[path[-1]] = wrong
    assert complaint(table).startswith(f"{named(path)}: ")


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_an_unknown_key_is_named(path: Path) -> None:
    table = seed()
    parent(table, path)["colour"] = "red"
    where = named((*path[:-1], "colour"))
    assert complaint(table) in (
        f"{where}: is not a known key",
        f"{where}: 'red' is not a duration such as PT30M, PT24H or P5WD",
    )


@given(st.sampled_from(EVERY), st.one_of(st.integers(), st.floats(), st.text("aé5T:-", max_size=6), st.just([1])))
def test_whatever_stands_in_the_file_is_taken_or_named(path: Path, value: object) -> None:
    table = seed()
    parent(table, path)[path[-1]] = value
    try:
        taken = load(table)
    except UsageError:
        return
    assert isinstance(taken, policy.Policy)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (seed(timezone="Asia"), "timezone: 'Asia' is not an IANA time zone"),
        (seed(timezone="../../etc/passwd"), "timezone: "),
        (seed(version=[]), "version: there is none"),
        (seed(version=[7]), "version[0]: 7 is not a table"),
        (seed(seasons=[]), "seasons: there is none"),
        (seed(seasons=["winter"]), "seasons[0]: 'winter' is not a table"),
        (seed(version=SEED["version"] * 2), "version: valid_from must rise from version to version"),
        (version(limits=["cold"]), "version[0].limits[0]: 'cold' is not a table"),
        (version(judged_rooms=[]), "version[0].judged_rooms: "),
        (version(judged_rooms=["attic"]), "version[0].judged_rooms: "),
        (version(confirm_for_s=-1), "version[0].confirm_for_s: -1 is not between 0 and 604800"),
        (version(confirm_for_s=0.5), "version[0].confirm_for_s: 0.5 is not a whole number of seconds"),
        (version(deadband_k=float("nan")), "version[0].deadband_k: "),
        (version(hold_intervals=0), "version[0].hold_intervals: 0 is not between 1 and 100"),
        (version(deadband_k=0.0005), "version[0].deadband_k: 0.0005 is finer than a thousandth"),
        (limit(below=18.0001), "version[0].limits[0].below: 18.0001 is finer than a thousandth"),
        (limit(below=61), "version[0].limits[0].below: 61 is not between -40 and 60"),
        (limit(severity="chilly"), "version[0].limits[0].severity: "),
        (limit(**{"class": "castle"}), "version[0].limits[0].class: "),
        (limit(to=None), "version[0].limits[0].to: is missing"),
        (limit(**{"from": None}), "version[0].limits[0].from: is missing"),
        (limit(to="06:00"), "version[0].limits[0]: from and to are the same; leave both out for all day"),
        (limit(to="24:00"), "version[0].limits[0].to: '24:00' is not a time such as 06:00"),
        (limit(to="6:00"), "version[0].limits[0].to: "),
        (limit(to="0٣:00"), "version[0].limits[0].to: "),
        (version(clocks={"cold": {"done": "24 h"}}), "version[0].clocks.cold.done: "),
        (version(care={**CARE, "frozen_s": 0}), "version[0].care.frozen_s: 0 is not between 1 and 604800"),
        (version(care={**CARE, "battery_percent": 101}), "version[0].care.battery_percent: "),
        (version(care={}), "version[0].care.silent_intervals: is missing"),
        (version(substation={}), "version[0].substation.supply_low_celsius: is missing"),
        (
            version(substation={**SUBSTATION, "supply_pressure_high_mpa": 0.3}),
            "version[0].substation.supply_pressure_high_mpa: must be higher than supply_pressure_low_mpa",
        ),
    ],
    ids=repr,
)
def test_what_makes_no_sense_is_named(table: dict[str, Any], told: str) -> None:
    assert complaint(table).startswith(told)


@pytest.mark.parametrize("key", SUBSTATION)
def test_a_substation_limit_that_is_missing_is_named(key: str) -> None:
    rest = {name: value for name, value in SUBSTATION.items() if name != key}
    assert complaint(version(substation=rest)) == f"version[0].substation.{key}: is missing"
    assert load(version(substation=SUBSTATION)).versions[0].substation is not None


def test_without_its_table_there_is_no_care() -> None:
    table = version()
    del table["version"][0]["care"]
    assert load(table).versions[0].care is None


def test_a_utility_adds_causes_and_names_them_in_its_words() -> None:
    rows = [{"code": "lime", "zh": "结垢", "en": "lime"}, {"code": "pump", "zh": "水泵", "en": "pumps"}]
    added = load(seed(cause=rows)).causes
    assert added == tuple(AddedCause(**row) for row in rows)
    found = known_causes(added)
    assert list(found)[-2:] == ["lime", "other"]
    assert found["pump"].en == "pumps"
    for row in ({"code": "L"}, {"code": "x" * 41}, {"zh": " "}, {"en": "x" * 61}, {"en": "a\u200bb"}):
        assert f"cause[0].{next(iter(row))}" in complaint(seed(cause=[{**rows[0], **row}]))
    assert "cause[1].code" in complaint(seed(cause=[rows[0], rows[0]]))


def test_what_is_no_toml_is_said_in_one_line() -> None:
    with pytest.raises(UsageError, match=r"^city\.toml: .*line 2"):
        policy_file.load('name = "seed"\nzone:', "city.toml")


def season(first: str, end: str) -> dict[str, date]:
    return {"from": date.fromisoformat(first), "to": date.fromisoformat(end)}


@pytest.mark.parametrize(
    ("seasons", "where"),
    [
        ([season("2025-11-15", "2026-03-16"), season("2026-03-15", "2027-03-16")], "seasons[1]"),
        ([season("2026-11-15", "2027-03-16"), season("2025-11-15", "2026-03-16")], "seasons[1]"),
        ([season("2025-11-15", "2025-11-15")], "seasons[0]"),
    ],
)
def test_seasons_may_not_overlap_or_run_backwards(seasons: list[dict[str, date]], where: str) -> None:
    told = complaint(seed(seasons=seasons))
    assert told == f"{where}: must end after it begins, and begin after the one before ended"


def test_seasons_may_touch() -> None:
    touching = [season("2025-11-15", "2026-03-16"), season("2026-03-16", "2026-04-01")]
    assert len(load(seed(seasons=touching)).seasons) == 2


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("PT30M", Duration(timedelta(minutes=30))),
        ("PT24H", Duration(timedelta(days=1))),
        ("P2D", Duration(timedelta(days=2))),
        ("P1DT2H3M4S", Duration(timedelta(days=1, hours=2, minutes=3, seconds=4))),
        ("P5WD", Duration(timedelta(0), working_days=5)),
    ],
)
def test_durations(text: str, wanted: Duration) -> None:
    assert policy.duration(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "5", "pt30m", "PT30", "P1W", "P5WDT1H", "PT1.5H", "-PT1H", "PT1H\n", "PT٣H", f"P{10**12}D"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        policy.duration(text)


@given(st.integers(0, 400), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_a_duration_is_the_sum_of_its_parts(days: int, hours: int, minutes: int, seconds: int) -> None:
    wanted = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    assert policy.duration(f"P{days}DT{hours}H{minutes}M{seconds}S").elapsed == wanted


def during(opens: time | None, closes: time | None) -> Limit:
    return Limit(home_class="multistorey", severity="cold", below_celsius=18, opens=opens, closes=closes)


@pytest.mark.parametrize(
    ("opens", "closes", "inside", "outside"),
    [
        (time(6), time(21), [time(6), time(20, 59, 59, 999_999)], [time(5, 59, 59), time(21), time(0)]),
        (time(22), time(6), [time(22), time(0), time(5, 59, 59)], [time(6), time(21, 59), time(12)]),
        (time(22), time(0), [time(22), time(23, 59)], [time(0), time(21)]),
        (None, None, [time(0), time(12), time(23, 59)], []),
    ],
)
def test_windows_are_half_open_and_may_cross_midnight(
    opens: time | None, closes: time | None, inside: list[time], outside: list[time]
) -> None:
    window = during(opens, closes)
    assert all(window.holds_at(clock) for clock in inside)
    assert not any(window.holds_at(clock) for clock in outside)


@given(st.times(), st.times(), st.times())
def test_a_window_and_its_opposite_make_a_day(opens: time, closes: time, clock: time) -> None:
    if opens != closes:
        assert during(opens, closes).holds_at(clock) != during(closes, opens).holds_at(clock)


def test_the_zone_can_be_overridden() -> None:
    assert load(seed()).zone == ZoneInfo("Asia/Shanghai")
    assert load(seed(), "Europe/Berlin").zone == ZoneInfo("Europe/Berlin")
    assert complaint(seed(), "Mars/Olympus") == "timezone: 'Mars/Olympus' is not an IANA time zone"


def test_the_version_in_force_is_that_of_the_local_day() -> None:
    samples = policy_file.builtin("sample-complaints")
    midnight = datetime(2026, 1, 10, tzinfo=samples.zone)
    before, after = samples.version_at(midnight - timedelta(microseconds=1)), samples.version_at(midnight)
    assert before is not None
    assert after is not None
    assert (before.limits[0].below_celsius, after.limits[0].below_celsius) == (18.0, 19.0)
    assert samples.version_at(datetime(2019, 12, 31, tzinfo=samples.zone)) is None


@pytest.mark.parametrize("name", policy_file.builtin_names())
def test_every_pack_is_in_order_and_named_like_its_file(name: str) -> None:
    pack = policy_file.builtin(name)
    assert pack.name == name
    text = policy_file.builtin_text(name)
    assert text.startswith("# SAMPLE: ") == (name != "seed") == ("invented" in text.splitlines()[0])
    assert {"cold", "leak", "repair", "complaint", "report"} <= set(pack.versions[0].clocks)
    assert all(one.clause for version in pack.versions for one in version.limits)


def test_what_the_samples_are_samples_of() -> None:
    all_day = policy_file.builtin("sample-all-day").versions[0].limits[0]
    assert (all_day.below_celsius, all_day.opens) == (20.0, None)
    assert policy_file.builtin("sample-confirm").versions[0].confirm_for_s == 1800
    first, second = policy_file.builtin("sample-complaints").versions
    for one in (first, second):
        assert one.clocks["complaint"] == {
            "accept": Duration(timedelta(hours=24)),
            "finish": Duration(timedelta(0), working_days=3),
        }
    season = policy_file.builtin("sample-complaints").seasons[0]
    assert season.first < second.valid_from < season.end


def test_an_unknown_pack_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no built-in policy 'moon': there are .*seed"):
        policy_file.builtin("moon")


def test_the_summary_shows_versions_seasons_windows_and_clocks() -> None:
    lines = summary(policy_file.builtin("sample-confirm"))
    assert lines[0] == "sample-confirm: 1 version(s), zone Asia/Shanghai: in order"
    assert "season 2025-11-01 to 2026-04-01 (not included)" in lines
    assert "  multistorey: cold below 18 °C from 05:00 to 00:30 (over midnight) [Slowford sample, 3(1)]" in lines
    assert "  multistorey: severe below 16 °C at any time [Slowford sample, 3(2)]" in lines
    assert "  complaint: answer 5 working days" in lines
    assert "  leak: station_reply 1 h, on_site 30 min, done 24 h, call_back 24 h from 48 h after done" in lines


WINTER = date(2026, 1, 15)
CONTRACT_ONLY = [
    "seed@2020-01-01: bungalow has no limit of its own: contract only",
    "seed@2020-01-01: nonresidential has no limit of its own: contract only",
]


def test_the_seed_leaves_two_classes_to_the_contract() -> None:
    assert warnings(policy_file.builtin("seed"), WINTER) == CONTRACT_ONLY


@pytest.mark.parametrize(
    ("table", "today", "told"),
    [
        (seed(), date(2027, 3, 16), "season ends in the past (2027-03-16): from then on nothing is judged"),
        (version(valid_from=date(2026, 1, 1)), WINTER, "begins before the first version is valid (2026-01-01)"),
        (version(valid_from=date(2027, 4, 1)), WINTER, "version 2027-04-01 begins after the last season has ended"),
        (version(judged_rooms=["other"]), WINTER, "neither living rooms nor bedrooms are judged"),
        (limit(severity="severe"), WINTER, "multistorey has no day limit, only a floor limit"),
        (version(limits=[]), WINTER, "multistorey has no limit of its own: contract only"),
        (version(limits=SEED["version"][0]["limits"][:1] * 2), WINTER, "multistorey has several cold limits"),
    ],
)
def test_what_may_not_be_meant_is_a_warning(table: dict[str, Any], today: date, told: str) -> None:
    assert any(told in warning for warning in warnings(load(table), today))


def test_a_season_that_ends_tomorrow_is_no_past() -> None:
    assert warnings(load(seed()), date(2027, 3, 15)) == CONTRACT_ONLY


def test_a_floor_limit_over_the_day_limit_is_a_warning() -> None:
    table = seed()
    table["version"][0]["limits"][1]["below"] = 18.5
    assert "the floor limit 18.5 °C is not under the day limit 18 °C" in warnings(load(table), WINTER)[0]


def test_before_the_first_version_nothing_is_judged_timed_or_announced() -> None:
    samples = policy_file.builtin("sample-complaints")
    rules = samples.rules_at(datetime(2019, 12, 31, tzinfo=samples.zone))
    assert rules is policy.NO_RULES
    assert not any((rules.judged_rooms, rules.limits, rules.clocks, rules.call_back_after))
    assert not any((rules.care, rules.substation, rules.incident, rules.desk, rules.notices, rules.measurement))
