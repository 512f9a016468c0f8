-- The exchange of tickets with peers: hotlines of cities and other desks. Their numbers and clocks stand beside ours, and
-- what they are told goes by outbox and messages as every notice does.

ALTER TABLE outbox
  ADD COLUMN peer_case_id bigint,
  DROP CONSTRAINT outbox_audience,
  ADD CONSTRAINT outbox_audience CHECK (
    audience IN ('dispatch', 'crew', 'supervisor', 'person', 'witness', 'user', 'peer')
    AND (audience = 'person') = (staff_id IS NOT NULL) AND (audience = 'peer') = (peer_case_id IS NOT NULL)
  );
ALTER TABLE addressee
  DROP CONSTRAINT addressee_audience,
  ADD CONSTRAINT addressee_audience CHECK (
    audience IN ('dispatch', 'crew', 'supervisor', 'person', 'witness', 'user', 'peer')
    AND (audience = 'person') = (staff_id IS NOT NULL)
  );

-- A peer of the file of peers. The file says how it is reached; here is what the database has to know of its mapping.
CREATE TABLE peer (
  peer_id integer PRIMARY KEY REFERENCES addressee,
  name text NOT NULL,
  classes text[] NOT NULL, -- tickets of these classes that open here are sent there
  tells text[] NOT NULL, -- events of a ticket that it hears of: domain.tickets.EventKind
  responds text[] NOT NULL, -- events that meet its clock of response
  solves text[] NOT NULL, -- events that meet its clock of solution
  changed_at timestamptz NOT NULL,
  ended_at timestamptz, -- taken out of the file: it hears of nothing more
  -- Usage: a peer is found by its name
  CONSTRAINT peer_name UNIQUE (name)
);

-- A ticket that a peer has, too: one case, two numbers.
CREATE TABLE peer_case (
  peer_case_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  peer_id integer NOT NULL REFERENCES peer,
  ticket_id bigint NOT NULL REFERENCES ticket,
  is_theirs boolean NOT NULL, -- it began there
  number text, -- theirs; NULL: they have not said it
  handle text, -- by what their interface finds it, where that is not the number
  linked_at timestamptz NOT NULL,
  respond_by timestamptz, -- their clocks; NULL: none
  resolve_by timestamptz,
  responded_at timestamptz, -- the first event here since then that meets it
  resolved_at timestamptz, -- the last one; NULL again when the work is undone
  satisfied boolean, -- what their call-back found
  rated_at timestamptz,
  ended_at timestamptz, -- closed or withdrawn there
  heard_at timestamptz, -- the time of the latest that they said of it
  CONSTRAINT peer_case_texts CHECK (length(number) BETWEEN 1 AND 100 AND length(handle) BETWEEN 1 AND 200),
  CONSTRAINT peer_case_numbered CHECK (NOT is_theirs OR number IS NOT NULL),
  CONSTRAINT peer_case_rated CHECK ((satisfied IS NULL) = (rated_at IS NULL)),
  -- Usage: their number names one case; what they say of it is found by it
  CONSTRAINT peer_case_number UNIQUE (peer_id, number)
);

-- Usage: an event is passed on to the peers of its ticket
CREATE INDEX peer_case_ticket ON peer_case (ticket_id);
-- Usage: nothing is passed on to a peer twice
CREATE UNIQUE INDEX peer_case_sent_once ON peer_case (peer_id, ticket_id) WHERE NOT is_theirs;
-- Usage: the rates of a peer in a span of time
CREATE INDEX peer_case_linked ON peer_case (peer_id, linked_at);

ALTER TABLE outbox ADD CONSTRAINT outbox_peer_case FOREIGN KEY (peer_case_id) REFERENCES peer_case;

-- Messages to a peer keep the order of their case: each waits until the one before has arrived, or was passed over.
ALTER TABLE message
  ADD COLUMN peer_case_id bigint REFERENCES peer_case,
  ADD COLUMN passed_over_at timestamptz,
  ADD CONSTRAINT message_passed_over CHECK (passed_over_at IS NULL OR (state = 'failed' AND peer_case_id IS NOT NULL));

-- Usage: what a message waits for; what a peer heard of a case
CREATE INDEX message_peer_case ON message (peer_case_id, message_id) WHERE peer_case_id IS NOT NULL;
-- Usage: hearth notify writes what peers are to hear, in order
CREATE INDEX outbox_for_peers ON outbox (outbox_id) WHERE fate IS NULL AND audience = 'peer';

-- What came from a peer, by the number of its message: the same one twice is answered twice and done once.
CREATE TABLE peer_received (
  peer_id integer NOT NULL REFERENCES peer,
  message text NOT NULL CHECK (length(message) BETWEEN 1 AND 200),
  digest bytea NOT NULL, -- SHA-256 of what it says
  received_at timestamptz NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('opened', 'linked', 'noted', 'ignored', 'refused')), -- domain.exchange.incoming.Outcome
  reason text CHECK (length(reason) <= 500), -- of a refusal
  peer_case_id bigint REFERENCES peer_case,
  -- Usage: a message that is repeated
  PRIMARY KEY (peer_id, message)
);

