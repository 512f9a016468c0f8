"""The journal: hashes that evidence left with every change (0010_evidence.sql), read beside the rows as they are now.

What a hash is made of is spelled out here once more: a changed function or trigger in the database changes nothing
about the check.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import LiteralString, NamedTuple

from psycopg import Connection, sql
from psycopg.rows import class_row

# The text of a value must not hang on the session.
PLAIN_TEXT = """
SELECT
  set_config('timezone', 'UTC', true), set_config('extra_float_digits', '1', true),
  set_config('bytea_output', 'hex', true)
"""
SELECT_HIGHEST_ENTRY = """
SELECT max((j.key ->> 0)::bigint)
FROM unnest(%(relations)s::text[]) AS r (relation)
CROSS JOIN LATERAL (
  SELECT x.key FROM journal AS x WHERE x.relation = r.relation ORDER BY x.key DESC LIMIT 1
) AS j
"""
SELECT_HOME = "SELECT h.code FROM home AS h WHERE h.home_id = %(key)s"
SELECT_TICKET = "SELECT t.number FROM ticket AS t WHERE t.ticket_id = %(key)s"
# Rows of a stretch of keys beside the last entry of each; `told` is what its hash is made of, after the one before.
_LOOK: LiteralString = """
SELECT
  coalesce(j.key, l.key)::text AS key, l.key IS NOT NULL AS there, coalesce(l.holds, false) AS holds, j.entries,
  j.form, j.at, j.writer, j.hash, j.previous,
  jsonb_build_array(
    {relation}, j.key, j.form, (extract(epoch FROM j.at) * 1000000)::bigint, j.writer,
    CASE j.form WHEN 0 THEN '[]'::jsonb {forms} END
  )::text AS told
FROM (
  SELECT jsonb_build_array({key}) AS key, {holds} AS holds, {columns} FROM {table} AS t
  WHERE t.{first} >= %(low)s AND t.{first} < %(high)s
) AS l
FULL JOIN (
  SELECT
    x.key, count(*) AS entries, (array_agg(x.form ORDER BY x.journal_id DESC))[1] AS form,
    (array_agg(x.at ORDER BY x.journal_id DESC))[1] AS at,
    (array_agg(x.writer ORDER BY x.journal_id DESC))[1] AS writer,
    (array_agg(x.hash ORDER BY x.journal_id DESC))[1] AS hash,
    (array_agg(x.hash ORDER BY x.journal_id DESC))[2] AS previous
  FROM (
    SELECT e.journal_id, e.key, e.form, e.at, e.writer, e.hash FROM journal AS e
    WHERE e.relation = {relation}
      AND e.key >= jsonb_build_array(%(low)s::bigint {nulls}) AND e.key < jsonb_build_array(%(high)s::bigint {nulls})
    {together}
  ) AS x
  GROUP BY x.key
) AS j ON j.key = l.key
ORDER BY 1
"""
# Each row of an entry of several as an entry of its own. One whose hash is not that of theirs proves none of them.
_TOGETHER: LiteralString = """
    UNION ALL
    SELECT
      e.journal_id, e.key || to_jsonb(d.part), e.form, e.at, e.writer,
      CASE WHEN e.hash = sha256(e.hashes) THEN substring(e.hashes FROM 32 * (d.nth - 1)::integer + 1 FOR 32) ELSE '' END
    FROM journal AS e CROSS JOIN LATERAL unnest(e.{parts}) WITH ORDINALITY AS d (part, nth)
    WHERE e.relation = {relation}
      AND e.key >= jsonb_build_array(%(low)s::bigint {nulls}) AND e.key < jsonb_build_array(%(high)s::bigint {nulls})
