-- Who looks at a ticket or writes on it at this moment, so that two people do not work on one without knowing.

-- A row for each open stream of events that names a ticket. The process that serves the stream renews the rows of all its
-- streams together and takes a row away when its stream ends; rows of a process that is gone run out. Nothing here is a
-- record: after a crash of the server the table is empty.
CREATE UNLOGGED TABLE ticket_presence (
  stream_id bigint PRIMARY KEY, -- chosen at random by the process
  ticket_id bigint NOT NULL REFERENCES ticket ON DELETE CASCADE,
  token_id integer NOT NULL REFERENCES token ON DELETE CASCADE, -- the session of the person
  doing text NOT NULL CHECK (doing IN ('looking', 'writing')), -- store.tickets.presence_rows.Doing
  until timestamptz NOT NULL
) WITH (fillfactor = 50); -- every row is renewed again and again, in its place

-- Usage: who is at the tickets of a page
CREATE INDEX ticket_presence_ticket ON ticket_presence (ticket_id);
