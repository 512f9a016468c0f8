-- The exchange of years: what pages ask of a peer is bounded, numbers of messages are forgotten once no replay can use
-- them, and the ways in of messages look at who asks.

-- Whether the proof of a message has a time: a replay of such a one is refused by its time, so that its number need not be
-- kept for good. What is proven by its body alone (Zammad, Frappe, files) is known again by its number for ever.
ALTER TABLE peer_received ADD COLUMN is_timed boolean NOT NULL DEFAULT false;

-- Usage: the latest that came from a peer
CREATE INDEX peer_received_latest ON peer_received (peer_id, received_at);
-- Usage: what of a peer was refused of late
CREATE INDEX peer_received_refused ON peer_received (peer_id, received_at) WHERE outcome = 'refused';
-- Usage: old numbers to be forgotten
CREATE INDEX peer_received_timed ON peer_received (received_at) WHERE is_timed;
-- Usage: open cases of a peer
CREATE INDEX peer_case_open ON peer_case (peer_id) WHERE resolved_at IS NULL AND ended_at IS NULL;
-- Usage: what waits and what failed of a peer
CREATE INDEX message_peer_unsent ON message (addressee_id, state)
  WHERE peer_case_id IS NOT NULL AND state <> 'sent' AND passed_over_at IS NULL;
-- Usage: when something was last sent to a peer
CREATE INDEX message_peer_sent ON message (addressee_id, finished_at) WHERE peer_case_id IS NOT NULL AND state = 'sent';

-- What waits, what failed and what was last sent of each peer.
CREATE VIEW peer_standing AS
SELECT
  p.peer_id, (
    SELECT count(*) FROM message AS m
    WHERE m.addressee_id = p.peer_id AND m.peer_case_id IS NOT NULL AND m.state <> 'sent' AND m.passed_over_at IS NULL
      AND m.state IN ('waiting', 'sending')
  ) AS waiting, (
    SELECT count(*) FROM message AS m
    WHERE m.addressee_id = p.peer_id AND m.peer_case_id IS NOT NULL AND m.state <> 'sent' AND m.passed_over_at IS NULL
      AND m.state = 'failed'
  ) AS failed, (
    SELECT max(m.finished_at) FROM message AS m
    WHERE m.addressee_id = p.peer_id AND m.peer_case_id IS NOT NULL AND m.state = 'sent'
  ) AS sent_at
FROM peer AS p
WHERE current_user <> 'hearth_api' OR current_setting('hearth.everywhere', true) = 'on';

-- Whether the desk asks: of all stations, and with its role. A second wall behind the routes.
CREATE FUNCTION is_desk() RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce(current_setting('hearth.everywhere', true) = 'on', false)
  AND coalesce(current_setting('hearth.role', true) IN ('dispatcher', 'supervisor', 'admin'), false);

CREATE OR REPLACE FUNCTION peer_message_again(of_key uuid, at timestamptz, give_up_s integer) RETURNS boolean
LANGUAGE sql SECURITY DEFINER AS $$
  WITH changed AS (
    UPDATE message SET
      state = 'waiting', due_at = at, finished_at = NULL, passed_over_at = NULL,
      give_up_at = at + make_interval(secs => give_up_s)
    WHERE key = of_key AND state = 'failed' AND peer_case_id IS NOT NULL AND is_desk()
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM changed)
$$;

CREATE OR REPLACE FUNCTION peer_message_passed_over(of_key uuid, at timestamptz) RETURNS boolean
LANGUAGE sql SECURITY DEFINER AS $$
  WITH changed AS (
    UPDATE message SET passed_over_at = at
    WHERE key = of_key AND state = 'failed' AND peer_case_id IS NOT NULL AND passed_over_at IS NULL AND is_desk()
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM changed)
$$;
