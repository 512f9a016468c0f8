-- Dead letters are listed by time and do not stay for ever.

-- Usage: purge by age; the list from a day on
CREATE INDEX dead_letter_received ON dead_letter (received_at);
