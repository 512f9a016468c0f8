-- What meets days of readings that the table has lost to the archive (docs/decisions/0045).

-- As in 0009_access.sql, with the sensors of which the table has nothing, too: what they held may be in the archive.
DROP FUNCTION heard_beside(integer, timestamptz, double precision);

CREATE FUNCTION heard_beside(of_home integer, instant timestamptz, hold_intervals double precision)
RETURNS TABLE (
  sensor_id integer, sensor text, room text, room_kind text, offset_k real, since timestamptz, measured_at timestamptz,
  temperature real
)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT q.sensor_id, s.code, q.room, q.room_kind, q.offset_k, g.since, r.measured_at, r.temperature
  FROM point_judged AS q
  JOIN sensor AS s USING (sensor_id)
  CROSS JOIN LATERAL (
    SELECT greatest(
      instant - make_interval(secs => hold_intervals * q.interval_s) + interval '1 microsecond', q.valid_from
    ) AS since
  ) AS g
  LEFT JOIN LATERAL (
    SELECT x.measured_at, x.temperature FROM reading AS x
    WHERE x.sensor_id = q.sensor_id AND is_good(x.quality) AND x.measured_at <= instant AND x.measured_at >= g.since
    ORDER BY x.measured_at DESC LIMIT 1
  ) AS r ON true
  WHERE q.home_id = of_home AND q.room_kind <> 'out'
    AND coalesce(q.valid_from <= instant, true) AND coalesce(q.valid_to > instant, true)
    AND (
      (pg_has_role(session_user, 'hearth_watch', 'MEMBER') AND current_setting('role') <> 'hearth_api') OR reach_everywhere()
      OR of_home = ANY (reach_homes()) OR EXISTS (
        SELECT FROM home AS h JOIN building_place AS b USING (building_id)
        WHERE h.home_id = of_home AND b.station = reach_station()
      )
    )
$$;

-- Days that were put back stay for a while, however old they are: until then nothing from held_from on is deleted.
ALTER TABLE readings_kept
  ADD COLUMN held_from timestamptz,
  ADD COLUMN held_until timestamptz,
  -- Usage: a span that is kept has an end (store/readings/retention.py)
  ADD CONSTRAINT readings_kept_held CHECK ((held_from IS NULL) = (held_until IS NULL));

-- For dashboards, which read the table alone: from when on it has all, and whether the archive has what is older.
CREATE VIEW readings_in_table AS
SELECT k.since, EXISTS (SELECT FROM archive_entry) AS archived FROM readings_kept AS k;
