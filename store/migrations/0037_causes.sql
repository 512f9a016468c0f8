-- Causes that crews found, as supervisors count them.

-- Usage: the causes found in a month
CREATE INDEX ticket_event_cause ON ticket_event (at) WHERE kind = 'cause_found';