-- Usage: the latest that came, and old ones to be forgotten
CREATE INDEX peer_received_at ON peer_received (received_at);
-- Usage: what a peer said of a case
CREATE INDEX peer_received_case ON peer_received (peer_case_id) WHERE peer_case_id IS NOT NULL;

-- Passes events on to the peers of their tickets, in the transaction in which they happen, by any writer. What came
-- from a peer (`peer` in its data) does not go back there, and a ticket that a peer brought is sent to no other by itself.
-- With its owner's rights: who works on tickets need not know of peers.
CREATE FUNCTION tell_peers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET enable_seqscan = off AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM peer) THEN
    RETURN NULL;
  END IF;
  INSERT INTO peer_case (peer_id, ticket_id, is_theirs, linked_at)
  SELECT p.peer_id, w.ticket_id, false, w.at
  FROM written AS w
  JOIN ticket AS t USING (ticket_id)
  JOIN peer AS p ON p.ended_at IS NULL AND t.class = ANY (p.classes)
  WHERE w.kind = 'opened' AND NOT w.data ? 'peer' AND NOT t.retrospective AND t.source <> 'incident'
  ORDER BY w.event_id, p.peer_id
  ON CONFLICT DO NOTHING;
  UPDATE peer_case AS c
  SET
    responded_at = CASE WHEN x.responded THEN coalesce(c.responded_at, x.at) ELSE c.responded_at END,
    resolved_at = CASE WHEN x.undone THEN NULL WHEN x.solved THEN coalesce(c.resolved_at, x.at) ELSE c.resolved_at END
  FROM (
    SELECT
      k.peer_case_id, max(w.at) AS at, bool_or(w.kind = ANY (p.responds || p.solves)) AS responded,
      bool_or(w.kind = ANY (p.solves)) AS solved, bool_or(w.kind IN ('rework', 'relapsed', 'reopened')) AS undone
    FROM written AS w
    JOIN peer_case AS k USING (ticket_id)
    JOIN peer AS p USING (peer_id)
    WHERE w.kind = ANY (p.responds || p.solves) OR w.kind IN ('rework', 'relapsed', 'reopened')
    GROUP BY k.peer_case_id
  ) AS x
  WHERE c.peer_case_id = x.peer_case_id;
  INSERT INTO outbox (at, kind, audience, urgent, ticket_id, peer_case_id, data)
  SELECT w.at, 'peer_told', 'peer', false, w.ticket_id, c.peer_case_id, jsonb_build_object('seq', w.seq)
  FROM written AS w
  JOIN peer_case AS c USING (ticket_id)
  JOIN peer AS p USING (peer_id)
  WHERE p.ended_at IS NULL AND w.kind = ANY (p.tells) AND w.data ->> 'peer' IS DISTINCT FROM p.name
  ORDER BY w.event_id, c.peer_case_id;
  RETURN NULL;
END
$$;

CREATE TRIGGER ticket_event_told_peers AFTER INSERT ON ticket_event REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION tell_peers();

-- Has what failed of a peer tried again, or passes over it, so that what waits behind it goes on.
CREATE FUNCTION peer_message_again(of_key uuid, at timestamptz, give_up_s integer) RETURNS boolean
LANGUAGE sql SECURITY DEFINER AS $$
  WITH changed AS (
    UPDATE message SET
      state = 'waiting', due_at = at, finished_at = NULL, passed_over_at = NULL,
      give_up_at = at + make_interval(secs => give_up_s)
    WHERE key = of_key AND state = 'failed' AND peer_case_id IS NOT NULL
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM changed)
$$;

CREATE FUNCTION peer_message_passed_over(of_key uuid, at timestamptz) RETURNS boolean
LANGUAGE sql SECURITY DEFINER AS $$
  WITH changed AS (
    UPDATE message SET passed_over_at = at
    WHERE key = of_key AND state = 'failed' AND peer_case_id IS NOT NULL AND passed_over_at IS NULL
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM changed)
$$;

-- What peers are told, and what became of it. No text.
CREATE VIEW peer_told AS
SELECT
  m.message_id, m.key, p.name AS peer, t.ticket_id, t.number AS ticket, c.number AS their_number, m.subject AS event, m.created_at,
  CASE WHEN m.passed_over_at IS NOT NULL THEN 'passed_over' ELSE m.state END AS state, m.attempts, m.due_at, m.finished_at,
  m.reason, m.detail
FROM message AS m
JOIN peer_case AS c USING (peer_case_id)
JOIN peer AS p USING (peer_id)
JOIN ticket AS t USING (ticket_id)
WHERE current_user <> 'hearth_api' OR current_setting('hearth.everywhere', true) = 'on';
