-- Notices: what somebody should hear of, where it goes, and what became of each message.

-- Something happened that an audience should hear of. Written in the transaction in which it happened.
CREATE TABLE outbox (
  outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  kind text NOT NULL, -- domain.notices.NoticeKind
  audience text NOT NULL,
  urgent boolean NOT NULL,
  ticket_id bigint REFERENCES ticket,
  incident_id bigint,
  outage_id bigint CONSTRAINT outbox_outage REFERENCES outage,
  home_id integer REFERENCES home, -- users: whose; NULL: the ticket's, or those of the outage
  station text, -- crew: whose; NULL: that of the home
  data jsonb NOT NULL DEFAULT '{}',
  settled_at timestamptz,
  -- domain.notices.EntryFate: NULL -> told | nobody | grouped | off
  fate text CHECK (fate IN ('told', 'nobody', 'grouped', 'off')),
  CONSTRAINT outbox_audience CHECK (audience IN ('dispatch', 'crew', 'supervisor', 'witness', 'user')),
  CONSTRAINT outbox_settled CHECK ((settled_at IS NULL) = (fate IS NULL))
);

-- Usage: hearth notify takes what has no fate yet, oldest first
CREATE INDEX outbox_waiting ON outbox (outbox_id) WHERE fate IS NULL;
-- Usage: who was told of a ticket; an incident groups the notices of its tickets
CREATE INDEX outbox_ticket ON outbox (ticket_id) WHERE ticket_id IS NOT NULL;
-- Usage: who was told of an outage
CREATE INDEX outbox_outage ON outbox (outage_id) WHERE outage_id IS NOT NULL;
-- Usage: whether a seal was published today; the check looks for all of them
CREATE INDEX outbox_seal ON outbox (outbox_id) WHERE kind = 'seal_published';

-- Data about people. Exports leave this schema out unless they are told otherwise.
CREATE SCHEMA IF NOT EXISTS person;

-- Where notices can go: a channel of somebody on the staff (the file of recipients says how to reach it), or a contact
-- of a home (person.contact says how to reach it).
CREATE TABLE addressee (
  addressee_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  audience text NOT NULL,
  name text, -- staff: as in the file of recipients
  home_id integer REFERENCES home, -- users
  channel text NOT NULL, -- staff: as in the file of recipients; users: email | phone | webhook
  station text, -- crew
  language text NOT NULL CHECK (language IN ('zh', 'en')),
  ended_at timestamptz, -- from then on nothing goes there; what went stays on record
  CONSTRAINT addressee_audience CHECK (audience IN ('dispatch', 'crew', 'supervisor', 'witness', 'user')),
  CONSTRAINT addressee_who CHECK ((audience = 'user') = (name IS NULL) AND (audience = 'user') = (home_id IS NOT NULL)),
  CONSTRAINT addressee_station CHECK ((audience = 'crew') = (station IS NOT NULL)),
  -- Usage: hearth notify brings the staff up to the file of recipients
  CONSTRAINT addressee_staff UNIQUE (name, channel)
);

-- Usage: who is told of what concerns a home
CREATE INDEX addressee_home ON addressee (home_id) WHERE home_id IS NOT NULL AND ended_at IS NULL;

CREATE TABLE person.contact (
  addressee_id integer PRIMARY KEY REFERENCES addressee,
  address text NOT NULL, -- e-mail address, phone number or URL
  consent_at timestamptz, -- when the person agreed to be told by this channel; NULL: has not
  resident text -- whose contact it is (residence); NULL: of the resident at the consent
);

-- What is sent: one notice, or a digest of several. `key` is the same at every attempt: receivers know by it what they
-- have had already.
CREATE TABLE message (
  message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key uuid NOT NULL DEFAULT gen_random_uuid(),
  addressee_id integer NOT NULL REFERENCES addressee,
  notices integer NOT NULL CHECK (notices > 0), -- how many it tells of
  subject text NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL,
  give_up_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'failed')),
  attempts integer NOT NULL DEFAULT 0,
  unsure integer NOT NULL DEFAULT 0, -- attempts of which nobody knows whether they arrived
  due_at timestamptz, -- waiting: when it may be sent; sending: when its sender has lost the right to
  finished_at timestamptz,
  reason text, -- domain.notices.SendFault, of the last attempt that went wrong
  detail text, -- a code or a few words of the other side
  CONSTRAINT message_due CHECK ((state IN ('waiting', 'sending')) = (due_at IS NOT NULL)),
  CONSTRAINT message_finished CHECK ((state IN ('sent', 'failed')) = (finished_at IS NOT NULL)),
  CONSTRAINT message_failed CHECK (state <> 'failed' OR reason IS NOT NULL),
  -- Usage: receivers and the API tell messages apart by it
  CONSTRAINT message_key UNIQUE (key)
) WITH (fillfactor = 80);

