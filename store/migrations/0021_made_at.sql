-- A move may be recorded after it was made: a phone had no network. The time at which it was made is in its data, beside the
-- time of recording, by which the clocks go.

CREATE FUNCTION check_made_at() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  made_at CONSTANT timestamptz := NEW.data ->> 'made_at';
BEGIN
  IF made_at > NEW.at OR made_at < NEW.at - interval '7 days'
    OR made_at < (SELECT t.opened_at FROM ticket AS t WHERE t.ticket_id = NEW.ticket_id)
  THEN
    RAISE EXCEPTION 'a move that was recorded at % cannot have been made at %', NEW.at, made_at
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'ticket_event_made_at';
  END IF;
  RETURN NEW;
END
$$;

-- Usage: no move was made in the future, before its ticket was opened, or more than a week before it was recorded
CREATE TRIGGER ticket_event_made_at BEFORE INSERT ON ticket_event FOR EACH ROW
  WHEN (NEW.data ? 'made_at') EXECUTE FUNCTION check_made_at();
ALTER TABLE ticket_event ENABLE ALWAYS TRIGGER ticket_event_made_at;
