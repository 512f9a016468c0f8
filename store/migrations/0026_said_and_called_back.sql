-- What people say is kept with how to reach them, each time; and a call-back opens some time after the work.

-- How to reach the person who said something: personal data, so in no event, but beside the one with what was said.
CREATE TABLE ticket_contact (
  ticket_id bigint NOT NULL REFERENCES ticket,
  seq integer NOT NULL, -- of the event: opened, or user_said
  contact text NOT NULL CHECK (length(contact) BETWEEN 1 AND 200),
  -- Usage: the contacts of a ticket
  PRIMARY KEY (ticket_id, seq)
);

INSERT INTO ticket_contact (ticket_id, seq, contact)
SELECT t.ticket_id, (SELECT min(e.seq) FROM ticket_event AS e WHERE e.ticket_id = t.ticket_id), t.contact
FROM ticket AS t
WHERE t.contact <> '' AND EXISTS (SELECT FROM ticket_event AS e WHERE e.ticket_id = t.ticket_id);

-- Usage: nobody takes away what somebody has left
CREATE TRIGGER ticket_contact_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON ticket_contact
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE ticket_contact ENABLE ALWAYS TRIGGER ticket_contact_stays;

-- With it goes ticket_texts, which named it.
ALTER TABLE ticket
  DROP COLUMN contact,
  ADD CONSTRAINT ticket_texts CHECK (
    length(description) <= 2000 AND length(responsible) <= 100 AND length(confirmation) <= 200
  );

-- Usage: what is open at a building or a substation
CREATE INDEX ticket_open_at_building ON ticket (building_id) WHERE building_id IS NOT NULL AND state <> 'closed';
CREATE INDEX ticket_open_at_substation ON ticket (substation_id) WHERE substation_id IS NOT NULL AND state <> 'closed';

-- A call-back is counted from when it may be made, 48 hours after the work by default, and no more from the work itself.
UPDATE clock SET
  started_at = started_at + interval '48 hours', due_at = due_at + interval '48 hours',
  warn_at = warn_at + interval '48 hours', warned_at = NULL
WHERE name = 'call_back' AND started_at IS NOT NULL AND met_at IS NULL AND breached_at IS NULL AND void_at IS NULL;

-- Usage: nobody is called back before the time for it. What is older than this rule stays as it is
ALTER TABLE clock ADD CONSTRAINT clock_begun CHECK (
  name <> 'call_back' OR met_at IS NULL OR met_at >= started_at
) NOT VALID;
