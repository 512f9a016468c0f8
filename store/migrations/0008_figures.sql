-- What dashboards and reports read: how homes, buildings, flags and tickets stand now, and the figures of a month. Names
-- and columns of views are a contract. Views of a single concept stand beside its tables.

CREATE VIEW home_now AS
SELECT
  h.home_id, h.code, h.unit, h.class, b.building_id, b.building, b.substation_id,
  b.substation, b.station,
  coalesce(s.status, 'stopped') AS heat_status,
  n.celsius AS temperature, n.judged_at AS measured_at,
  state_name(st.state) AS state, st.state_since, st.flag_id
FROM home AS h
JOIN building_place AS b USING (building_id)
JOIN home_state AS st USING (home_id)
LEFT JOIN LATERAL (
  SELECT x.status FROM home_status AS x
  WHERE x.home_id = h.home_id AND x.since <= now()
  ORDER BY x.since DESC LIMIT 1
) AS s ON true
LEFT JOIN LATERAL (
  SELECT x.celsius, x.judged_at FROM sensor_now AS x
  WHERE x.home_id = h.home_id AND x.expires_at > now()
  ORDER BY x.celsius LIMIT 1
) AS n ON true;

-- How the homes of a building stand, counted by watch every few seconds: a city's map is not counted at every look.
CREATE TABLE building_summary (
  building_id integer PRIMARY KEY REFERENCES building,
  homes bigint NOT NULL,
  compliant bigint NOT NULL,
  cold bigint NOT NULL,
  severe bigint NOT NULL,
  unknown bigint NOT NULL,
  not_judged bigint NOT NULL,
  coldest real, -- °C; NULL: nothing known
  mean double precision,
  flags bigint NOT NULL,
  day date, -- local, the newest of the ledger; NULL: none yet
  compliant_us bigint, -- on that day, of all homes
  cold_us bigint,
  severe_us bigint,
  unknown_us bigint,
  not_judged_us bigint
) WITH (fillfactor = 50);

-- One row. When all of it was counted.
CREATE TABLE building_round (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  counted_at timestamptz -- NULL: never
);

INSERT INTO building_round DEFAULT VALUES;

