"""The catalogue of a database as lines of text by kind, so that two databases can be compared.

Nothing here depends on the order in which things were made: the columns of a table are sorted by name. Those of a view
keep their order, which is part of what readers hold on to.
"""

from typing import LiteralString

from psycopg import Connection, sql

# Our schemas, without what an extension brought along and what a transaction keeps for itself.
_OURS: LiteralString = """
  n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT LIKE '%timescaledb%'
  AND n.nspname NOT IN ('information_schema', 'toolkit_experimental')
"""
_NOT_OF_AN_EXTENSION: LiteralString = """
NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = {oid} AND d.deptype = 'e')
"""
_RELATION: LiteralString = "c.relkind::text || ' ' || n.nspname || '.' || c.relname"
_FROM_RELATIONS: LiteralString = f"""
pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace AND {_OURS}
  AND {_NOT_OF_AN_EXTENSION.replace("{oid}", "c.oid")}
"""


def _rights(acl: LiteralString, kind: LiteralString, owner: LiteralString) -> LiteralString:
    """Return who may do what, in words and sorted: an access list as it would be if the defaults were written out."""
    return f"""
(
  SELECT string_agg(
    coalesce(r.rolname, 'PUBLIC') || '=' || a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END, ','
    ORDER BY coalesce(r.rolname, 'PUBLIC'), a.privilege_type
  )
  FROM aclexplode(coalesce({acl}, acldefault('{kind}', {owner}))) AS a LEFT JOIN pg_roles AS r ON r.oid = a.grantee
)
"""


