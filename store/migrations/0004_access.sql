-- Who may ask the API. A token is shown once; only its SHA-256 is kept.

CREATE TABLE token (
  token_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash bytea NOT NULL,
  role text NOT NULL CHECK (role IN ('customer', 'crew', 'dispatcher', 'supervisor', 'admin')),
  station text, -- crew: the station it works for
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz,
  CONSTRAINT token_station CHECK (station IS NULL OR role = 'crew'),
  -- Usage: the API finds a token by its hash
  CONSTRAINT token_hash UNIQUE (hash)
);

CREATE TABLE token_home (
  token_id integer NOT NULL REFERENCES token,
  home_id integer NOT NULL REFERENCES home,
  PRIMARY KEY (token_id, home_id)
);
