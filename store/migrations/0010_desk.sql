-- The repair desk: tickets are worked to the end against clocks, and nothing that happened to one can be unsaid.

ALTER TABLE ticket
  DROP CONSTRAINT ticket_state_check,
  ADD COLUMN source text NOT NULL DEFAULT 'flag', -- domain.tickets.Source
  ADD COLUMN building_id integer REFERENCES building, -- of a leak in no home
  ADD COLUMN substation_id integer REFERENCES substation,
  ADD COLUMN station text, -- who works on it
  ADD COLUMN responsible text, -- the person who does
  ADD COLUMN appointment_at timestamptz, -- agreed with the user
  ADD COLUMN description text NOT NULL DEFAULT '', -- what the user said
  ADD COLUMN contact text, -- how to reach whoever reported it; personal data, so in no event
  ADD COLUMN responsibility text, -- for the damage
  ADD COLUMN paid boolean NOT NULL DEFAULT false, -- the user pays for the repair and was told before
  ADD COLUMN confirmation text, -- reference of the paper that the user signed
  ADD COLUMN follows bigint REFERENCES ticket, -- the home's ticket before, closed longer ago than one is re-opened
  ADD COLUMN round smallint NOT NULL DEFAULT 1, -- how often it was opened; each time has clocks of its own
  -- What there is of what closing needs, since it was last opened:
  ADD COLUMN done_at timestamptz,
  ADD COLUMN proven_at timestamptz,
  ADD COLUMN proof text, -- domain.tickets.Proof
  ADD COLUMN replied_at timestamptz,
  ADD COLUMN called_back_at timestamptz;

UPDATE ticket AS t SET
  source = CASE WHEN t.class = 'device' THEN 'device' ELSE 'flag' END,
  station = (
    SELECT u.station FROM home AS h JOIN building AS b USING (building_id) JOIN substation AS u USING (substation_id)
    WHERE h.home_id = t.home_id
  );

ALTER TABLE ticket
  ALTER COLUMN source DROP DEFAULT,
  ADD CONSTRAINT ticket_state CHECK (state IN (
    'open', -- -> accepted, working, verifying, done
    'accepted', -- the station has answered -> working, verifying, done
    'working', -- somebody is on site -> verifying, done
    'verifying', -- a cold home marked done and not proven warm -> done, working, open
    'done', -- -> closed, working, open
    'closed' -- -> open
  )),
  ADD CONSTRAINT ticket_source CHECK (
    source IN ('flag', 'device', 'phone', 'walk_in', 'letter', 'superior', 'user', 'measurement', 'incident')
  ),
  ADD CONSTRAINT ticket_place CHECK (num_nonnulls(home_id, building_id, substation_id) <= 1),
  ADD CONSTRAINT ticket_texts CHECK (
    length(description) <= 2000 AND length(contact) <= 200 AND length(responsible) <= 100
    AND length(confirmation) <= 200
  ),
  ADD CONSTRAINT ticket_responsibility CHECK (responsibility IN ('company', 'user')),
  ADD CONSTRAINT ticket_proof CHECK ((proven_at IS NULL) = (proof IS NULL)),
  -- Nothing closes without its proof, an answer to the user, and the user's confirmation where the user is to pay or
  -- to blame. Device jobs and the tickets of incidents close by themselves, and what was over when it was found is
  -- evidence only.
  ADD CONSTRAINT ticket_closed_for_good CHECK (
    state <> 'closed' OR retrospective OR class = 'device' OR source = 'incident'
    OR (
      done_at IS NOT NULL AND replied_at IS NOT NULL AND (class <> 'cold' OR proven_at IS NOT NULL)
      AND (confirmation IS NOT NULL OR NOT (paid OR coalesce(responsibility = 'user', false)))
    )
  ),
  ADD CONSTRAINT ticket_verifying CHECK (
    CASE state
      WHEN 'verifying' THEN class = 'cold' AND done_at IS NOT NULL AND proven_at IS NULL
      WHEN 'done' THEN done_at IS NOT NULL AND (class <> 'cold' OR proven_at IS NOT NULL)
      ELSE true
    END
  );

DROP INDEX ticket_one_open_cold;
-- Usage: a home has one open cold ticket at most; a later flag joins it
CREATE UNIQUE INDEX ticket_one_open_cold ON ticket (home_id) WHERE class = 'cold' AND state <> 'closed';
-- Usage: tickets in work, of a class and state
CREATE INDEX ticket_in_work ON ticket (class, state, ticket_id) WHERE state <> 'closed';

-- Events in a chain: each carries the hash of itself and of the one before it.
ALTER TABLE ticket_event
  ADD COLUMN event_id bigint GENERATED ALWAYS AS IDENTITY, -- in the order of writing, not of committing
  ADD COLUMN state text, -- of the ticket after it
  ADD COLUMN hash bytea;

-- `previous` is empty for the first event of a ticket. jsonb has one text for one value; an instant is its µs.
CREATE FUNCTION ticket_event_hash(
  previous bytea, ticket_id bigint, seq integer, at timestamptz, kind text, actor text, state text, data jsonb
) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256(previous || convert_to(
  jsonb_build_array(ticket_id, seq, (extract(epoch FROM at) * 1000000)::bigint, kind, actor, state, data)::text, 'UTF8'
));