-- Usage: hearth notify claims what is due
CREATE INDEX message_due ON message (due_at) WHERE due_at IS NOT NULL;
-- Usage: how many messages an addressee got lately
CREATE INDEX message_addressee ON message (addressee_id, created_at);
-- Usage: the list of what could not be sent
CREATE INDEX message_failed ON message (message_id) WHERE state = 'failed';
-- Usage: notice_health
CREATE INDEX message_sent ON message (finished_at) WHERE state = 'sent';

-- An entry of the outbox for one addressee.
CREATE TABLE notice (
  notice_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  outbox_id bigint NOT NULL REFERENCES outbox,
  addressee_id integer NOT NULL REFERENCES addressee,
  ready_at timestamptz NOT NULL, -- not before: a user's quiet hours
  urgent boolean NOT NULL,
  message_id bigint REFERENCES message, -- NULL: waits to become a message, alone or with others
  -- Usage: nobody is told twice
  CONSTRAINT notice_once UNIQUE (outbox_id, addressee_id)
);

-- Usage: what waits to become a message
CREATE INDEX notice_waiting ON notice (addressee_id, ready_at) WHERE message_id IS NULL;
-- Usage: what a message told
CREATE INDEX notice_message ON notice (message_id) WHERE message_id IS NOT NULL;

-- What is on its way, what failed and has not been tried again, and what was sent within a day.
CREATE VIEW notice_health AS
SELECT
  a.audience, a.channel,
  count(*) FILTER (WHERE m.due_at IS NOT NULL) AS waiting,
  count(*) FILTER (WHERE m.due_at IS NOT NULL AND m.reason IS NOT NULL) AS retrying,
  min(m.created_at) FILTER (WHERE m.due_at IS NOT NULL) AS waiting_since,
  count(*) FILTER (WHERE m.state = 'failed') AS failed,
  max(m.finished_at) FILTER (WHERE m.state = 'failed') AS last_failed_at,
  count(*) FILTER (WHERE m.state = 'sent') AS sent_in_a_day,
  count(*) FILTER (WHERE m.state = 'sent' AND m.unsure > 0) AS unsure_in_a_day,
  max(m.finished_at) FILTER (WHERE m.state = 'sent') AS last_sent_at
FROM (
  SELECT * FROM message WHERE due_at IS NOT NULL
  UNION ALL SELECT * FROM message WHERE state = 'failed'
  UNION ALL SELECT * FROM message WHERE state = 'sent' AND finished_at > now() - interval '1 day'
) AS m
JOIN addressee AS a USING (addressee_id)
GROUP BY a.audience, a.channel;

CREATE VIEW notice_failed AS
SELECT
  m.message_id, m.key, a.audience, a.name AS recipient, h.code AS home, a.channel, m.subject, m.notices, m.created_at,
  m.finished_at AS failed_at, m.attempts, m.reason, m.detail
FROM message AS m
JOIN addressee AS a USING (addressee_id)
LEFT JOIN home AS h USING (home_id)
WHERE m.state = 'failed';

-- Who was told of what, by which channel, when, with what result. No address, no text. The API's role sees it for requests
-- that reach everything (0009_access.sql).
CREATE VIEW notice_told AS
SELECT
  n.notice_id, o.outbox_id, o.kind, o.at, o.outage_id, o.incident_id, t.number AS ticket, a.audience, a.name AS recipient,
  h.code AS home, a.channel, coalesce(m.state, 'waiting') AS state, m.key, m.attempts, m.finished_at, m.reason, m.detail
FROM notice AS n
JOIN outbox AS o USING (outbox_id)
JOIN addressee AS a USING (addressee_id)
LEFT JOIN ticket AS t USING (ticket_id)
LEFT JOIN home AS h ON h.home_id = a.home_id
LEFT JOIN message AS m USING (message_id)
WHERE current_user <> 'hearth_api' OR current_setting('hearth.everywhere', true) = 'on';