-- The same, counted here and now. A function, because the planner then does not reckon with the work of counting a whole
-- city (and compile for it) where nothing needs to be counted.
CREATE FUNCTION building_live(
  of_building integer, OUT homes bigint, OUT compliant bigint, OUT cold bigint, OUT severe bigint, OUT unknown bigint,
  OUT not_judged bigint, OUT coldest real, OUT mean double precision, OUT flags bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10 AS $$
BEGIN
  SELECT
    count(*), count(*) FILTER (WHERE h.state = 'compliant'), count(*) FILTER (WHERE h.state = 'cold'),
    count(*) FILTER (WHERE h.state = 'severe'), count(*) FILTER (WHERE h.state = 'unknown'),
    count(*) FILTER (WHERE h.state = 'not_judged'), min(h.temperature), avg(h.temperature), count(h.flag_id)
  INTO homes, compliant, cold, severe, unknown, not_judged, coldest, mean, flags
  FROM home_now AS h
  WHERE h.building_id = of_building;
END
$$;

-- A count older than a minute is not believed: then the homes are counted when asked for, which takes long for a city.
CREATE VIEW building_now AS
SELECT
  b.building_id, b.building AS code, b.building_name AS name, b.address, b.lat, b.lon, b.substation, b.station,
  coalesce(s.homes, 0) AS homes, coalesce(s.compliant, 0) AS compliant, coalesce(s.cold, 0) AS cold,
  coalesce(s.severe, 0) AS severe, coalesce(s.unknown, 0) AS unknown, coalesce(s.not_judged, 0) AS not_judged,
  s.coldest, s.mean, coalesce(s.flags, 0) AS flags,
  s.day, s.compliant_us / 1e6 AS compliant_s, s.cold_us / 1e6 AS cold_s, s.severe_us / 1e6 AS severe_s,
  s.unknown_us / 1e6 AS unknown_s, s.not_judged_us / 1e6 AS not_judged_s,
  (SELECT counted_at FROM building_round) AS counted_at
FROM building_place AS b
LEFT JOIN building_summary AS s USING (building_id)
WHERE (SELECT counted_at > now() - interval '1 minute' FROM building_round) IS TRUE
UNION ALL
SELECT
  b.building_id, b.building, b.building_name, b.address, b.lat, b.lon, b.substation, b.station,
  n.homes, n.compliant, n.cold, n.severe, n.unknown, n.not_judged, n.coldest, n.mean, n.flags,
  NULL, NULL, NULL, NULL, NULL, NULL, now()
FROM building_place AS b
CROSS JOIN LATERAL building_live(b.building_id) AS n
WHERE (SELECT counted_at > now() - interval '1 minute' FROM building_round) IS NOT TRUE;

CREATE VIEW flag_open AS
SELECT
  f.flag_id, h.code AS home, b.building, b.substation, b.station,
  severity_name(f.severity) AS severity,
  CASE WHEN f.suspended_at IS NULL THEN 'open' ELSE 'suspended' END AS state,
  f.cold_since, f.raised_at, f.lowest, f.limit_celsius AS "limit", f.policy, t.number AS ticket
FROM flag AS f
JOIN home AS h USING (home_id)
JOIN building_place AS b USING (building_id)
JOIN ticket AS t USING (ticket_id)
WHERE f.cleared_at IS NULL;

-- All flags and tickets there ever were, beside flag_open and ticket_open.
CREATE VIEW flag_all AS
SELECT
  f.flag_id, h.code AS home, b.building, b.substation, b.station,
  severity_name(f.severity) AS severity,
  f.cold_since, f.raised_at, f.severe_at, f.suspended_at, f.cleared_at, f.clear_reason, f.lowest,
  f.limit_celsius AS "limit", f.policy, t.number AS ticket
FROM flag AS f
JOIN home AS h USING (home_id)
JOIN building_place AS b USING (building_id)
JOIN ticket AS t USING (ticket_id);

CREATE VIEW ticket_open AS
SELECT
  t.ticket_id, t.number, t.class, t.state, t.priority, t.opened_at, h.code AS home, b.code AS building,
  u.code AS substation, t.station,
  t.source, t.responsible, t.appointment_at, t.round, t.done_at, c.due_at AS next_due_at,
  coalesce(c.late, 0) AS late_clocks
FROM ticket AS t
LEFT JOIN home AS h USING (home_id)
LEFT JOIN building AS b ON b.building_id = coalesce(h.building_id, t.building_id)
LEFT JOIN substation AS u ON u.substation_id = coalesce(b.substation_id, t.substation_id)
LEFT JOIN LATERAL (
  SELECT min(x.due_at) FILTER (WHERE x.due_at > now()) AS due_at, count(*) FILTER (WHERE x.due_at <= now()) AS late
  FROM clock AS x
  WHERE x.ticket_id = t.ticket_id AND x.met_at IS NULL AND x.void_at IS NULL
) AS c ON true
WHERE t.state <> 'closed';

CREATE VIEW ticket_all AS
SELECT
  t.ticket_id, t.number, t.class, t.state, t.priority, t.opened_at, t.closed_at, t.retrospective,
  h.code AS home, b.code AS building, u.code AS substation, t.station, t.ending
FROM ticket AS t
LEFT JOIN home AS h USING (home_id)
LEFT JOIN building AS b ON b.building_id = coalesce(h.building_id, t.building_id)
LEFT JOIN substation AS u ON u.substation_id = coalesce(b.substation_id, t.substation_id);

CREATE VIEW ticket_clock AS
SELECT
  t.ticket_id, t.number, t.class, h.code AS home, t.station, c.name, c.due_at, c.met_at, c.breached_at,
  c.round, c.started_at, c.warn_at, c.warned_at, c.void_at, t.state, t.priority, b.code AS building,
  u.code AS substation
FROM clock AS c
JOIN ticket AS t USING (ticket_id)
LEFT JOIN home AS h USING (home_id)
LEFT JOIN building AS b ON b.building_id = coalesce(h.building_id, t.building_id)
LEFT JOIN substation AS u ON u.substation_id = coalesce(b.substation_id, t.substation_id);

-- Marked done, still cold: or at least not yet proven warm.
CREATE VIEW ticket_verifying AS
SELECT
  t.ticket_id, t.number, t.priority, t.home, t.building, t.substation, t.station, t.responsible, t.done_at,
  n.temperature, n.measured_at, n.state AS home_state, n.flag_id IS NOT NULL AS flagged
FROM ticket_open AS t
LEFT JOIN home_now AS n ON n.code = t.home
WHERE t.state = 'verifying';

-- What supervisors and regulators read: figures of a month, per station and for the company. Counted by watch, and again
-- for a report; rates are computed where they are read, from what stands here.

-- Months of a shard of homes (home_id / 4096) whose ledger was written since they were summed up. Rows are only added and
-- taken away: writers of ledgers at the same time do not wait here.
CREATE TABLE kpi_stale (
  shard integer NOT NULL,
  month date NOT NULL -- its first day
);

-- How warm the homes of a shard were in a month, by the station that answers for them now.
CREATE TABLE kpi_heat (
  shard integer NOT NULL,
  month date NOT NULL,
  station text NOT NULL,
  homes bigint NOT NULL,
  judged_homes bigint NOT NULL, -- known at some time
  qualified_homes bigint NOT NULL, -- judged, and never in breach
  compliant_us numeric NOT NULL,
  cold_us numeric NOT NULL,
  severe_us numeric NOT NULL,
  unknown_us numeric NOT NULL,
  not_judged_us numeric NOT NULL,
  shortfall_us numeric NOT NULL,
  deficit numeric NOT NULL, -- mK·µs under the limit
  PRIMARY KEY (shard, month, station)
);

-- Usage: the figures of a month
CREATE INDEX kpi_heat_month_rows ON kpi_heat (month);

-- Months whose desk was counted, and when.
CREATE TABLE kpi_month (
  month date PRIMARY KEY,
  counted_at timestamptz NOT NULL
);

-- domain.kpi.ClockKpi. Station NULL: the company.
CREATE TABLE kpi_clock (
  month date NOT NULL REFERENCES kpi_month,
  station text,
  class text NOT NULL,
  name text NOT NULL,
  due bigint NOT NULL,
  in_time bigint NOT NULL,
  late bigint NOT NULL,
  unmet bigint NOT NULL,
  mean_s double precision,
  median_s double precision,
  -- Usage: the figures of a month
  CONSTRAINT kpi_clock_once UNIQUE NULLS NOT DISTINCT (month, station, class, name)
);

-- domain.kpi.CaseKpi.
CREATE TABLE kpi_case (
  month date NOT NULL REFERENCES kpi_month,
  station text,
  class text NOT NULL,
  received bigint NOT NULL,
  closed bigint NOT NULL,
  closed_in_time bigint NOT NULL,
  answered_in_time bigint NOT NULL,
  answered_late bigint NOT NULL,
  overdue bigint NOT NULL,
  waiting bigint NOT NULL,
  -- Usage: the figures of a month
  CONSTRAINT kpi_case_once UNIQUE NULLS NOT DISTINCT (month, station, class)
);

-- domain.kpi.DeskKpi.
CREATE TABLE kpi_desk (
  month date NOT NULL REFERENCES kpi_month,
  station text,
  tickets bigint NOT NULL,
  retrospective bigint NOT NULL,
  closed bigint NOT NULL,
  called_back bigint NOT NULL,
  asked bigint NOT NULL,
  satisfied bigint NOT NULL,
  flags bigint NOT NULL,
  recovered bigint NOT NULL,
  warm_mean_s double precision,
  warm_median_s double precision,
  -- Tickets of the month that ended without work: what leaves the figures is seen beside them.
  merged bigint NOT NULL DEFAULT 0,
  void bigint NOT NULL DEFAULT 0,
  -- Usage: the figures of a month
  CONSTRAINT kpi_desk_once UNIQUE NULLS NOT DISTINCT (month, station)
);

-- Station NULL: the company.
CREATE VIEW kpi_heat_month AS
SELECT
  k.month, k.station, sum(k.homes)::bigint AS homes, sum(k.judged_homes)::bigint AS judged_homes,
  sum(k.qualified_homes)::bigint AS qualified_homes, sum(k.compliant_us) / 1e6 AS compliant_s,
  sum(k.cold_us) / 1e6 AS cold_s, sum(k.severe_us) / 1e6 AS severe_s, sum(k.unknown_us) / 1e6 AS unknown_s,
  sum(k.not_judged_us) / 1e6 AS not_judged_s, sum(k.shortfall_us) / 1e6 AS shortfall_s,
  sum(k.deficit) / 3.6e12 AS kelvin_hours,
  sum(k.compliant_us) / nullif(sum(k.compliant_us + k.cold_us + k.severe_us), 0) AS rate_by_time,
  sum(k.qualified_homes) / nullif(sum(k.judged_homes), 0) AS rate_by_homes,
  sum(k.compliant_us + k.cold_us + k.severe_us)
  / nullif(sum(k.compliant_us + k.cold_us + k.severe_us + k.unknown_us), 0) AS coverage
FROM kpi_heat AS k
GROUP BY GROUPING SETS ((k.month, k.station), (k.month));

CREATE VIEW kpi_clock_month AS
SELECT
  c.month, c.station, c.class, c.name, c.due, c.in_time, c.late, c.unmet, c.in_time::numeric / nullif(c.due, 0) AS rate,
  c.mean_s, c.median_s, m.counted_at
FROM kpi_clock AS c
JOIN kpi_month AS m USING (month);

CREATE VIEW kpi_case_month AS
SELECT
  c.month, c.station, c.class, c.received, c.closed, c.closed_in_time, c.answered_in_time, c.answered_late,
  c.overdue, c.waiting, c.closed::numeric / nullif(c.received, 0) AS closure,
  c.closed_in_time::numeric / nullif(c.received, 0) AS closure_in_time,
  c.answered_in_time::numeric / nullif(c.answered_in_time + c.answered_late + c.overdue, 0) AS answered, m.counted_at
FROM kpi_case AS c
JOIN kpi_month AS m USING (month);

CREATE VIEW kpi_desk_month AS
SELECT
  d.month, d.station, d.tickets, d.retrospective, d.closed, d.called_back, d.asked, d.satisfied,
  d.satisfied::numeric / nullif(d.asked, 0) AS satisfaction, d.flags, d.recovered, d.warm_mean_s, d.warm_median_s,
  m.counted_at, d.merged, d.void
FROM kpi_desk AS d
JOIN kpi_month AS m USING (month);