DO $$
DECLARE
  e record;
  previous bytea;
BEGIN
  FOR e IN
    SELECT
      x.*, lead(x.seq) OVER (PARTITION BY x.ticket_id ORDER BY x.seq) IS NULL AND t.state = 'closed' AS closes
    FROM ticket_event AS x JOIN ticket AS t USING (ticket_id)
    ORDER BY x.ticket_id, x.seq
  LOOP
    IF e.seq = 1 THEN
      previous := '';
    END IF;
    e.state := CASE WHEN e.closes THEN 'closed' ELSE 'open' END;
    previous := ticket_event_hash(previous, e.ticket_id, e.seq, e.at, e.kind, e.actor, e.state, e.data);
    UPDATE ticket_event SET hash = previous, state = e.state WHERE ticket_id = e.ticket_id AND seq = e.seq;
  END LOOP;
END
$$;

ALTER TABLE ticket_event
  ALTER COLUMN state SET NOT NULL,
  ALTER COLUMN hash SET NOT NULL,
  ADD CONSTRAINT ticket_event_actor CHECK (length(actor) <= 200),
  ADD CONSTRAINT ticket_event_data CHECK (length(data::text) <= 20000),
  -- Usage: seals, and whoever follows the desk, read on from an event
  ADD CONSTRAINT ticket_event_id UNIQUE (event_id);

-- Whoever adds events has the ticket locked.
CREATE FUNCTION chain_event() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  before record;
BEGIN
  SELECT e.seq, e.hash INTO before FROM ticket_event AS e
  WHERE e.ticket_id = NEW.ticket_id ORDER BY e.seq DESC LIMIT 1;
  NEW.seq := coalesce(before.seq, 0) + 1;
  NEW.hash := ticket_event_hash(
    coalesce(before.hash, ''), NEW.ticket_id, NEW.seq, NEW.at, NEW.kind, NEW.actor, NEW.state, NEW.data
  );
  RETURN NEW;
END
$$;

CREATE TRIGGER ticket_event_chain BEFORE INSERT ON ticket_event FOR EACH ROW EXECUTE FUNCTION chain_event();

-- Seals: who cuts off the end of a chain, or takes a ticket with all of its events, breaks one.
CREATE TABLE chain_seal (
  chain_seal_id bigint PRIMARY KEY, -- without gaps
  at timestamptz NOT NULL,
  upto bigint NOT NULL, -- event_id: all events up to here are under a seal
  events bigint NOT NULL, -- under this seal
  digest bytea NOT NULL, -- SHA-256 of their hashes in the order of event_id
  hash bytea NOT NULL -- SHA-256 of the hash of the seal before and of this row
);

-- One row. Up to where the next seal goes, once every transaction is over that might still add events below.
CREATE TABLE chain_next (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  upto bigint NOT NULL DEFAULT 0,
  settled_from xid8 -- transactions from here on have begun later
);

INSERT INTO chain_next DEFAULT VALUES;

-- The times by which something has to be done.
ALTER TABLE clock
  DROP CONSTRAINT clock_pkey,
  ADD COLUMN round smallint NOT NULL DEFAULT 1, -- ticket.round
  ADD COLUMN started_at timestamptz, -- counted from here; NULL: has not begun
  ADD COLUMN warn_at timestamptz,
  ADD COLUMN warned_at timestamptz,
  ADD COLUMN void_at timestamptz, -- the ticket was opened again before it was met: it runs no more
  ADD PRIMARY KEY (ticket_id, round, name);

UPDATE clock AS c SET started_at = t.opened_at FROM ticket AS t WHERE t.ticket_id = c.ticket_id AND c.due_at IS NOT NULL;

ALTER TABLE clock
  -- When the clock will want attention next: to warn, then to be breached.
  ADD COLUMN next_at timestamptz GENERATED ALWAYS AS (
    CASE
      WHEN met_at IS NOT NULL OR breached_at IS NOT NULL OR void_at IS NOT NULL THEN NULL
      WHEN warned_at IS NULL AND warn_at < due_at THEN warn_at
      ELSE due_at
    END
  ) STORED,
  -- It is broken at the instant at which it ran out, whenever that was noticed; what was met late was broken.
  ADD CONSTRAINT clock_breached CHECK (breached_at IS NULL OR (due_at IS NOT NULL AND breached_at = due_at)),
  ADD CONSTRAINT clock_late CHECK (met_at IS NULL OR due_at IS NULL OR met_at <= due_at OR breached_at IS NOT NULL),
  ADD CONSTRAINT clock_not_both CHECK (met_at IS NULL OR breached_at IS NULL OR met_at >= breached_at),
  ADD CONSTRAINT clock_started CHECK (due_at IS NULL OR started_at IS NOT NULL);

DROP INDEX clock_due;
-- Usage: watch polls the clocks that want attention
CREATE INDEX clock_next ON clock (next_at) WHERE next_at IS NOT NULL;
-- Usage: clocks whose due time was not known when they began
CREATE INDEX clock_undated ON clock (ticket_id)
  WHERE started_at IS NOT NULL AND due_at IS NULL;