SCHEMAS = f"SELECT n.nspname || ' ' || {_rights('n.nspacl', 'n', 'n.nspowner')} FROM pg_namespace AS n WHERE {_OURS}"
RELATIONS = f"""
SELECT concat_ws(
  ' ', {_RELATION}, c.relpersistence, (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(c.reloptions) AS o),
  CASE WHEN c.relrowsecurity THEN 'row security' END, CASE WHEN c.relforcerowsecurity THEN 'forced' END, c.relreplident,
  {_rights("c.relacl", "r", "c.relowner")}
)
FROM {_FROM_RELATIONS} WHERE c.relkind IN ('r', 'v', 'm', 'p')
"""
COLUMNS = f"""
SELECT concat_ws(
  ' ', {_RELATION}, CASE WHEN c.relkind IN ('v', 'm') THEN row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum) END,
  a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
  nullif('identity ' || a.attidentity::text, 'identity '), nullif('generated ' || a.attgenerated::text, 'generated '),
  'DEFAULT ' || pg_get_expr(f.adbin, f.adrelid), 'storage ' || a.attstorage::text,
  nullif('by ' || a.attcompression::text, 'by '),
  'collation ' || nullif(a.attcollation, t.typcollation), 'statistics ' || nullif(a.attstattarget, -1),
  -- What a server puts there for itself is no option of the schema.
  (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(a.attoptions) AS o WHERE o NOT LIKE 'pg\\_attver=%'), a.attacl
)
FROM {_FROM_RELATIONS}
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS f ON f.adrelid = c.oid AND f.adnum = a.attnum
WHERE c.relkind IN ('r', 'v', 'm', 'p')
"""
SEQUENCES = f"""
SELECT concat_ws(
  ' ', {_RELATION}, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
  s.seqcycle,
  {_rights("c.relacl", "s", "c.relowner")},
  (
    SELECT d.refobjid::regclass || '.' || a.attname || ' ' || d.deptype::text
    FROM pg_depend AS d JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.refobjsubid > 0
  )
)
FROM {_FROM_RELATIONS} JOIN pg_sequence AS s ON s.seqrelid = c.oid
"""
CONSTRAINTS = f"""
SELECT concat_ws(
  ' ', {_RELATION}, k.conname, pg_get_constraintdef(k.oid), CASE WHEN NOT k.convalidated THEN 'not validated' END,
  CASE WHEN k.condeferrable THEN 'deferrable' END, CASE WHEN k.condeferred THEN 'deferred' END
)
FROM {_FROM_RELATIONS} JOIN pg_constraint AS k ON k.conrelid = c.oid
"""
INDEXES = f"""
SELECT concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, i.indisreplident)
FROM {_FROM_RELATIONS} JOIN pg_index AS i ON i.indrelid = c.oid
"""
TRIGGERS = f"""
SELECT concat_ws(' ', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled)
FROM {_FROM_RELATIONS} JOIN pg_trigger AS t ON t.tgrelid = c.oid AND NOT t.tgisinternal
"""
VIEWS = f"SELECT {_RELATION} || ' ' || pg_get_viewdef(c.oid) FROM {_FROM_RELATIONS} WHERE c.relkind IN ('v', 'm')"
FUNCTIONS = f"""
SELECT regexp_replace(concat_ws(
  ' ', n.nspname, p.proname, pg_get_function_arguments(p.oid), 'RETURNS', pg_get_function_result(p.oid), l.lanname,
  p.provolatile, p.proparallel, CASE WHEN p.prosecdef THEN 'definer' END, CASE WHEN p.proisstrict THEN 'strict' END,
  CASE WHEN p.proleakproof THEN 'leakproof' END, 'cost', p.procost, 'rows', p.prorows,
  (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(p.proconfig) AS o),
  {_rights("p.proacl", "f", "p.proowner")}, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)
), '\\s+', ' ', 'g')
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace AND {_OURS} AND {_NOT_OF_AN_EXTENSION.replace("{oid}", "p.oid")}
JOIN pg_language AS l ON l.oid = p.prolang
"""
POLICIES = f"""
SELECT concat_ws(
  ' ', {_RELATION}, p.polname, p.polcmd, p.polpermissive,
  (SELECT string_agg(r.rolname, ',' ORDER BY r.rolname) FROM pg_roles AS r WHERE r.oid = ANY (p.polroles)),
  'USING', pg_get_expr(p.polqual, p.polrelid), 'CHECK', pg_get_expr(p.polwithcheck, p.polrelid),
  obj_description(p.oid, 'pg_policy')
)
FROM {_FROM_RELATIONS} JOIN pg_policy AS p ON p.polrelid = c.oid
"""
TYPES = f"""
SELECT concat_ws(' ', t.typtype, n.nspname, t.typname)
FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace AND {_OURS}
WHERE t.typtype IN ('e', 'd', 'r') AND {_NOT_OF_AN_EXTENSION.replace("{oid}", "t.oid")}
"""
COMMENTS = f"""
SELECT concat_ws(' ', {_RELATION}, x.objsubid, x.description)
FROM {_FROM_RELATIONS} JOIN pg_description AS x ON x.objoid = c.oid AND x.classoid = 'pg_class'::regclass
"""
RULES = f"""
SELECT concat_ws(' ', {_RELATION}, pg_get_ruledef(r.oid))
FROM {_FROM_RELATIONS} JOIN pg_rewrite AS r ON r.ev_class = c.oid AND r.rulename <> '_RETURN'
"""
DATABASE = f"""
SELECT {_rights("d.datacl", "d", "d.datdba")} FROM pg_database AS d WHERE d.datname = current_database()
UNION ALL
SELECT coalesce(s.setrole::regrole::text, '') || ' ' || x
FROM pg_db_role_setting AS s CROSS JOIN unnest(s.setconfig) AS x
WHERE s.setdatabase = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
UNION ALL
SELECT 'extension ' || e.extname || ' ' || e.extversion FROM pg_extension AS e
"""
# What TimescaleDB keeps of its own; jobs and settings of the columnstore are there under the community licence.
TIMESCALE = """
SELECT concat_ws(
  ' ', h.hypertable_name, h.num_dimensions, h.compression_enabled, d.column_name, d.column_type, d.time_interval,
  d.integer_interval
)
FROM timescaledb_information.hypertables AS h
JOIN timescaledb_information.dimensions AS d USING (hypertable_schema, hypertable_name)
WHERE h.hypertable_schema = current_schema()
UNION ALL
SELECT concat_ws(
  ' ', 'columnstore', s.hypertable_name, s.attname, s.segmentby_column_index, s.orderby_column_index, s.orderby_asc,
  s.orderby_nullsfirst
)
FROM timescaledb_information.compression_settings AS s
UNION ALL
SELECT concat_ws(
  ' ', 'job', j.proc_name, j.hypertable_name, j.schedule_interval, j.max_retries, j.retry_period, j.scheduled,
  j.fixed_schedule, j.config - 'hypertable_id' - 'mat_hypertable_id'
)
FROM timescaledb_information.jobs AS j WHERE j.job_id >= 1000
UNION ALL
SELECT concat_ws(' ', 'counted', a.view_name, a.materialized_only, a.compression_enabled, a.view_definition)
FROM timescaledb_information.continuous_aggregates AS a
"""
SELECT_TABLES = f"SELECT n.nspname, c.relname FROM {_FROM_RELATIONS} WHERE c.relkind = 'r' ORDER BY 1, 2"
SELECT_ROWS: LiteralString = "SELECT to_jsonb(t)::text FROM {} AS t"
KINDS = {
    "schemas": SCHEMAS,
    "relations": RELATIONS,
    "columns": COLUMNS,
    "sequences": SEQUENCES,
    "constraints": CONSTRAINTS,
    "indexes": INDEXES,
    "triggers": TRIGGERS,
    "views": VIEWS,
    "functions": FUNCTIONS,
    "policies": POLICIES,
    "types": TYPES,
    "comments": COMMENTS,
    "rules": RULES,
    "database": DATABASE,
}
RECORD = "schema_migration"


def catalogue(conn: Connection) -> dict[str, list[str]]:
    """Return all that the migrations and grants of a database made, with the rows in its tables, by kind and sorted."""
    found = {kind: _lines(conn, statement) for kind, statement in KINDS.items()}
    if any(line.startswith("extension timescaledb") for line in found["database"]):
        found["timescale"] = _lines(conn, TIMESCALE)
    found["rows"] = [
        f"{table} {row}"
        for schema, table in conn.execute(SELECT_TABLES).fetchall()
        if table != RECORD
        for (row,) in conn.execute(sql.SQL(SELECT_ROWS).format(sql.Identifier(schema, table))).fetchall()
    ]
    return {kind: sorted(lines) for kind, lines in found.items()}


def _lines(conn: Connection, statement: LiteralString) -> list[str]:
    return [line for (line,) in conn.execute(statement).fetchall()]
