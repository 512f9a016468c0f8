"""The lines of store/grants.sql, and the relations that they have to name."""

import re
from importlib.resources import files

GRANTS = (files("store") / "grants.sql").read_text(encoding="utf-8")
MATRIX = GRANTS.partition("INSERT INTO granted VALUES")[2].partition(";")[0]
LINES = dict(re.findall(r"^  \('([\w.]+)', +'(\w*)'", MATRIX, re.MULTILINE))
# What the office may do, where it may do anything.
OFFICE = dict(re.findall(r"\('([\w.]+)', '(\w+)'\)", GRANTS.partition("UPDATE granted AS g")[2].partition(") AS o")[0]))
RELATIONS = """
SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'person', 'credential') AND c.relkind IN ('r', 'v', 'm', 'p')
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
"""
# Relations of the Community edition alone; no process may touch them.
OF_COMMUNITY = {"reading_hour_counted"}
