-- What networks are foreseen to become: what was seen at each quarter of an hour, what was told then, and how it came out.
-- A network is what a substation feeds. Numbers of homes are packed, little-endian, in the order of `homes`.

-- What was seen of a network at a quarter of an hour. A quarter without a row was missed; nothing is made up for it.
CREATE TABLE foresight_seen (
  substation_id integer NOT NULL REFERENCES substation,
  at timestamptz NOT NULL,
  homes bytea NOT NULL, -- int32, rising
  celsius bytea NOT NULL, -- int16, hundredths of °C of the coldest judged room
  outdoor real, -- °C; NULL: not known
  supply real, -- °C
  flow real, -- m³/h
  -- Usage: the last days of a network
  PRIMARY KEY (substation_id, at),
  CONSTRAINT foresight_seen_packed CHECK (2 * length(celsius) = length(homes))
);

-- Usage: what is too old is forgotten
CREATE INDEX foresight_seen_at ON foresight_seen (at);

-- What was foretold then of the same homes; it goes when its day is over and it has been scored.
CREATE TABLE foresight_told (
  substation_id integer NOT NULL,
  at timestamptz NOT NULL,
  change bytea NOT NULL, -- int16 [home, lead], hundredths of a kelvin
  scale bytea NOT NULL, -- int16 [home], hundredths of a kelvin
  ends double precision[] NOT NULL, -- [lead, 2], of a 90 % interval, in scales
  chance bytea NOT NULL, -- uint8 [home, horizon], per cent; 255: no limit, or not known
  ahead double precision[] NOT NULL, -- [lead] °C outside by a weather forecast; NULL in it: there was none
  scored boolean NOT NULL DEFAULT false,
  PRIMARY KEY (substation_id, at),
  CONSTRAINT foresight_told_of_seen FOREIGN KEY (substation_id, at)
    REFERENCES foresight_seen (substation_id, at) ON DELETE CASCADE
);

-- How forecasts of a local day came out, as sums: of being under a limit within a horizon, …
CREATE TABLE foresight_chance (
  substation_id integer NOT NULL REFERENCES substation,
  day date NOT NULL,
  horizon_h smallint NOT NULL,
  pairs bigint NOT NULL,
  events bigint NOT NULL CHECK (events <= pairs),
  brier double precision NOT NULL,
  brier_persistence double precision NOT NULL,
  hits bigint NOT NULL CHECK (hits <= events),
  false_warnings bigint NOT NULL,
  bins double precision[] NOT NULL, -- [tenth of the probability, 3]: pairs, events, sum of probabilities
  PRIMARY KEY (substation_id, day, horizon_h)
);

-- … and of temperatures.
CREATE TABLE foresight_error (
  substation_id integer NOT NULL REFERENCES substation,
  day date NOT NULL,
  lead_h smallint NOT NULL,
  pairs bigint NOT NULL,
  error double precision NOT NULL, -- sum of kelvin, absolute
  error_persistence double precision NOT NULL,
  covered bigint NOT NULL CHECK (covered <= pairs), -- within the 90 % interval
  PRIMARY KEY (substation_id, day, lead_h)
);

-- Whether forecasts of a network are shown, and since when: only while they are better than persistence.
CREATE TABLE foresight_network (
  substation_id integer PRIMARY KEY REFERENCES substation,
  shown boolean NOT NULL,
  since timestamptz NOT NULL,
  warned_for date -- the last morning that warnings were made for
);

-- What was learned: one row, pooled over all networks.
CREATE TABLE foresight_model (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  at timestamptz NOT NULL,
  learned bytea NOT NULL -- float64, as insight/model.py lays it out
);

-- Homes that are likely to be under their limit until a morning, as told in the evening before.
CREATE TABLE foresight_warning (
  day date NOT NULL, -- the morning's
  home_id integer NOT NULL REFERENCES home,
  at timestamptz NOT NULL, -- of the forecast
  until timestamptz NOT NULL,
  celsius real NOT NULL, -- then
  lowest real NOT NULL, -- °C, to be expected
  limit_celsius real NOT NULL,
  chance real NOT NULL CHECK (chance BETWEEN 0 AND 1),
  reason text NOT NULL CHECK (reason IN ('falling', 'neighbours', 'outdoor', 'supply', 'rhythm', 'near')), -- domain.foresight.ChillReason
  told_at timestamptz, -- its station was sent the list
  -- Usage: a home is warned of once for a morning
  PRIMARY KEY (day, home_id)
);

-- Usage: lists that wait to be sent
CREATE INDEX foresight_warning_untold ON foresight_warning (day) WHERE told_at IS NULL;

-- What became of warnings: who was visited, and who was cold. Helped: measured on site between
-- the warning and the day after the morning.
CREATE VIEW foresight_warned AS
SELECT
  w.day, w.home_id, h.code AS home, h.unit, b.building, b.building_name, b.substation, b.station, w.at, w.until,
  w.celsius, w.lowest, w.limit_celsius AS "limit", w.chance, w.reason, w.told_at,
  m.measured_at AS visited_at, f.cold_since
FROM foresight_warning AS w
JOIN home AS h USING (home_id)
JOIN building_place AS b USING (building_id)
LEFT JOIN LATERAL (
  SELECT min(x.measured_at) AS measured_at FROM measurement AS x
  WHERE x.home_id = w.home_id AND x.measured_at >= w.at AND x.measured_at < w.until + interval '1 day'
    AND x.signature IS NOT NULL
    AND NOT EXISTS (SELECT FROM measurement AS c WHERE c.corrects = x.measurement_id AND c.signature IS NOT NULL)
) AS m ON true
LEFT JOIN LATERAL (
  SELECT min(x.cold_since) AS cold_since FROM flag AS x
  WHERE x.home_id = w.home_id AND x.cold_since >= w.at AND x.cold_since < w.until + interval '1 day'
) AS f ON true;

-- The score of each network and day, and whether its forecasts are shown.
CREATE VIEW foresight_score_day AS
SELECT
  c.day, b.code AS substation, b.station, c.horizon_h, c.pairs, c.events, c.brier, c.brier_persistence, c.hits,
  c.false_warnings, c.bins, coalesce(n.shown, false) AS shown
FROM foresight_chance AS c
JOIN substation AS b USING (substation_id)
LEFT JOIN foresight_network AS n USING (substation_id);

CREATE VIEW foresight_error_day AS
SELECT
  e.day, b.code AS substation, b.station, e.lead_h, e.pairs, e.error, e.error_persistence, e.covered
FROM foresight_error AS e
JOIN substation AS b USING (substation_id);
