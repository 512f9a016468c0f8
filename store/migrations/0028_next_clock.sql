-- The clock of a ticket that runs out next, so that the queue of the desk is read in its order.

-- A row for each ticket on which a clock runs, or has run out and still waits. It is derived from `clock` by the trigger
-- below alone, so no process may write it; `hearth verify` compares them. Beside the ticket, not in it: a clock that stops
-- would else write the whole row of its ticket once more, with all of its indexes.
CREATE TABLE ticket_next (
  -- Usage: the next clock of a ticket
  ticket_id bigint PRIMARY KEY REFERENCES ticket ON DELETE CASCADE,
  due_at timestamptz NOT NULL,
  clock text NOT NULL -- its name; of several the first one
);

-- Usage: the order of the queue
CREATE INDEX ticket_next_order ON ticket_next (due_at, ticket_id);
-- Usage: the tickets of a person in the queue
CREATE INDEX ticket_responsible ON ticket (responsible) WHERE responsible IS NOT NULL AND state <> 'closed';

-- Clocks are written by transactions that have their ticket locked, so what this reads is what they leave behind. A storm
-- of flags opens ten thousand clocks in a statement: rows are looked up by index, whatever the plan was made for.
CREATE FUNCTION keep_next_clock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
BEGIN
  DELETE FROM ticket_next AS n
  USING (SELECT DISTINCT w.ticket_id FROM written AS w WHERE w.met_at IS NOT NULL OR w.void_at IS NOT NULL OR w.due_at IS NULL)
    AS stopped
  WHERE n.ticket_id = stopped.ticket_id AND NOT EXISTS (
    SELECT FROM clock AS c
    WHERE c.ticket_id = n.ticket_id AND c.met_at IS NULL AND c.void_at IS NULL AND c.due_at IS NOT NULL
  );
  INSERT INTO ticket_next AS n (ticket_id, due_at, clock)
  SELECT w.ticket_id, c.due_at, c.name
  FROM (SELECT DISTINCT x.ticket_id FROM written AS x) AS w
  CROSS JOIN LATERAL (
    SELECT x.due_at, x.name FROM clock AS x
    WHERE x.ticket_id = w.ticket_id AND x.met_at IS NULL AND x.void_at IS NULL AND x.due_at IS NOT NULL
    ORDER BY x.due_at, x.name LIMIT 1
  ) AS c
  ORDER BY w.ticket_id
  ON CONFLICT (ticket_id) DO UPDATE SET due_at = excluded.due_at, clock = excluded.clock
  WHERE (n.due_at, n.clock) IS DISTINCT FROM (excluded.due_at, excluded.clock);
  RETURN NULL;
END
$$;

CREATE TRIGGER clock_added_next AFTER INSERT ON clock REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION keep_next_clock();
CREATE TRIGGER clock_changed_next AFTER UPDATE ON clock REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION keep_next_clock();
ALTER TABLE clock ENABLE ALWAYS TRIGGER clock_added_next, ENABLE ALWAYS TRIGGER clock_changed_next;

INSERT INTO ticket_next (ticket_id, due_at, clock)
SELECT DISTINCT ON (c.ticket_id) c.ticket_id, c.due_at, c.name
FROM clock AS c
WHERE c.met_at IS NULL AND c.void_at IS NULL AND c.due_at IS NOT NULL
ORDER BY c.ticket_id, c.due_at, c.name;
