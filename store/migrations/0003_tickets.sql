-- The repair desk: tickets are worked to the end against clocks, nothing that happened to one can be unsaid, and numbers
-- have no gaps.

-- Records stay. The triggers with it fire always, whatever the session's replication role.
CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on % is refused: records are kept', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
END
$$;

-- How far the numbers that people see have been given. A transaction that takes some keeps the row locked until it is
-- over: what is rolled back has taken none. So numbers are taken last: with some in hand, nobody waits for a home or a
-- ticket.
CREATE TABLE numbering (
  kind text PRIMARY KEY, -- store.base.numbers.NumberKind
  last bigint NOT NULL,
  gaps_until bigint NOT NULL -- up to here numbers came from a sequence, which leaves out what was rolled back
) WITH (fillfactor = 10);

INSERT INTO numbering (kind, last, gaps_until)
VALUES ('ticket', 0, 0), ('flag', 0, 0), ('incident', 0, 0), ('outage', 0, 0), ('measurement', 0, 0);

-- Take so many numbers, which follow each other, and return the first; or (less than none) give back the last ones.
CREATE FUNCTION take_numbers(of_kind text, many bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER AS $$
  UPDATE numbering SET last = last + many WHERE kind = of_kind RETURNING last - many + 1
$$;

-- A number as people see it: eight digits, or more once there are more.
CREATE FUNCTION number_text(letter text, number bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN letter || lpad(number::text, greatest(8, length(number::text)), '0');

CREATE TABLE ticket (
  ticket_id bigint PRIMARY KEY DEFAULT take_numbers('ticket', 1), -- many at once are numbered by their writer
  number text NOT NULL GENERATED ALWAYS AS (number_text('T', ticket_id)) STORED,
  class text NOT NULL CHECK (class IN ('cold', 'leak', 'repair', 'device', 'complaint', 'report')),
  state text NOT NULL,
  priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 4), -- 1 is the most urgent
  source text NOT NULL, -- domain.tickets.TicketSource
  home_id integer REFERENCES home,
  building_id integer REFERENCES building, -- of a leak in no home
  substation_id integer REFERENCES substation,
  station text, -- whose crew works on it
  responsible text, -- the person who does
  appointment_at timestamptz, -- agreed with the user
  description text NOT NULL DEFAULT '', -- what the user said
  responsibility text, -- for the damage
  paid boolean NOT NULL DEFAULT false, -- the user pays for the repair and was told before
  confirmation text, -- reference of the paper that the user signed
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  retrospective boolean NOT NULL DEFAULT false, -- found after it was over: evidence, no crew
  follows bigint REFERENCES ticket, -- the home's ticket before, closed longer ago than one is re-opened
  round smallint NOT NULL DEFAULT 1, -- how often it was opened; each time has clocks of its own
  -- What there is of what closing needs, since it was last opened:
  done_at timestamptz,
  proven_at timestamptz,
  proof text, -- domain.tickets.Proof
  replied_at timestamptz,
  called_back_at timestamptz,
  ending text, -- domain.endings.TicketEnding; NULL: still open, or worked to its end
  merged_into bigint REFERENCES ticket,
  CONSTRAINT ticket_state CHECK (state IN (
    'open', -- -> accepted, working, verifying, done
    'accepted', -- the station has answered -> working, verifying, done
    'working', -- somebody is on site -> verifying, done
    'verifying', -- a cold home marked done and not proven warm -> done, working, open
    'done', -- -> closed, working, open
    'closed' -- -> open
  )),
  CONSTRAINT ticket_closed CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
  CONSTRAINT ticket_verifying CHECK (
    CASE state
      WHEN 'verifying' THEN class = 'cold' AND done_at IS NOT NULL AND proven_at IS NULL
      WHEN 'done' THEN done_at IS NOT NULL AND (class <> 'cold' OR proven_at IS NOT NULL)
      ELSE true
    END
  ),
  CONSTRAINT ticket_source CHECK (
    source IN ('flag', 'device', 'phone', 'walk_in', 'letter', 'superior', 'user', 'measurement', 'incident')
  ),
  CONSTRAINT ticket_place CHECK (num_nonnulls(home_id, building_id, substation_id) <= 1),
  CONSTRAINT ticket_texts CHECK (
    length(description) <= 2000 AND length(responsible) <= 100 AND length(confirmation) <= 200
  ),
  CONSTRAINT ticket_responsibility CHECK (responsibility IN ('company', 'user')),
  CONSTRAINT ticket_proof CHECK ((proven_at IS NULL) = (proof IS NULL)),
  -- Usage: no instant that people give is beyond what every clock and calendar can show; pages and notices show when
  -- somebody comes
  CONSTRAINT ticket_appointment_bounded CHECK (
    appointment_at >= '1969-12-31T00:00:00Z' AND appointment_at < '2200-01-02T00:00:00Z'
  ),
  CONSTRAINT ticket_ending CHECK (
    CASE ending
      WHEN 'merged' THEN state = 'closed' AND merged_into <> ticket_id AND class <> 'cold'
      WHEN 'void' THEN state = 'closed' AND merged_into IS NULL
      ELSE ending IS NULL AND merged_into IS NULL
    END
  ),
  CONSTRAINT ticket_ending_of CHECK (
    ending IS NULL
    OR (source NOT IN ('device', 'incident') AND class NOT IN ('complaint', 'report') AND NOT retrospective)
  ),
  -- Usage: the API finds tickets by number
  CONSTRAINT ticket_number UNIQUE (number)
);

-- Usage: a home has one open cold ticket at most; a later flag joins it
CREATE UNIQUE INDEX ticket_one_open_cold ON ticket (home_id) WHERE class = 'cold' AND state <> 'closed';
-- Usage: a home's repair file
CREATE INDEX ticket_home ON ticket (home_id, ticket_id);
-- Usage: tickets in work, of a class and state
CREATE INDEX ticket_in_work ON ticket (class, state, ticket_id) WHERE state <> 'closed';
-- Usage: what is open at a building or a substation
CREATE INDEX ticket_open_at_building ON ticket (building_id) WHERE building_id IS NOT NULL AND state <> 'closed';
CREATE INDEX ticket_open_at_substation ON ticket (substation_id) WHERE substation_id IS NOT NULL AND state <> 'closed';
-- Usage: tickets opened in a span of time
CREATE INDEX ticket_opened ON ticket (opened_at);
-- Usage: the tickets closed in a month
CREATE INDEX ticket_closed_in ON ticket (closed_at) WHERE closed_at IS NOT NULL;
-- Usage: what was merged into a ticket
CREATE INDEX ticket_merged_into ON ticket (merged_into) WHERE merged_into IS NOT NULL;

CREATE TRIGGER ticket_stays BEFORE DELETE OR TRUNCATE ON ticket FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ticket_origin_stays BEFORE UPDATE ON ticket FOR EACH ROW
  WHEN (
    (OLD.ticket_id, OLD.class, OLD.source, OLD.home_id, OLD.building_id, OLD.substation_id, OLD.opened_at,
      OLD.retrospective, OLD.follows)
    IS DISTINCT FROM
    (NEW.ticket_id, NEW.class, NEW.source, NEW.home_id, NEW.building_id, NEW.substation_id, NEW.opened_at,
      NEW.retrospective, NEW.follows)
  )
  EXECUTE FUNCTION refuse_change();
ALTER TABLE ticket
  ENABLE ALWAYS TRIGGER ticket_stays,
  ENABLE ALWAYS TRIGGER ticket_origin_stays;

-- What happened to a ticket, in a chain: each event carries the hash of itself and of the one before it. Rows are only
-- ever added.
CREATE TABLE ticket_event (
  ticket_id bigint NOT NULL REFERENCES ticket,
  seq integer NOT NULL,
  event_id bigint GENERATED ALWAYS AS IDENTITY, -- in the order of writing, not of committing
  at timestamptz NOT NULL, -- when it was recorded
  kind text NOT NULL, -- domain.tickets.EventKind
  actor text NOT NULL,
  state text NOT NULL, -- of the ticket after it
  data jsonb NOT NULL DEFAULT '{}',
  hash bytea NOT NULL,
  -- Usage: the history of a ticket; the end of its chain
  PRIMARY KEY (ticket_id, seq),
  CONSTRAINT ticket_event_actor CHECK (length(actor) <= 200),
  CONSTRAINT ticket_event_data CHECK (length(data::text) <= 20000),
  -- Usage: seals, and listeners of the desk, read on from an event
  CONSTRAINT ticket_event_id UNIQUE (event_id)
);

-- Usage: the call-backs of a month
CREATE INDEX ticket_event_called_back ON ticket_event (at) WHERE kind = 'called_back';

-- `previous` is empty for the first event of a ticket. jsonb has one text for one value; an instant is its µs. It calls
-- what is STABLE: declared as more than that, it would be called for each row, not be part of the statement.
CREATE FUNCTION ticket_event_hash(
  previous bytea, ticket_id bigint, seq integer, at timestamptz, kind text, actor text, state text, data jsonb
) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(previous || convert_to(
  jsonb_build_array(ticket_id, seq, (extract(epoch FROM at) * 1000000)::bigint, kind, actor, state, data)::text, 'UTF8'
));

-- The ticket is locked by the writer of its events. A plan is made once a session. One from when a table was empty, or for a
-- statement of one row or of ten thousand, has to be good for the other, too: here and in other triggers on each row, rows
-- are looked up by index.
CREATE FUNCTION chain_event() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  last integer;
  previous bytea;
BEGIN
  SELECT e.seq, e.hash INTO last, previous FROM ticket_event AS e
  WHERE e.ticket_id = NEW.ticket_id ORDER BY e.seq DESC LIMIT 1;
  NEW.seq := coalesce(last, 0) + 1;
  NEW.hash := ticket_event_hash(
    coalesce(previous, ''), NEW.ticket_id, NEW.seq, NEW.at, NEW.kind, NEW.actor, NEW.state, NEW.data
  );
  RETURN NEW;
END
$$;

CREATE TRIGGER ticket_event_chain BEFORE INSERT ON ticket_event FOR EACH ROW EXECUTE FUNCTION chain_event();
CREATE TRIGGER ticket_event_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON ticket_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE ticket_event
  ENABLE ALWAYS TRIGGER ticket_event_chain,
  ENABLE ALWAYS TRIGGER ticket_event_stays;

-- How to reach the person who said something: personal data, so in no event, but beside the one with what was said.
CREATE TABLE ticket_contact (
  ticket_id bigint NOT NULL REFERENCES ticket,
  seq integer NOT NULL, -- of the event: opened, or user_said
  contact text NOT NULL CHECK (length(contact) BETWEEN 1 AND 200),
  -- Usage: the contacts of a ticket
  PRIMARY KEY (ticket_id, seq)
);

-- Usage: nobody takes away what somebody has left
CREATE TRIGGER ticket_contact_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON ticket_contact
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE ticket_contact ENABLE ALWAYS TRIGGER ticket_contact_stays;

-- The times by which something has to be done for a ticket.
CREATE TABLE clock (
  ticket_id bigint NOT NULL REFERENCES ticket,
  round smallint NOT NULL DEFAULT 1, -- ticket.round
  name text NOT NULL,
  started_at timestamptz, -- counted from here; NULL: has not begun
  due_at timestamptz, -- NULL: starts with another event
  warn_at timestamptz,
  warned_at timestamptz,
  met_at timestamptz,
  breached_at timestamptz,
  void_at timestamptz, -- the ticket was opened again before it was met: it runs no more
  -- When the clock will want attention next: to warn, then to be breached.
  next_at timestamptz GENERATED ALWAYS AS (
    CASE
      WHEN met_at IS NOT NULL OR breached_at IS NOT NULL OR void_at IS NOT NULL THEN NULL
      WHEN warned_at IS NULL AND warn_at < due_at THEN warn_at
      ELSE due_at
    END
  ) STORED,
  -- Usage: the clocks of a ticket
  PRIMARY KEY (ticket_id, round, name),
  -- It is broken at the instant at which it ran out, whenever that was noticed; what was met late was broken.
  CONSTRAINT clock_breached CHECK (breached_at IS NULL OR (due_at IS NOT NULL AND breached_at = due_at)),
  CONSTRAINT clock_late CHECK (met_at IS NULL OR due_at IS NULL OR met_at <= due_at OR breached_at IS NOT NULL),
  CONSTRAINT clock_not_both CHECK (met_at IS NULL OR breached_at IS NULL OR met_at >= breached_at),
  CONSTRAINT clock_started CHECK (due_at IS NULL OR started_at IS NOT NULL),
  -- Usage: nobody is called back before the time for it
  CONSTRAINT clock_begun CHECK (name <> 'call_back' OR met_at IS NULL OR met_at >= started_at)
);

-- Usage: watch polls the clocks that want attention
CREATE INDEX clock_next ON clock (next_at) WHERE next_at IS NOT NULL;
-- Usage: clocks whose due time was not known when they began
CREATE INDEX clock_undated ON clock (ticket_id)
  WHERE started_at IS NOT NULL AND due_at IS NULL;
-- Usage: the clocks that run, or ran out and still wait, of the repair desk
CREATE INDEX clock_unmet ON clock (due_at) WHERE met_at IS NULL AND void_at IS NULL AND due_at IS NOT NULL;
-- Usage: the clocks that ran out in a month
CREATE INDEX clock_due_in ON clock (due_at) WHERE due_at IS NOT NULL;

CREATE TRIGGER clock_stays BEFORE DELETE OR TRUNCATE ON clock FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- Usage: the first breach of a clock stays on record for ever
CREATE TRIGGER clock_breach_stays BEFORE UPDATE ON clock FOR EACH ROW
  WHEN (
    OLD.breached_at IS NOT NULL AND (OLD.ticket_id, OLD.round, OLD.name, OLD.due_at, OLD.breached_at)
    IS DISTINCT FROM (NEW.ticket_id, NEW.round, NEW.name, NEW.due_at, NEW.breached_at)
  )
  EXECUTE FUNCTION refuse_change();
ALTER TABLE clock
  ENABLE ALWAYS TRIGGER clock_stays,
  ENABLE ALWAYS TRIGGER clock_breach_stays;

-- Complaints and reports of wrongdoing: what they are about, and how they are followed up. The identity of a complainant
-- is kept apart, in a schema that the desk cannot read (0009_access.sql). The home of a complainant is no column here,
-- and not on the ticket either: it would give the complainant away to the station complained about.
CREATE TABLE case_file (
  ticket_id bigint PRIMARY KEY REFERENCES ticket, -- of class complaint or report
  subject text NOT NULL, -- domain.cases.Subject
  channel text NOT NULL, -- domain.cases.CaseChannel
  about_station text, -- the station it is about; NULL: the company
  text text NOT NULL CHECK (length(text) BETWEEN 1 AND 4000), -- what happened, without the name of the complainant
  anonymous boolean NOT NULL, -- no identity is kept at all
  opened_at timestamptz NOT NULL,
  opened_by text NOT NULL,
  escalated_at timestamptz, -- taken up to the company's management
  supervised_at timestamptz, -- its progress is watched from above
  published_at timestamptz, -- what came of it was made known
  example_at timestamptz -- closed, and others may learn from it
);

-- Usage: the cases of a station
CREATE INDEX case_file_station ON case_file (about_station, ticket_id);
