-- Users rate the work on a ticket: 1 to 5 stars in an event, the last of which stands.

-- Usage: the mean of ratings is of what can be rated. Events from before have no rating, so they need not be looked at
ALTER TABLE ticket_event ADD CONSTRAINT ticket_event_stars
  CHECK (kind <> 'rated' OR coalesce(data ->> 'stars', '') IN ('1', '2', '3', '4', '5')) NOT VALID;

-- Usage: the ratings of a month, for supervisors
CREATE INDEX ticket_event_rated ON ticket_event (at) WHERE kind = 'rated';
