-- Photos, signatures and scans of tickets. What is known of a file is apart from its bytes, so lists stay small; the bytes
-- are here or in a folder (HEARTH_FILES), found by their SHA-256.

CREATE TABLE ticket_file (
  file_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ticket_id bigint NOT NULL REFERENCES ticket,
  kind text NOT NULL CHECK (kind IN ('photo', 'signature', 'scan')), -- domain.files.FileKind
  for_user boolean NOT NULL, -- customers see it
  by_user boolean NOT NULL, -- a customer sent it
  media_type text NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png', 'image/webp', 'application/pdf')),
  digest bytea NOT NULL CHECK (length(digest) = 32), -- SHA-256 of what is kept
  size integer NOT NULL CHECK (size BETWEEN 1 AND 8388608),
  original bytea NOT NULL CHECK (length(original) = 32), -- SHA-256 of what was sent
  original_size integer NOT NULL CHECK (original_size BETWEEN 1 AND 8388608),
  width integer,
  height integer,
  thumbnail bytea CHECK (length(thumbnail) = 32), -- SHA-256 of the small picture; NULL: there is none
  at timestamptz NOT NULL,
  actor text NOT NULL CHECK (length(actor) <= 200),
  CONSTRAINT ticket_file_pixels CHECK (num_nulls(width, height, thumbnail) IN (0, 3)),
  -- Usage: what a customer sends is the customer's to see
  CONSTRAINT ticket_file_of_user CHECK (for_user OR NOT by_user),
  -- Usage: a telephone that sends again has sent one file; the files of a ticket. What the staff keeps to itself, a user may send
  CONSTRAINT ticket_file_once UNIQUE (ticket_id, original, for_user)
);

-- Usage: whose bytes these are, for row-level security and the sweep of a folder
CREATE INDEX ticket_file_digest ON ticket_file (digest);
CREATE INDEX ticket_file_thumbnail ON ticket_file (thumbnail) WHERE thumbnail IS NOT NULL;
-- Usage: what a token has sent within a day
CREATE INDEX ticket_file_sent ON ticket_file (actor, at);

CREATE TABLE file_content (
  digest bytea PRIMARY KEY,
  content bytea NOT NULL,
  -- Usage: nobody keeps other bytes under the digest of an event
  CONSTRAINT file_content_digest CHECK (digest = sha256(content))
);

-- It is compressed already, and read in blocks.
ALTER TABLE file_content ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TRIGGER ticket_file_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON ticket_file
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER file_content_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON file_content
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE ticket_file ENABLE ALWAYS TRIGGER ticket_file_stays;
ALTER TABLE file_content ENABLE ALWAYS TRIGGER file_content_stays;
