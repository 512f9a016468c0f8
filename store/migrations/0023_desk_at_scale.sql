-- What an incident's crew does is told to the tickets of its homes; measurements on site that fall due are told once.

-- The events of the crew's ticket up to this one have been told to the home's ticket.
ALTER TABLE incident_ticket ADD COLUMN passed_seq integer NOT NULL DEFAULT 0;
-- Usage: watch finds incidents with homes that have something to be told yet, and these homes
CREATE INDEX incident_ticket_passed ON incident_ticket (incident_id, passed_seq) WHERE left_at IS NULL;

-- The tasks of the plan that somebody has heard of: as due, and as late.
CREATE TABLE measurement_told (
  task bigint NOT NULL, -- of measurement_task
  due_at timestamptz NOT NULL, -- once it was done, the same task falls due anew
  kind text NOT NULL CHECK (kind IN ('measurement_due', 'measurement_late')), -- domain.notices.Kind
  told_at timestamptz NOT NULL,
  -- Usage: each is told once
  PRIMARY KEY (task, due_at, kind)
);
