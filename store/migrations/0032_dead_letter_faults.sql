-- A message is one dead letter, however much of it cannot be stored: its payload once, with the list of what is wrong.

ALTER TABLE dead_letter
  ADD COLUMN faults jsonb, -- the first of them: reason, detail, sensor, at (which element of the message)
  ADD COLUMN reasons jsonb; -- all of them: reason to number

UPDATE dead_letter SET
  faults = jsonb_build_array(jsonb_build_object('reason', reason, 'detail', detail)),
  reasons = jsonb_build_object(reason, 1);

ALTER TABLE dead_letter
  ALTER COLUMN faults SET NOT NULL,
  ALTER COLUMN reasons SET NOT NULL,
  -- Usage: a letter is found by each of its reasons; reason and detail are those of the first
  ADD CONSTRAINT dead_letter_reasons CHECK (reasons ? reason);

-- What a letter takes, near enough: a row with its index entries, and what is in it before it is compressed.
ALTER TABLE dead_letter
  ADD COLUMN bytes integer NOT NULL
    GENERATED ALWAYS AS (250 + octet_length(topic) + octet_length(payload) + octet_length(faults::text)) STORED;

-- Usage: list and replay of what still waits, in order; the bytes of what waits unread
DROP INDEX dead_letter_waiting;
CREATE INDEX dead_letter_waiting ON dead_letter (dead_letter_id) INCLUDE (reason, bytes) WHERE replayed_at IS NULL;

-- Usage: the bytes of all letters; which of them go when they are too many: those that wait no longer, then the oldest
CREATE INDEX dead_letter_size ON dead_letter ((replayed_at IS NULL), dead_letter_id) INCLUDE (bytes);

-- Letters that still waited when they were deleted because all of them took too much. One row.
CREATE TABLE dead_letter_dropped (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  letters bigint NOT NULL DEFAULT 0,
  faults bigint NOT NULL DEFAULT 0, -- what was wrong in those letters, as it was counted when they came
  bytes bigint NOT NULL DEFAULT 0,
  last_at timestamptz
);
INSERT INTO dead_letter_dropped DEFAULT VALUES;

CREATE VIEW dead_letter_health AS
SELECT w.waiting, a.bytes, d.letters AS dropped, d.faults AS dropped_faults, d.bytes AS dropped_bytes, d.last_at AS dropped_at
FROM dead_letter_dropped AS d
CROSS JOIN (SELECT count(*) AS waiting FROM dead_letter WHERE replayed_at IS NULL) AS w
CROSS JOIN (SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM dead_letter) AS a;

-- Dead letters without what is in them, a row for each reason of a letter.
CREATE OR REPLACE VIEW dead_letter_seen AS
SELECT d.dead_letter_id, d.received_at, r.key AS reason, d.replayed_at, r.value::bigint AS faults
FROM dead_letter AS d
CROSS JOIN LATERAL jsonb_each_text(d.reasons) AS r (key, value);
