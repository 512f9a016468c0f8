-- What supervisors and regulators read: figures of a month, per station and for the company. Counted by watch, and
-- anew for a report; rates are computed where they are read, from what stands here.

-- Months of a shard of homes (home_id / 4096) whose ledger was written since they were summed up. Rows are only added and
-- taken away: whoever writes ledgers at the same time does not wait here.
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

-- domain.kpi.ClockFigures. Station NULL: the company.
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

-- domain.kpi.CaseFigures.
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

-- domain.kpi.DeskFigures.
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
  -- Usage: the figures of a month
  CONSTRAINT kpi_desk_once UNIQUE NULLS NOT DISTINCT (month, station)
);

-- Usage: the clocks that ran out in a month
CREATE INDEX clock_due_in ON clock (due_at) WHERE due_at IS NOT NULL;
-- Usage: the tickets closed in a month
CREATE INDEX ticket_closed_in ON ticket (closed_at) WHERE closed_at IS NOT NULL;
-- Usage: the call-backs of a month
CREATE INDEX ticket_event_called_back ON ticket_event (at) WHERE kind = 'called_back';

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
  m.counted_at
FROM kpi_desk AS d
JOIN kpi_month AS m USING (month);
