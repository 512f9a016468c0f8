-- Old readings may be deleted, if the company wants it: how far back they still are is on record. How they are deleted
-- is for the flavour to say.

-- One row. What was measured before this may be gone; what was judged from it stands.
CREATE TABLE readings_kept (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  since timestamptz -- NULL: nothing was ever deleted
);

INSERT INTO readings_kept DEFAULT VALUES;
