-- The rota: who is on call at each heat station when, and the tickets that call people out.

-- A station that keeps a rota. One without a row is told of new tickets as a whole, as ever.
CREATE TABLE rota (
  station text PRIMARY KEY,
  lead_id integer REFERENCES staff, -- the station's lead; NULL: it has none
  since timestamptz NOT NULL
);

-- Somebody is on call at a station, from an instant until before another. Several may be at once. What was planned
-- stays on record.
CREATE TABLE shift (
  shift_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  station text NOT NULL,
  staff_id integer NOT NULL REFERENCES staff,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  version integer NOT NULL DEFAULT 0, -- rises with each change, for calendars that have it
  changed_at timestamptz NOT NULL,
  cancelled_at timestamptz,
  CONSTRAINT shift_cancelled CHECK (cancelled_at <= starts_at), -- one that has begun ends
  -- Usage: plans are made of shifts that a person can stand; eight days leave room for a week whose clocks change
  CONSTRAINT shift_span CHECK (ends_at > starts_at AND ends_at <= starts_at + interval '192 hours'),
  -- Usage: no instant that people give is beyond what every clock and calendar can show
  CONSTRAINT shift_bounded CHECK (starts_at >= '1970-01-01T00:00:00Z' AND ends_at < '2200-01-01T00:00:00Z'),
  -- Usage: nobody is at two stations at once, nor twice at one; the shifts on call at an instant. Checked when a statement
  -- is over, so that two people can swap
  CONSTRAINT shift_one_place EXCLUDE USING gist (
    int4range(staff_id, staff_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&
  ) WHERE (cancelled_at IS NULL) DEFERRABLE
);

-- Usage: the shifts of a station in a span of time
CREATE INDEX shift_station ON shift (station, ends_at) WHERE cancelled_at IS NULL;

-- Somebody asks a colleague to take a shift, and offers one for it or none. It counts when the colleague agrees.
CREATE TABLE shift_swap (
  swap_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  station text NOT NULL,
  shift_id integer NOT NULL REFERENCES shift,
  asked_by integer NOT NULL REFERENCES staff,
  asked integer NOT NULL REFERENCES staff,
  return_id integer REFERENCES shift, -- the colleague's shift that is asked for in return; NULL: none
  asked_at timestamptz NOT NULL,
  answered_at timestamptz,
  outcome text CHECK (outcome IN ('agreed', 'declined', 'withdrawn')),
  CONSTRAINT shift_swap_answered CHECK ((outcome IS NULL) = (answered_at IS NULL)),
  CONSTRAINT shift_swap_two CHECK (asked <> asked_by AND return_id <> shift_id)
);

-- Usage: a shift is asked to be taken by one colleague at a time
CREATE UNIQUE INDEX shift_swap_open ON shift_swap (shift_id) WHERE outcome IS NULL;

-- A ticket that waits to be accepted, at a station that keeps a rota: who is told next, and when. Written in the transaction
-- in which the ticket opened.
CREATE TABLE call_out (
  call_out_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ticket_id bigint NOT NULL REFERENCES ticket,
  station text NOT NULL,
  kind text NOT NULL, -- domain.notices.NoticeKind that the people on call get
  began_at timestamptz NOT NULL,
  step text NOT NULL DEFAULT 'on_call' CHECK (step IN ('on_call', 'lead', 'dispatch')), -- the next one, or the last
  due_at timestamptz, -- of that step; NULL: it is over
  ending text CHECK (ending IN ('accepted', 'told', 'moved', 'off')), -- domain.rota.CallOutEnding
  CONSTRAINT call_out_ended CHECK ((due_at IS NULL) = (ending IS NOT NULL))
);

-- Usage: a ticket calls out one station at a time
CREATE UNIQUE INDEX call_out_running ON call_out (ticket_id) WHERE due_at IS NOT NULL;
-- Usage: which station a ticket has called out last
CREATE INDEX call_out_ticket ON call_out (ticket_id, call_out_id);

-- Usage: hearth notify takes the steps that are due
CREATE INDEX call_out_due ON call_out (due_at) WHERE due_at IS NOT NULL;

-- Who was told at which step.
CREATE TABLE call_out_told (
  call_out_id bigint NOT NULL REFERENCES call_out,
  step text NOT NULL CHECK (step IN ('on_call', 'lead', 'dispatch')),
  staff_id integer REFERENCES staff, -- NULL: dispatch
  at timestamptz NOT NULL,
  CONSTRAINT call_out_told_person CHECK ((step = 'dispatch') = (staff_id IS NULL)),
  -- Usage: each step is taken once
  CONSTRAINT call_out_told_once UNIQUE NULLS NOT DISTINCT (call_out_id, staff_id)
);

-- A member of the staff as an audience, reached by the telephone number of the person.
ALTER TABLE outbox
  ADD COLUMN staff_id integer REFERENCES staff,
  DROP CONSTRAINT outbox_audience,
  ADD CONSTRAINT outbox_audience CHECK (
    audience IN ('dispatch', 'crew', 'supervisor', 'person', 'witness', 'user') AND (audience = 'person') = (staff_id IS NOT NULL)
  );
ALTER TABLE addressee
  ADD COLUMN staff_id integer REFERENCES staff,
  DROP CONSTRAINT addressee_audience,
  ADD CONSTRAINT addressee_audience CHECK (
    audience IN ('dispatch', 'crew', 'supervisor', 'person', 'witness', 'user') AND (audience = 'person') = (staff_id IS NOT NULL)
  );

-- Usage: hearth notify brings the people up to the staff, and finds by which channels a person is reached
CREATE UNIQUE INDEX addressee_person ON addressee (staff_id, channel) WHERE staff_id IS NOT NULL;

-- The secret of a person's calendar: an address that shows the person's own shifts and no more, without signing in.
CREATE TABLE credential.calendar (
  staff_id integer PRIMARY KEY REFERENCES staff,
  hash bytea NOT NULL,
  made_at timestamptz NOT NULL,
  -- Usage: a calendar asks by its secret
  CONSTRAINT calendar_hash UNIQUE (hash)
);

-- Gives a person's calendar a secret, by its hash; the one before holds no more. Without a hash there is none.
CREATE FUNCTION credential.set_calendar(of_staff integer, of_hash bytea, at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  DELETE FROM credential.calendar WHERE staff_id = of_staff;
  IF of_hash IS NOT NULL THEN
    INSERT INTO credential.calendar (staff_id, hash, made_at) VALUES (of_staff, of_hash, at);
  END IF;
END
$$;

CREATE FUNCTION credential.calendar_since(of_staff integer) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT c.made_at FROM credential.calendar AS c WHERE c.staff_id = of_staff
$$;

-- The person of a secret, if it holds and the person is active.
CREATE FUNCTION credential.calendar_of(of_hash bytea, at timestamptz)
RETURNS TABLE (staff_id integer, name text, language text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT s.staff_id, s.name, s.language
  FROM credential.calendar AS c JOIN staff AS s USING (staff_id)
  WHERE c.hash = of_hash AND s.active_from <= at AND coalesce(s.active_to > at, true)
$$;

-- The shifts of a person from an instant on, for the calendar.
CREATE FUNCTION credential.calendar_shifts(of_staff integer, since timestamptz)
RETURNS TABLE (
  shift_id integer, station text, starts_at timestamptz, ends_at timestamptz, version integer, changed_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT h.shift_id, h.station, h.starts_at, h.ends_at, h.version, h.changed_at FROM shift AS h
  WHERE h.staff_id = of_staff AND h.ends_at > since AND h.cancelled_at IS NULL
  ORDER BY h.starts_at, h.shift_id
$$;
