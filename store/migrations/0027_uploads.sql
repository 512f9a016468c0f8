-- Tables of the registry that were sent and compared, and wait to be applied; they may hold personal data. Deleted when they
-- are applied, and after an hour.
CREATE TABLE registry_upload (
  actor text NOT NULL CHECK (length(actor) <= 200),
  digest bytea NOT NULL,
  name text NOT NULL CHECK (length(name) <= 100),
  sheet text NOT NULL, -- what the sender says that it holds; empty: nothing
  encoding text NOT NULL, -- the same
  content bytea NOT NULL CHECK (length(content) BETWEEN 1 AND 8388608),
  at timestamptz NOT NULL,
  -- Usage: a person applies what the same person has sent; sent again it is the same
  CONSTRAINT registry_upload_once PRIMARY KEY (actor, digest),
  -- Usage: nobody applies other bytes than those that were compared
  CONSTRAINT registry_upload_digest CHECK (digest = sha256(content))
);

-- Usage: the oldest of a person, and what is too old
CREATE INDEX registry_upload_at ON registry_upload (at);

-- It is compressed already, or read once.
ALTER TABLE registry_upload ALTER COLUMN content SET STORAGE EXTERNAL;
