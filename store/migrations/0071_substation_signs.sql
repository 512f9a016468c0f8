-- Whether a substation leaves its usual behaviour: what its last hours were beside what it usually has in such weather.
CREATE TABLE substation_sign (
  substation_id integer NOT NULL REFERENCES substation,
  quantity text NOT NULL CHECK (quantity IN ('supply', 'return', 'spread', 'flow')), -- insight.substation.QUANTITIES
  looked_at timestamptz NOT NULL,
  hours smallint NOT NULL, -- of its past with a value
  usual double precision, -- °C, K or m³/h, for the weather of the last hours; NULL: no sign
  value double precision,
  deviations double precision,
  since timestamptz, -- a sign, in one direction, at each look since
  PRIMARY KEY (substation_id, quantity),
  CONSTRAINT substation_sign_whole CHECK (num_nulls(usual, value, deviations, since) IN (0, 4))
);

-- Those that are signs.
CREATE VIEW substation_sign_now AS
SELECT
  u.code AS substation, u.name, u.station, s.quantity, s.usual, s.value, s.deviations, s.since, s.looked_at
FROM substation_sign AS s
JOIN substation AS u USING (substation_id)
WHERE s.since IS NOT NULL;