-- Records stay. The triggers fire always, whatever the session's replication role.
CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on % is refused: records are kept', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
END
$$;

CREATE TRIGGER ticket_event_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON ticket_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER chain_seal_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON chain_seal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ticket_stays BEFORE DELETE OR TRUNCATE ON ticket FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER clock_stays BEFORE DELETE OR TRUNCATE ON clock FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER flag_stays BEFORE DELETE OR TRUNCATE ON flag FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER device_job_stays BEFORE DELETE OR TRUNCATE ON device_job
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ticket_origin_stays BEFORE UPDATE ON ticket FOR EACH ROW
  WHEN (
    (OLD.ticket_id, OLD.class, OLD.source, OLD.home_id, OLD.building_id, OLD.substation_id, OLD.opened_at,
      OLD.retrospective, OLD.follows)
    IS DISTINCT FROM
    (NEW.ticket_id, NEW.class, NEW.source, NEW.home_id, NEW.building_id, NEW.substation_id, NEW.opened_at,
      NEW.retrospective, NEW.follows)
  )
  EXECUTE FUNCTION refuse_change();
CREATE TRIGGER clock_breach_stays BEFORE UPDATE ON clock FOR EACH ROW
  WHEN (
    OLD.breached_at IS NOT NULL AND (OLD.ticket_id, OLD.round, OLD.name, OLD.due_at, OLD.breached_at)
    IS DISTINCT FROM (NEW.ticket_id, NEW.round, NEW.name, NEW.due_at, NEW.breached_at)
  )
  EXECUTE FUNCTION refuse_change();

ALTER TABLE ticket_event ENABLE ALWAYS TRIGGER ticket_event_chain;
ALTER TABLE ticket_event ENABLE ALWAYS TRIGGER ticket_event_stays;
ALTER TABLE chain_seal ENABLE ALWAYS TRIGGER chain_seal_stays;
ALTER TABLE ticket ENABLE ALWAYS TRIGGER ticket_stays;
ALTER TABLE ticket ENABLE ALWAYS TRIGGER ticket_origin_stays;
ALTER TABLE clock ENABLE ALWAYS TRIGGER clock_stays;
ALTER TABLE clock ENABLE ALWAYS TRIGGER clock_breach_stays;
ALTER TABLE flag ENABLE ALWAYS TRIGGER flag_stays;
ALTER TABLE device_job ENABLE ALWAYS TRIGGER device_job_stays;

-- Who opens a cold ticket by hand takes the lock of judging first: a flag of that moment joins it.
CREATE FUNCTION lock_home(home integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  PERFORM FROM home_state AS s WHERE s.home_id = home FOR NO KEY UPDATE;
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION lock_home(integer) SET search_path = %I, pg_temp', current_schema());
END
$$;

CREATE OR REPLACE VIEW ticket_open AS
SELECT
  t.ticket_id, t.number, t.class, t.state, t.priority, t.opened_at, h.code AS home, b.code AS building,
  u.code AS substation, t.station,
  t.source, t.responsible, t.appointment_at, t.round, t.done_at, c.due_at AS next_due_at,
  coalesce(c.late, 0) AS late_clocks
FROM ticket AS t
LEFT JOIN home AS h USING (home_id)
LEFT JOIN building AS b ON b.building_id = coalesce(h.building_id, t.building_id)
LEFT JOIN substation AS u ON u.substation_id = coalesce(b.substation_id, t.substation_id)
LEFT JOIN LATERAL (
  SELECT min(x.due_at) FILTER (WHERE x.due_at > now()) AS due_at, count(*) FILTER (WHERE x.due_at <= now()) AS late
  FROM clock AS x
  WHERE x.ticket_id = t.ticket_id AND x.met_at IS NULL AND x.void_at IS NULL
) AS c ON true
WHERE t.state <> 'closed';

CREATE OR REPLACE VIEW ticket_clock AS
SELECT
  t.ticket_id, t.number, t.class, h.code AS home, t.station, c.name, c.due_at, c.met_at, c.breached_at,
  c.round, c.started_at, c.warn_at, c.warned_at, c.void_at, t.state, t.priority, b.code AS building,
  u.code AS substation
FROM clock AS c
JOIN ticket AS t USING (ticket_id)
LEFT JOIN home AS h USING (home_id)
LEFT JOIN building AS b ON b.building_id = coalesce(h.building_id, t.building_id)
LEFT JOIN substation AS u ON u.substation_id = coalesce(b.substation_id, t.substation_id);

-- Marked done, still cold: or at least not yet proven warm.
CREATE VIEW ticket_verifying AS
SELECT
  t.ticket_id, t.number, t.priority, t.home, t.building, t.substation, t.station, t.responsible, t.done_at,
  n.temperature, n.measured_at, n.state AS home_state, n.flag_id IS NOT NULL AS flagged
FROM ticket_open AS t
LEFT JOIN home_now AS n ON n.code = t.home
WHERE t.state = 'verifying';
