-- Notices: what somebody should hear of, to whom it goes, and what became of each message.

-- Something happened that an audience should hear of. Written in the transaction in which it happened.
CREATE TABLE outbox (
  outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  kind text NOT NULL, -- domain.notices.Kind
  audience text NOT NULL CHECK (audience IN ('dispatch', 'crew', 'supervisor', 'user')),
  urgent boolean NOT NULL,
  ticket_id bigint REFERENCES ticket,
  incident_id bigint,
  outage_id bigint,
  home_id integer REFERENCES home, -- users: whose; NULL: the ticket's, or those of the outage
  station text, -- crew: whose; NULL: that of the home
  data jsonb NOT NULL DEFAULT '{}',
  settled_at timestamptz,
  -- domain.notices.Fate: NULL -> told | nobody | grouped | off
  fate text CHECK (fate IN ('told', 'nobody', 'grouped', 'off')),
  CONSTRAINT outbox_settled CHECK ((settled_at IS NULL) = (fate IS NULL))
);

-- Usage: hearth notify takes what has no fate yet, oldest first
CREATE INDEX outbox_waiting ON outbox (outbox_id) WHERE fate IS NULL;
-- Usage: who was told of a ticket; an incident groups the notices of its tickets
CREATE INDEX outbox_ticket ON outbox (ticket_id) WHERE ticket_id IS NOT NULL;
