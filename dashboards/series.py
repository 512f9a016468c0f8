"""SQL fragments for time series: samples with gaps, limits as steps, flags over time."""

from dashboards.look import Look
from domain.policy import CLASSES, Limit

# A line ends where its value expires: a row of NULLs follows there.
_WITH_GAPS = """
WITH sample AS (
  {samples}
), ahead AS (
  SELECT *, lead(time) OVER ({partition}ORDER BY time) AS next FROM sample
)
SELECT time, {columns} FROM ahead
UNION ALL
SELECT time + hold, {empty} FROM ahead
WHERE coalesce(next > time + hold, time + hold < now())
ORDER BY time
"""


def with_gaps(samples: str, columns: tuple[str, ...], by: str | None = None) -> str:
    """Wrap `samples` (time, hold, columns) so that a row of NULLs follows where a value expires.

    Args:
        samples: a statement; `hold` is an interval.
        columns: its value columns.
        by: the column that separates its lines.
    """
    names = ((by,) if by else ()) + columns
    empty = ((by,) if by else ()) + tuple("NULL" for _ in columns)
    partition = f"PARTITION BY {by} " if by else ""
    text = _WITH_GAPS.format(
        samples=samples.strip(), partition=partition, columns=", ".join(names), empty=", ".join(empty)
    )
    return text.strip()


def holds(look: Look) -> float:
    """Return for how many of its intervals a reading is held, by the policy in force."""
    return (look.policy.version_at(look.at) or look.policy.versions[0]).hold_intervals


# The rules of the home's class and its contract on each local day; the strictest one applies.
# Steps: at each edge the value from there on, and a second before it the value until then.
_LIMIT = """
WITH rule (class, day_from, day_to, below, opens, closes) AS (
  VALUES
    {rules}
), season (day_from, day_to) AS (
  VALUES {seasons}
), chosen AS (
  SELECT class, contract_limit, contract_from, contract_to FROM home_contract WHERE home = ${{home:sqlstring}}
), held AS (
  SELECT day_from, day_to, below::real AS below, opens, closes FROM rule JOIN chosen USING (class)
  UNION ALL
  SELECT '-infinity', 'infinity', contract_limit, contract_from, contract_to FROM chosen
  WHERE {contract} AND contract_limit IS NOT NULL
), span AS (
  SELECT
    (d.day + coalesce(h.opens, time '00:00')) AT TIME ZONE '{zone}' AS since,
    (d.day + coalesce(h.closes, time '00:00')
      + CASE WHEN h.closes > h.opens THEN interval '0' ELSE interval '1 day' END) AT TIME ZONE '{zone}' AS until,
    h.below
  FROM generate_series(
    (($__timeFrom()::timestamptz AT TIME ZONE '{zone}')::date - 1)::timestamp,
    $__timeTo()::timestamptz AT TIME ZONE '{zone}', interval '1 day'
  ) AS d (day)
  JOIN held AS h ON d.day >= h.day_from AND d.day < h.day_to
  WHERE EXISTS (SELECT FROM season AS s WHERE d.day >= s.day_from AND d.day < s.day_to)
), edge AS (
  SELECT since AS at FROM span UNION SELECT until FROM span
)
SELECT
  at - interval '1 second' AS time, (SELECT max(below) FROM span WHERE since < at AND until >= at) AS {column}
FROM edge
UNION ALL
SELECT at, (SELECT max(below) FROM span WHERE since <= at AND until > at) FROM edge
ORDER BY time
"""


def limit(look: Look, severity: str) -> str:
    """Build the statement for the selected home's limit over time: columns time and {severity}_limit."""
    seasons = ", ".join(f"(date '{s.first}', date '{s.end}')" for s in look.policy.seasons)
    return _LIMIT.format(
        rules=",\n    ".join(_rules(look, severity)),
        seasons=seasons,
        contract="true" if severity == "cold" else "false",
        zone=look.zone,
        column=f"{severity}_limit",
    ).strip()


def _rules(look: Look, severity: str) -> list[str]:
    """Return the limits of a severity as SQL rows; if none, one that never applies, as VALUES cannot be empty."""
    versions = look.policy.versions
    ends = [f"'{later.valid_from}'" for later in versions[1:]] + ["'infinity'"]
    found = [
        _rule(x, f"'{version.valid_from}'", end)
        for version, end in zip(versions, ends, strict=True)
        for x in version.limits
        if x.severity == severity
    ]
    return found or [
        _rule(Limit(home_class=CLASSES[0], severity=severity, below_celsius=0), "'infinity'", "'infinity'")
    ]


def _rule(limit: Limit, day_from: str, day_to: str) -> str:
    opens, closes = (f"time '{t}'" if t else "NULL::time" for t in (limit.opens, limit.closes))
    return f"('{limit.home_class}', timestamp {day_from}, timestamp {day_to}, {limit.below_celsius}, {opens}, {closes})"


# Each flag counts from start to end; flags from before the span set the initial value.
FLAGS_OVER_TIME = """
WITH flag AS (
  SELECT greatest(cold_since, $__timeFrom()::timestamptz) AS since, cleared_at FROM flag_all
  WHERE substation = ${substation:sqlstring} AND cold_since <= $__timeTo()::timestamptz
    AND (cleared_at IS NULL OR cleared_at >= $__timeFrom()::timestamptz)
), step AS (
  SELECT since AS time, 1 AS by FROM flag
  UNION ALL SELECT cleared_at, -1 FROM flag WHERE cleared_at <= $__timeTo()::timestamptz
  UNION ALL SELECT $__timeFrom()::timestamptz, 0
  UNION ALL SELECT least($__timeTo()::timestamptz, now()), 0
)
SELECT time, sum(sum(by)) OVER (ORDER BY time)::integer AS cold_homes FROM step GROUP BY time ORDER BY time
"""