"""


class EntryOfSeveral(NamedTuple):
    """Entries that several new rows have together, whose keys differ in their last part alone."""

    relation: str  # in the journal
    parts: str  # the column of the last parts


@dataclass(frozen=True)
class Relation:
    """A table whose rows are evidence."""

    name: str  # in the journal
    key: tuple[str, ...]  # begins with a number
    forms: Mapping[int, tuple[str, ...]]  # columns
    holds: LiteralString = "true"  # from when on a row is evidence
    table: tuple[str, ...] = ()  # where it is not as the name
    of: str = ""  # whose the first part of the key is: home | ticket
    step: int = 5_000  # numbers that are looked at together
    final: bool = False  # a row is never changed
    together: EntryOfSeveral | None = None
    identifier: sql.Identifier = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "identifier", sql.Identifier(*(self.table or (self.name,))))

    @property
    def names(self) -> list[str]:
        """Its names in the journal."""
        return [self.name, *([self.together.relation] if self.together else [])]

    def look(self) -> sql.Composed:
        """Return the statement that lays a stretch of this table beside the journal."""
        columns = list(dict.fromkeys(column for form in self.forms.values() for column in form))
        forms = [
            sql.SQL("WHEN {} THEN jsonb_build_array({})").format(
                sql.Literal(form), sql.SQL(", ").join(sql.Identifier("l", f"c_{name}") for name in names)
            )
            for form, names in self.forms.items()
        ]
        return sql.SQL(_LOOK).format(
            relation=sql.SQL("{}::text").format(sql.Literal(self.name)),
            forms=sql.SQL(" ").join(forms),
            key=sql.SQL(", ").join(sql.Identifier("t", name) for name in self.key),
            holds=sql.SQL(self.holds),
            columns=sql.SQL(", ").join(
                sql.SQL("{} AS {}").format(sql.Identifier("t", name), sql.Identifier(f"c_{name}")) for name in columns
            ),
            table=self.identifier,
            first=sql.Identifier(self.key[0]),
            nulls=_nulls(len(self.key)),
            together=self._together(),
        )

    def _together(self) -> sql.Composable:
        if self.together is None:
            return sql.SQL("")
        relation, parts = self.together
        return sql.SQL(_TOGETHER).format(
            relation=sql.Literal(relation), parts=sql.Identifier(parts), nulls=_nulls(len(self.key) - 1)
        )


def _nulls(parts: int) -> sql.SQL:
    """Return what follows the first number in the lowest key of so many parts."""
    return sql.SQL(", NULL" * (parts - 1))


_FLAG = (
    "home_id", "severity", "cold_since", "confirmed_at", "raised_at", "severe_at", "suspended_at", "cleared_at",
    "clear_reason", "limit_celsius", "policy", "why", "ticket_id", "source",
)  # fmt: skip
RELATIONS = (
    Relation("flag", ("flag_id",), {1: _FLAG, 2: (*_FLAG, "lowest")}),
    Relation(
        "clock", ("ticket_id", "round", "name"),
        {1: ("started_at", "due_at", "warn_at", "warned_at", "met_at", "breached_at", "void_at")}, of="ticket",
        together=EntryOfSeveral("clocks", "names"),
    ),
    Relation(
        "ticket", ("ticket_id",),
        {
            1: (
                "class", "state", "priority", "source", "home_id", "building_id", "substation_id", "station",
                "responsible", "appointment_at", "description", "responsibility", "paid", "confirmation", "follows",
                "round", "opened_at", "closed_at", "retrospective", "done_at", "proven_at", "proof", "replied_at",
                "called_back_at",
            )
        },
        of="ticket",
    ),
    Relation(
        "device_job", ("device_job_id",),
        {1: ("sensor_id", "reason", "ticket_id", "opened_at", "closed_at", "close_reason")},
    ),
    Relation(
        "ledger", ("home_id", "day"),
        {
            1: (
                "compliant_us", "cold_us", "severe_us", "unknown_us", "not_judged_us", "shortfall_us", "heat",
                "deficit", "lowest", "policy",
            )
        },
        holds="t.closed", of="home", step=50, together=EntryOfSeveral("ledger_days", "days"),
    ),
    Relation(
        "measurement", ("measurement_id",),
        {
            1: (
                "home_id", "room", "room_kind", "measured_at", "celsius", "instrument", "measurer", "signature",
                "corrects", "reason", "recorded_at", "recorded_by", "filed_late", "state", "limit_celsius", "policy",
            )
        },
        final=True,
    ),
    Relation(
        "outage", ("outage_id",),
        {
            1: (
                "kind", "stops_heating", "reason", "begins_at", "expected_end", "explanation", "announced_at",
                "late_at", "restored_at", "cancelled_at",
            )
        },
    ),
    Relation("outage_event", ("outage_id", "seq"), {1: ("at", "kind", "actor", "data")}, final=True),
    Relation(
        "incident", ("incident_id",),
        {
            1: (
                "kind", "substation_id", "building_id", "station", "ticket_id", "why", "opened_at", "closed_at",
                "close_reason", "merged_into",
            )
        },
    ),
    Relation(
        "incident_ticket", ("incident_id", "ticket_id"),
        {1: ("joined_at", "left_at", "left_reason", "dispatched_at")},
    ),
    Relation(
        "case_file", ("ticket_id",),
        {
            1: (
                "subject", "channel", "about_station", "text", "anonymous", "opened_at", "opened_by", "escalated_at",
                "supervised_at", "published_at", "example_at",
            )
        },
        of="ticket",
    ),
    Relation(
        "message", ("message_id",),
        {
            1: (
                "key", "addressee_id", "notices", "subject", "body", "created_at", "state", "attempts", "unsure",
                "finished_at", "reason", "detail",
            )
        },
        holds="t.finished_at IS NOT NULL",
    ),
    Relation(
        "notice", ("notice_id",), {1: ("outbox_id", "addressee_id", "message_id")}, holds="t.message_id IS NOT NULL"
    ),
    Relation("audit", ("audit_id",), {1: ("at", "actor", "role", "address", "action", "target", "detail")}, final=True),
    Relation(
        "reveal", ("reveal_id",), {1: ("at", "ticket_id", "actor", "role", "station", "reason", "outcome")},
        table=("identity", "reveal"), final=True,
    ),
    Relation(
        "reading_day", ("reading_day_id",), {1: ("kind", "day", "low", "high", "readings", "sensors", "digest")},
        step=50, final=True,
    ),
    Relation(
        "reading_late", ("reading_late_id",), {1: ("kind", "day", "readings", "told", "was")}, step=50, final=True
    ),
    Relation(
        "refund_sheet", ("refund_sheet_id",),
        {
            1: (
                "home_id", "season", "upto", "season_days", "rules", "rules_digest", "currency", "fee", "total",
                "inputs", "digest", "corrects", "reason", "made_at", "made_by",
            )
        },
        final=True,
    ),
    Relation("archive_entry", ("number",), {1: ("kind", "root", "upto", "late", "noted_at")}, final=True),
    Relation("seal_key", ("seal_key_id",), {1: ("key_id", "public_key", "since")}, final=True),
)  # fmt: skip


class JournalledRow(NamedTuple):
    """A row beside the last entry of it; either may be missing (`there`, `hash`)."""

    key: str  # JSON
    there: bool
    holds: bool  # the row is evidence now
    entries: int | None
    form: int | None
    at: datetime | None
    writer: str | None
    hash: bytes | None
    previous: bytes | None
    told: str


def highest(conn: Connection, relation: Relation) -> int | None:
    """Return the highest first number of a key, of a row or an entry; None: there is neither."""
    statement = sql.SQL("SELECT max({}) FROM {}").format(sql.Identifier(relation.key[0]), relation.identifier)
    rows = (
        conn.execute(statement).fetchone(),
        conn.execute(SELECT_HIGHEST_ENTRY, {"relations": relation.names}).fetchone(),
    )
    return max((int(row[0]) for row in rows if row and row[0] is not None), default=None)


def beside(conn: Connection, relation: Relation, low: int, high: int) -> list[JournalledRow]:
    """Return the rows whose keys begin with a number in [low, high), each beside its last entry; in a transaction."""
    conn.execute(PLAIN_TEXT)
    with conn.cursor(row_factory=class_row(JournalledRow)) as cur:
        return cur.execute(relation.look(), {"low": low, "high": high}).fetchall()


def whose(conn: Connection, relation: Relation, key: int) -> str | None:
    """Return the code or number by which people know the first part of a key."""
    statement = {"home": SELECT_HOME, "ticket": SELECT_TICKET}.get(relation.of)
    row = conn.execute(statement, {"key": key}).fetchone() if statement else None
    return row[0] if row else None


def stretches(highest: int, step: int) -> Iterator[tuple[int, int]]:
    """Yield [low, high) over all numbers up to the highest."""
    for low in range(0, highest + 1, step):
        yield low, low + step
