-- Flags, the repair tickets they open, and the state that judging carries from one batch to the next.

CREATE TABLE ticket (
  ticket_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL GENERATED ALWAYS AS ('T' || lpad(ticket_id::text, 8, '0')) STORED,
  class text NOT NULL CHECK (class IN ('cold', 'leak', 'repair', 'device', 'complaint', 'report')),
  state text NOT NULL CHECK (state IN ('open', 'closed')), -- open -> closed
  priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 4), -- 1 is the most urgent
  home_id integer REFERENCES home,
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  retrospective boolean NOT NULL DEFAULT false, -- found after it was over: evidence, no crew
  CONSTRAINT ticket_closed CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
  -- Usage: the API finds tickets by number
  CONSTRAINT ticket_number UNIQUE (number)
);

-- Usage: a home has one open cold ticket at most; a later flag joins it
CREATE UNIQUE INDEX ticket_one_open_cold ON ticket (home_id) WHERE class = 'cold' AND state = 'open';
-- Usage: a home's repair file
CREATE INDEX ticket_home ON ticket (home_id, ticket_id);

-- What happened to a ticket. Rows are only ever added.
CREATE TABLE ticket_event (
  ticket_id bigint NOT NULL REFERENCES ticket,
  seq integer NOT NULL,
  at timestamptz NOT NULL, -- when it was recorded
  kind text NOT NULL, -- domain.tickets.EventKind
  actor text NOT NULL,
  data jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (ticket_id, seq)
);

-- The times by which something has to be done for a ticket.
CREATE TABLE clock (
  ticket_id bigint NOT NULL REFERENCES ticket,
  name text NOT NULL,
  due_at timestamptz, -- NULL: starts with another event
  met_at timestamptz,
  breached_at timestamptz,
  PRIMARY KEY (ticket_id, name)
);

-- Usage: the next clock to run out
CREATE INDEX clock_due ON clock (due_at) WHERE met_at IS NULL AND breached_at IS NULL;

CREATE TABLE flag (
  flag_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  home_id integer NOT NULL REFERENCES home,
  severity smallint NOT NULL CHECK (severity IN (1, 2)), -- 1 cold, 2 severe
  cold_since timestamptz NOT NULL, -- when the breach began, in event time
  confirmed_at timestamptz NOT NULL, -- when it had lasted long enough, in event time
  raised_at timestamptz NOT NULL, -- when the system could know
  severe_at timestamptz,
  suspended_at timestamptz, -- set while the window is closed and the home still under the day limit
  cleared_at timestamptz,
  clear_reason text CHECK (clear_reason IN ('recovered', 'out_of_season', 'heat_stopped', 'no_policy', 'withdrawn')),
  lowest real NOT NULL, -- °C
  limit_celsius real NOT NULL, -- the limit that was broken first
  policy text NOT NULL, -- name@valid_from of the version that judged
  why jsonb NOT NULL,
  ticket_id bigint NOT NULL REFERENCES ticket, -- every flag has its ticket
  CONSTRAINT flag_cleared CHECK ((cleared_at IS NULL) = (clear_reason IS NULL)),
  CONSTRAINT flag_severe CHECK ((severity = 2) = (severe_at IS NOT NULL))
);

-- Usage: a home has one open flag at most, whichever worker judges it
CREATE UNIQUE INDEX flag_one_open ON flag (home_id) WHERE cleared_at IS NULL;
-- Usage: a cold spell is flagged once; a home's flags in order
CREATE UNIQUE INDEX flag_one_per_spell ON flag (home_id, cold_since) WHERE clear_reason IS DISTINCT FROM 'withdrawn';
-- Usage: the flags of a ticket
CREATE INDEX flag_ticket ON flag (ticket_id);
-- Usage: the newest flags
CREATE INDEX flag_raised ON flag (raised_at);

-- Where judging stands with a home. Written when something changes, not with every reading.
CREATE TABLE home_state (
  home_id integer PRIMARY KEY REFERENCES home,
  state smallint NOT NULL DEFAULT 1, -- domain.states.State
  state_since timestamptz,
  judged_to timestamptz, -- judged up to here in event time; readings of judged sensors may reach further
  breach_since timestamptz, -- under a limit without a break since
  severe_since timestamptz,
  warm_since timestamptz, -- at or above day limit + deadband without a break since
  lowest real, -- °C, of the breach or the open flag
  flag_id bigint REFERENCES flag,
  check_at timestamptz DEFAULT now() -- the clock may change something at this time; never later than it should be
) WITH (fillfactor = 70);

-- Usage: watch polls the homes whose time has come
CREATE INDEX home_state_check ON home_state (check_at) WHERE check_at IS NOT NULL;

-- Homes whose history changed behind the point that judging had reached, and from when on.
CREATE TABLE rejudge (
  home_id integer PRIMARY KEY REFERENCES home,
  from_at timestamptz NOT NULL,
  queued_at timestamptz NOT NULL
);

-- Usage: watch takes the oldest first
CREATE INDEX rejudge_queued ON rejudge (queued_at);
