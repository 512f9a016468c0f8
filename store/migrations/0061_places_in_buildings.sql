-- Where a home lies in its building, and the cells of a month's rates: by building, floor and exposure.

ALTER TABLE home
  ADD COLUMN riser text,
  ADD COLUMN floor smallint CHECK (floor BETWEEN -5 AND 200 AND floor <> 0), -- 1: the ground floor
  ADD COLUMN exposure text CHECK (exposure IN ('inner', 'gable', 'roof', 'roof_gable', 'ground', 'ground_gable')); -- domain.registry.EXPOSURES

-- Sums of a shard's homes over a month, beside kpi_heat: insight/strata.py tells from them what the rates prove.
CREATE TABLE kpi_cell (
  shard integer NOT NULL,
  month date NOT NULL,
  station text NOT NULL,
  building_id integer NOT NULL,
  floor smallint, -- the lowest of its group; NULL: not in the registry
  exposure text,
  homes integer NOT NULL, -- with time to be judged
  measured integer NOT NULL, -- known at some time of it
  warm integer NOT NULL, -- known and never in breach
  share double precision NOT NULL, -- sum over the measured homes of the share of known time that complied
  squares double precision NOT NULL, -- and of its square
  -- Usage: the sums of a shard are replaced
  CONSTRAINT kpi_cell_once UNIQUE NULLS NOT DISTINCT (shard, month, station, building_id, floor, exposure)
);

-- Usage: the rates of a month
CREATE INDEX kpi_cell_month_rows ON kpi_cell (month, station);

-- What the rates of a month prove: domain.kpi.RateProof. Station NULL: the company.
CREATE TABLE kpi_proof (
  month date NOT NULL REFERENCES kpi_month,
  station text,
  homes integer NOT NULL,
  measured integer NOT NULL,
  warm integer NOT NULL,
  proven double precision NOT NULL, -- the share of all homes that is warm at least, by the exact bound, at 95 %
  by_homes double precision NOT NULL,
  by_homes_low double precision NOT NULL,
  by_homes_high double precision NOT NULL,
  by_time double precision NOT NULL,
  by_time_low double precision NOT NULL,
  by_time_high double precision NOT NULL,
  -- Usage: the figures of a month
  CONSTRAINT kpi_proof_once UNIQUE NULLS NOT DISTINCT (month, station)
);

-- Whether its heat was summed up again since its proofs were made.
ALTER TABLE kpi_month ADD COLUMN proof_stale boolean NOT NULL DEFAULT true;

CREATE VIEW kpi_proof_month AS
SELECT
  p.month, p.station, p.homes, p.measured, p.warm, p.proven, p.by_homes, p.by_homes_low, p.by_homes_high, p.by_time,
  p.by_time_low, p.by_time_high
FROM kpi_proof AS p;

-- Months that were summed up before there were cells are summed up once more.
INSERT INTO kpi_stale (shard, month) SELECT DISTINCT k.shard, k.month FROM kpi_heat AS k;
