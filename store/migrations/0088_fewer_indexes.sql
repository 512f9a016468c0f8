-- Two indexes that each new ticket paid for: six entries of the some fifty that a cold home's flag adds.

-- The repair desk is sorted by ticket_next (0028_next_clock.sql); nothing looks for running clocks of all tickets by their
-- due time any more.
DROP INDEX clock_unmet;

-- Watch forgets live events in the order of their key, in which they were written.
DROP INDEX live_event_at;
