-- Finding a home as one types. Addresses are taken apart in Python (registry/addresses.py), because a query is taken apart by
-- the same function; these tables keep what came of it, and every import brings them up to date (registry/finding.py).
-- Words are few: a street or an estate is one word, however many buildings it has. So misspelt words are looked for
-- among words, and only then their buildings, and only then the doors.
--
-- None of these tables says who lives anywhere, or has row-level security: what is found is read from `home`, which has.

-- The words of the names and addresses of buildings, without numbers: 幸福里.
CREATE TABLE place_word (
  place_word_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  word text COLLATE "C" NOT NULL,
  syllables text NOT NULL, -- how it is said, with blanks between: xing fu li
  -- Usage: an import finds the words that are known
  CONSTRAINT place_word_once UNIQUE (word)
);

-- The pieces by which a word is found, also misspelt (registry.addresses.grams).
CREATE TABLE place_gram (
  gram text COLLATE "C" NOT NULL,
  place_word_id integer NOT NULL REFERENCES place_word ON DELETE CASCADE,
  -- Usage: a search finds the words with a piece
  PRIMARY KEY (gram, place_word_id)
);

-- Usage: a word that no building has any more goes with its pieces
CREATE INDEX place_gram_word ON place_gram (place_word_id);

CREATE TABLE building_word (
  place_word_id integer NOT NULL REFERENCES place_word,
  building_id integer NOT NULL REFERENCES building ON DELETE CASCADE,
  -- Usage: a search finds the buildings of a word
  PRIMARY KEY (place_word_id, building_id)
);

-- Usage: an import replaces the words of a building
CREATE INDEX building_word_building ON building_word (building_id);

-- The numbers of the address and the name of a building, in this order, and what they and its words were made from.
CREATE TABLE building_numbers (
  building_id integer PRIMARY KEY REFERENCES building ON DELETE CASCADE,
  made_from text NOT NULL,
  numbers text[] NOT NULL
);

-- The numbers of a door as homes have it: 2单元501 is 2, 501. Doors are few: buildings are built alike.
CREATE TABLE unit_numbers (
  unit text PRIMARY KEY,
  numbers text[] NOT NULL,
  last text NOT NULL -- the last number that is no letter; empty: there is none
);

-- Usage: a search finds the doors with a number
CREATE INDEX unit_numbers_last ON unit_numbers (last);
-- Usage: a search finds the homes with a door, in some buildings or in all
CREATE INDEX home_unit ON home (unit, building_id);

ALTER TABLE home ADD COLUMN code_key text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(code)) STORED;
-- Usage: a search finds homes by the beginning of their code. A column, not an expression: row-level security lets an
-- index serve only comparisons that leak nothing, and lower() is not known for that
CREATE INDEX home_code_key ON home (code_key);
ALTER TABLE building ADD COLUMN code_key text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(code)) STORED;
-- Usage: a search finds buildings by the beginning of their code
CREATE INDEX building_code_key ON building (code_key);

-- The name of a person of a home; with the address, personal data.
ALTER TABLE person.contact ADD COLUMN name text CHECK (length(name) BETWEEN 1 AND 100);

-- By what a person is found: the digits of a telephone number from behind, the name, how it is said, its initials.
CREATE TABLE person.search_key (
  key text COLLATE "C" NOT NULL,
  kind text NOT NULL CHECK (kind IN ('telephone', 'name', 'said', 'initials')),
  addressee_id integer NOT NULL REFERENCES person.contact ON DELETE CASCADE,
  -- Usage: a search finds people by a key or its beginning
  PRIMARY KEY (key, kind, addressee_id)
);

-- Usage: keys go with their contact, and are replaced with it
CREATE INDEX search_key_addressee ON person.search_key (addressee_id);

INSERT INTO person.search_key (key, kind, addressee_id)
SELECT DISTINCT k.key, 'telephone', c.addressee_id
FROM person.contact AS c
JOIN addressee AS a USING (addressee_id)
CROSS JOIN LATERAL (
  SELECT reverse(regexp_replace(regexp_replace(c.address, '\D', '', 'g'), '^(?:0086|86)(?=1\d{10}$)', '')) AS key
) AS k
WHERE a.channel = 'phone' AND length(k.key) >= 7;

-- The homes of people who are found by a key: for the desk alone, and without saying who they are. A contact counts while
-- its owner lives there; one without an owner or a consent is of those who live there now.
CREATE FUNCTION person.homes_of(telephones text[], beginning text, names text[], said text, at_time timestamptz)
RETURNS TABLE (home_id integer, kind text, is_whole boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
AS $$
BEGIN
  IF NOT reach_everywhere() THEN
    RETURN;
  END IF;
  RETURN QUERY
    SELECT a.home_id, f.kind, bool_or(f.is_whole) FROM (
      (SELECT k.addressee_id, k.kind, true AS is_whole FROM person.search_key AS k
      WHERE k.kind = 'telephone' AND k.key = ANY (telephones) LIMIT 50)
      UNION ALL
      (SELECT k.addressee_id, k.kind, k.key = beginning FROM person.search_key AS k
      WHERE k.kind = 'telephone' AND k.key >= beginning AND k.key < beginning || '~' LIMIT 50)
      UNION ALL
      (SELECT k.addressee_id, k.kind, k.key = n.name FROM unnest(names) AS n (name) JOIN person.search_key AS k
      ON k.kind = 'name' AND k.key >= n.name AND k.key < n.name || U&'\+10FFFF' LIMIT 50)
      UNION ALL
      (SELECT k.addressee_id, k.kind, true FROM person.search_key AS k
      WHERE k.kind IN ('said', 'initials') AND k.key = said LIMIT 50)
    ) AS f
    JOIN addressee AS a USING (addressee_id)
    JOIN person.contact AS c USING (addressee_id)
    CROSS JOIN LATERAL tenancy(a.home_id, c.resident, coalesce(c.consent_at, at_time), at_time) AS y
    WHERE y.since IS NOT NULL
    GROUP BY a.home_id, f.kind;
END
$$;

-- The people of a home with how to reach them, for the role that may be told of persons: the caller records each look.
CREATE FUNCTION person.people_of(of_home integer, at_time timestamptz)
RETURNS TABLE (name text, channel text, address text, resident text)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 5
AS $$
  SELECT c.name, a.channel, c.address, c.resident
  FROM addressee AS a
  JOIN person.contact AS c USING (addressee_id)
  CROSS JOIN LATERAL tenancy(a.home_id, c.resident, coalesce(c.consent_at, at_time), at_time) AS y
  WHERE a.home_id = of_home AND a.ended_at IS NULL AND y.since IS NOT NULL AND reach_everywhere()
  ORDER BY a.channel <> 'phone', c.name, c.address
$$;

-- The number that a caller left, from behind: the desk finds the home that was called about from it.
ALTER TABLE ticket_contact ADD COLUMN contact_key text COLLATE "C" GENERATED ALWAYS AS (
  reverse(substring(translate(contact, ' ()-', '') FROM '[0-9]{7,20}'))
) STORED;
-- Usage: a search finds the tickets of a caller
CREATE INDEX ticket_contact_key ON ticket_contact (contact_key) WHERE contact_key IS NOT NULL;
