-- A measurement on site beside what the sensors of the home say at that moment.

ALTER TABLE measurement
  ADD COLUMN beside integer REFERENCES sensor, -- the living sensor of that room that it was held against
  ADD COLUMN beside_celsius real, -- what that said then, as judged
  ADD COLUMN disagrees boolean NOT NULL DEFAULT false; -- further apart than the policy allows

CREATE OR REPLACE VIEW measurement_valid WITH (security_invoker = true) AS
SELECT m.*
FROM measurement AS m
WHERE m.signature IS NOT NULL
  AND NOT EXISTS (SELECT FROM measurement AS c WHERE c.corrects = m.measurement_id AND c.signature IS NOT NULL);

-- What people have measured against a sensor is a job of its own, beside the one for what the sensor's own values show.
DROP INDEX device_job_one_open;
-- Usage: a sensor has one open job at most of those that watch opens; watch reads the open ones
CREATE UNIQUE INDEX device_job_one_open ON device_job (sensor_id) WHERE closed_at IS NULL AND reason <> 'disagrees';
-- Usage: and one at most that measurements open
CREATE UNIQUE INDEX device_job_one_disagrees ON device_job (sensor_id) WHERE closed_at IS NULL AND reason = 'disagrees';

-- Two people have measured otherwise than a sensor says: it is not judged in that home while its job is open.
CREATE TABLE sensor_overruled (
  device_job_id bigint PRIMARY KEY REFERENCES device_job,
  sensor_id integer NOT NULL REFERENCES sensor,
  home_id integer NOT NULL REFERENCES home,
  from_at timestamptz NOT NULL,
  until_at timestamptz, -- NULL: the job is open; from_at: one of the two was corrected, it never was
  first_id bigint NOT NULL REFERENCES measurement,
  second_id bigint NOT NULL REFERENCES measurement,
  CONSTRAINT sensor_overruled_span CHECK (from_at <= until_at),
  CONSTRAINT sensor_overruled_by_two CHECK (first_id <> second_id)
);

-- Usage: judging asks when a sensor was overruled
CREATE INDEX sensor_overruled_sensor ON sensor_overruled (sensor_id);

-- Cold spells of the sensors that a measurement put an end to.
CREATE TABLE cold_ended (
  measurement_id bigint PRIMARY KEY REFERENCES measurement,
  home_id integer NOT NULL REFERENCES home,
  at timestamptz NOT NULL,
  reason text NOT NULL CHECK (reason IN ('measured', 'sensor_out')), -- domain.states.Ended
  void_at timestamptz -- the measurement was corrected
);

-- Usage: judging asks for those of homes
CREATE INDEX cold_ended_home ON cold_ended (home_id);

ALTER TABLE flag DROP CONSTRAINT flag_clear_reason;
ALTER TABLE flag ADD CONSTRAINT flag_clear_reason CHECK (
  clear_reason IN (
    'recovered', 'out_of_season', 'heat_stopped', 'no_policy', 'withdrawn', 'taken_over', 'measured', 'sensor_out'
  )
);

-- Records stay; what may change in them is when they ended.
CREATE TRIGGER sensor_overruled_stays BEFORE DELETE OR TRUNCATE ON sensor_overruled
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER cold_ended_stays BEFORE DELETE OR TRUNCATE ON cold_ended
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE sensor_overruled ENABLE ALWAYS TRIGGER sensor_overruled_stays;
ALTER TABLE cold_ended ENABLE ALWAYS TRIGGER cold_ended_stays;

-- Whoever judges looks the registry up anew.
CREATE FUNCTION raise_registry_version() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  UPDATE registry_version SET version = version + 1;
  RETURN NULL;
END
$$;

CREATE TRIGGER sensor_overruled_known AFTER INSERT OR UPDATE ON sensor_overruled
  FOR EACH STATEMENT EXECUTE FUNCTION raise_registry_version();
CREATE TRIGGER cold_ended_known AFTER INSERT OR UPDATE ON cold_ended
  FOR EACH STATEMENT EXECUTE FUNCTION raise_registry_version();

-- Where sensors stand, as judging has it: while one is overruled it is in no room.
CREATE VIEW point_judged WITH (security_invoker = true) AS
SELECT
  p.point_id, p.sensor_id, p.home_id, p.substation_id, p.gateway, p.room, p.room_kind, p.interval_s, p.offset_k,
  lower(x.span) AS valid_from, upper(x.span) AS valid_to
FROM point AS p
CROSS JOIN LATERAL (
  SELECT tstzmultirange(tstzrange(p.valid_from, p.valid_to)) - coalesce(range_agg(tstzrange(o.from_at, o.until_at)), '{}')
    AS spans
  FROM sensor_overruled AS o WHERE o.sensor_id = p.sensor_id AND o.home_id = p.home_id
) AS s
CROSS JOIN LATERAL unnest(s.spans) AS x (span)
UNION ALL
SELECT
  p.point_id, p.sensor_id, p.home_id, p.substation_id, p.gateway, NULL, 'out', p.interval_s, p.offset_k,
  greatest(p.valid_from, o.from_at), least(p.valid_to, o.until_at)
FROM point AS p
JOIN sensor_overruled AS o ON o.sensor_id = p.sensor_id AND o.home_id = p.home_id
  AND tstzrange(p.valid_from, p.valid_to) && tstzrange(o.from_at, o.until_at);

-- What the living sensors of a home said at an instant; of the homes that the caller reaches.
CREATE FUNCTION heard_beside(of_home integer, instant timestamptz, hold_intervals double precision)
RETURNS TABLE (sensor_id integer, sensor text, room text, room_kind text, celsius real)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT q.sensor_id, s.code, q.room, q.room_kind, r.temperature + q.offset_k
  FROM point_judged AS q
  JOIN sensor AS s USING (sensor_id)
  CROSS JOIN LATERAL (
    SELECT x.temperature FROM reading AS x
    WHERE x.sensor_id = q.sensor_id AND x.quality = 0 AND x.measured_at <= instant
      AND x.measured_at > instant - make_interval(secs => hold_intervals * q.interval_s)
      AND coalesce(x.measured_at >= q.valid_from, true)
    ORDER BY x.measured_at DESC LIMIT 1
  ) AS r
  WHERE q.home_id = of_home AND q.room_kind <> 'out'
    AND coalesce(q.valid_from <= instant, true) AND coalesce(q.valid_to > instant, true)
    AND (
      (pg_has_role(session_user, 'hearth_watch', 'MEMBER') AND current_setting('role') <> 'hearth_api') OR reach_everywhere()
      OR of_home = ANY (reach_homes()) OR EXISTS (
        SELECT FROM home AS h JOIN building AS b USING (building_id) JOIN substation AS u USING (substation_id)
        WHERE h.home_id = of_home AND u.station = reach_station()
      )
    )
$$;

DO $$
DECLARE
  signature text;
BEGIN
  FOREACH signature IN ARRAY ARRAY[
    'raise_registry_version()', 'heard_beside(integer, timestamptz, double precision)'
  ] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', signature, current_schema());
  END LOOP;
END
$$;
