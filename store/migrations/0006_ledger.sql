-- The ledger: how long each home was in which state on each local day.

CREATE TABLE ledger (
  home_id integer NOT NULL REFERENCES home,
  day date NOT NULL, -- local
  compliant_us bigint NOT NULL,
  cold_us bigint NOT NULL,
  severe_us bigint NOT NULL,
  unknown_us bigint NOT NULL,
  not_judged_us bigint NOT NULL,
  shortfall_us bigint NOT NULL, -- part of compliant: under the day limit while its window is closed
  heat bigint NOT NULL, -- temperature times judged and known time, m°C·µs
  deficit bigint NOT NULL, -- kelvin under the limit times time in breach, mK·µs
  lowest real, -- °C; NULL: nothing known
  policy text NOT NULL, -- name@valid_from of the version that judged
  closed boolean NOT NULL, -- the day is over and all of it is counted
  machine bytea, -- where the flag machine stood at the end of a closed day; NULL: idle
  PRIMARY KEY (home_id, day)
);

-- Usage: figures of a day or month over all homes
CREATE INDEX ledger_by_day ON ledger (day);

-- Days before `open_from` are closed for the homes of a shard (home_id / 4096).
CREATE TABLE ledger_shard (
  shard integer PRIMARY KEY,
  open_from date NOT NULL,
  counted_to timestamptz NOT NULL
);

CREATE VIEW ledger_day AS
SELECT
  l.home_id, h.code AS home, b.code AS building, u.code AS substation, u.station, l.day,
  l.compliant_us / 1e6 AS compliant_s, l.cold_us / 1e6 AS cold_s, l.severe_us / 1e6 AS severe_s,
  l.unknown_us / 1e6 AS unknown_s, l.not_judged_us / 1e6 AS not_judged_s, l.shortfall_us / 1e6 AS shortfall_s,
  l.lowest AS min,
  CASE WHEN l.compliant_us + l.cold_us + l.severe_us > 0
    THEN l.heat / 1e3 / (l.compliant_us + l.cold_us + l.severe_us) END AS mean,
  l.deficit / 3.6e12 AS kelvin_hours, l.policy, l.closed
FROM ledger AS l
JOIN home AS h USING (home_id)
JOIN building AS b USING (building_id)
JOIN substation AS u USING (substation_id);

-- Usage: a home's flags, newest first; what re-judging compares
CREATE INDEX flag_home ON flag (home_id, flag_id);
