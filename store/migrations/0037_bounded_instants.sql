-- No instant that people give is beyond what every clock and calendar can show. One that was is taken as the last there is:
-- an outage of the year 9999 made the pages of everybody fail.

UPDATE outage SET
  begins_at = least(begins_at, '2199-12-30T00:00:00Z'),
  expected_end = CASE WHEN expected_end IS NOT NULL THEN least(expected_end, '2199-12-31T00:00:00Z') END,
  restored_at = CASE WHEN restored_at IS NOT NULL THEN least(restored_at, '2199-12-31T00:00:00Z') END
WHERE greatest(begins_at, expected_end, restored_at) > '2199-12-31T00:00:00Z';

ALTER TABLE outage
  -- Usage: pages, exports and notices show these times in any zone
  ADD CONSTRAINT outage_bounded CHECK (
    begins_at >= '1969-12-31T00:00:00Z' AND greatest(begins_at, expected_end, restored_at) < '2200-01-02T00:00:00Z'
  ) NOT VALID;

UPDATE ticket SET appointment_at = '2199-12-31T00:00:00Z' WHERE appointment_at > '2199-12-31T00:00:00Z';

ALTER TABLE ticket
  -- Usage: pages and notices show when somebody comes
  ADD CONSTRAINT ticket_appointment_bounded CHECK (
    appointment_at >= '1969-12-31T00:00:00Z' AND appointment_at < '2200-01-02T00:00:00Z'
  ) NOT VALID;

ALTER TABLE measurement_request
  -- Usage: lists show what is due in any zone
  ADD CONSTRAINT measurement_request_bounded CHECK (
    due_at >= '1969-12-31T00:00:00Z' AND due_at < '2200-01-02T00:00:00Z'
  ) NOT VALID;
