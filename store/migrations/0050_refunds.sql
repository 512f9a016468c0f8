-- Refunds for cold days: what a home pays, what people have noted, sheets with their days, approvals, and what was paid.
-- Money is in the smallest unit of the currency.

-- What a home pays for a season; without a row nothing can be given back.
CREATE TABLE home_fee (
  home_id integer NOT NULL REFERENCES home,
  season date NOT NULL, -- its first local day, as the policy has it
  area_m2 numeric(9, 2) NOT NULL CHECK (area_m2 > 0),
  per_m2 numeric(9, 4) NOT NULL CHECK (per_m2 >= 0), -- for the season
  -- Usage: the fee of a home in a season
  PRIMARY KEY (home_id, season)
);

-- What people note of a home that readings do not tell. A wrong one is withdrawn by another row.
CREATE TABLE refund_fact (
  refund_fact_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  home_id integer NOT NULL REFERENCES home,
  kind text NOT NULL CHECK (kind IN ('request', 'report', 'refused', 'authority', 'at_fault', 'unpaid')), -- domain.refunds.facts.FactKind
  at timestamptz NOT NULL,
  until timestamptz, -- NULL: for good, or for the day
  reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 200), -- the paper that shows it
  withdraws bigint,
  recorded_at timestamptz NOT NULL,
  recorded_by text NOT NULL,
  CONSTRAINT refund_fact_span CHECK (until > at),
  -- Usage: a fact is withdrawn once, by one of the same home
  CONSTRAINT refund_fact_withdrawn_once UNIQUE (withdraws),
  CONSTRAINT refund_fact_of_home UNIQUE (refund_fact_id, home_id),
  CONSTRAINT refund_fact_same_home FOREIGN KEY (withdraws, home_id) REFERENCES refund_fact (refund_fact_id, home_id)
);

-- Usage: the facts of a home
CREATE INDEX refund_fact_home ON refund_fact (home_id, at);

-- A sheet: what a home gets back for the days of a season that are over. A correction is a new sheet that names the old.
CREATE TABLE refund_sheet (
  refund_sheet_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL GENERATED ALWAYS AS (number_text('R', refund_sheet_id)) STORED,
  home_id integer NOT NULL REFERENCES home,
  season date NOT NULL, -- its first day
  upto date NOT NULL, -- days before this one are on the sheet
  season_days integer NOT NULL CHECK (season_days > 0),
  rules text NOT NULL, -- their name
  rules_digest bytea NOT NULL, -- SHA-256 of their text
  currency text NOT NULL,
  fee bigint NOT NULL CHECK (fee >= 0), -- of the season
  total bigint NOT NULL CHECK (total >= 0),
  inputs bytea NOT NULL, -- SHA-256 of all that it was computed from (domain/refunds/sheet.py)
  digest bytea NOT NULL, -- SHA-256 of that and of its days
  corrects bigint,
  reason text, -- of a correction
  made_at timestamptz NOT NULL,
  made_by text NOT NULL,
  CONSTRAINT refund_sheet_days CHECK (upto > season),
  CONSTRAINT refund_sheet_reason CHECK ((corrects IS NULL) = (reason IS NULL)),
  -- Usage: the API finds sheets by number
  CONSTRAINT refund_sheet_number UNIQUE (number),
  -- Usage: a sheet is corrected once, by one of the same home and season
  CONSTRAINT refund_sheet_corrected_once UNIQUE (corrects),
  CONSTRAINT refund_sheet_of_season UNIQUE (refund_sheet_id, home_id, season),
  CONSTRAINT refund_sheet_same_season FOREIGN KEY (corrects, home_id, season)
    REFERENCES refund_sheet (refund_sheet_id, home_id, season)
);

-- Usage: a home has one sheet of a season that corrects none; the others follow it
CREATE UNIQUE INDEX refund_sheet_first ON refund_sheet (home_id, season) WHERE corrects IS NULL;

CREATE TABLE refund_day (
  refund_sheet_id bigint NOT NULL,
  home_id integer NOT NULL,
  season date NOT NULL,
  day date NOT NULL, -- local
  reason smallint NOT NULL, -- domain.refunds.season.DayReason
  table_row smallint NOT NULL, -- -1: none
  percent smallint NOT NULL,
  amount bigint NOT NULL CHECK (amount >= 0),
  would bigint NOT NULL CHECK (would >= amount), -- but for the reason, or a cap
  breach_us bigint NOT NULL,
  known_us bigint NOT NULL,
  unknown_us bigint NOT NULL,
  lowest_milli integer, -- of sensors, m°C
  measured_milli integer, -- of signed measurements, m°C
  outage_us bigint NOT NULL,
  -- Usage: the days of a sheet
  PRIMARY KEY (refund_sheet_id, day),
  CONSTRAINT refund_day_of_sheet FOREIGN KEY (refund_sheet_id, home_id, season)
    REFERENCES refund_sheet (refund_sheet_id, home_id, season),
  -- Usage: what is paid of a day is what its sheet says
  CONSTRAINT refund_day_amount UNIQUE (refund_sheet_id, home_id, day, amount)
);

CREATE TABLE refund_approval (
  refund_sheet_id bigint NOT NULL,
  home_id integer NOT NULL,
  season date NOT NULL,
  nth smallint NOT NULL CHECK (nth IN (1, 2)),
  actor text NOT NULL,
  at timestamptz NOT NULL,
  -- Usage: a sheet has two approvals at most
  PRIMARY KEY (refund_sheet_id, nth),
  -- Usage: and they are by two persons
  CONSTRAINT refund_approval_two_persons UNIQUE (refund_sheet_id, actor),
  CONSTRAINT refund_approval_of_sheet FOREIGN KEY (refund_sheet_id, home_id, season)
    REFERENCES refund_sheet (refund_sheet_id, home_id, season)
);

-- A file for the bank: sheets that were paid together.
CREATE TABLE refund_payment (
  refund_payment_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  sheets integer NOT NULL CHECK (sheets > 0),
  total bigint NOT NULL CHECK (total > 0),
  digest bytea NOT NULL -- SHA-256 of the file
);

CREATE TABLE refund_paid (
  home_id integer NOT NULL,
  day date NOT NULL,
  refund_sheet_id bigint NOT NULL,
  refund_payment_id bigint NOT NULL REFERENCES refund_payment,
  amount bigint NOT NULL CHECK (amount > 0),
  -- Usage: never paid twice for a day, whatever sheets say
  CONSTRAINT refund_paid_once PRIMARY KEY (home_id, day),
  CONSTRAINT refund_paid_as_said FOREIGN KEY (refund_sheet_id, home_id, day, amount)
    REFERENCES refund_day (refund_sheet_id, home_id, day, amount)
);

-- Usage: the days that a file has paid
CREATE INDEX refund_paid_payment ON refund_paid (refund_payment_id);

-- The sum of a sheet's days is its total, and there is a row for each of them.
CREATE FUNCTION check_refund_total() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  found record;
BEGIN
  SELECT count(*) AS days, coalesce(sum(d.amount), 0) AS total INTO found
  FROM refund_day AS d WHERE d.refund_sheet_id = NEW.refund_sheet_id AND d.day >= NEW.season AND d.day < NEW.upto;
  IF (found.days, found.total) IS DISTINCT FROM ((NEW.upto - NEW.season)::bigint, NEW.total::numeric) THEN
    RAISE EXCEPTION 'the days of a refund sheet do not add up to it'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_sheet_adds_up';
  END IF;
  RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER refund_sheet_adds_up AFTER INSERT ON refund_sheet DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION check_refund_total();

-- Days are paid of a sheet that two persons have approved and that no other corrects. The sheet is locked: a correction,
-- which refers to it, comes before or after.
CREATE FUNCTION check_refund_paid() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  PERFORM FROM refund_sheet AS s WHERE s.refund_sheet_id = NEW.refund_sheet_id FOR UPDATE;
  IF (SELECT count(*) FROM refund_approval AS a WHERE a.refund_sheet_id = NEW.refund_sheet_id) < 2
    OR EXISTS (SELECT FROM refund_sheet AS c WHERE c.corrects = NEW.refund_sheet_id) THEN
    RAISE EXCEPTION 'a refund sheet is paid once two persons have approved it, and never after a correction'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_paid_approved';
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER refund_paid_approved BEFORE INSERT ON refund_paid FOR EACH ROW EXECUTE FUNCTION check_refund_paid();

-- Usage: nobody, not even the owner by mistake, rewrites what was said and paid
DO $$
DECLARE
  relation text;
BEGIN
  FOREACH relation IN ARRAY ARRAY[
    'refund_fact', 'refund_sheet', 'refund_day', 'refund_approval', 'refund_payment', 'refund_paid'
  ] LOOP
    EXECUTE format(
      'CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
      relation || '_stays', relation
    );
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', relation, relation || '_stays');
  END LOOP;
END
$$;
ALTER TABLE refund_sheet ENABLE ALWAYS TRIGGER refund_sheet_adds_up;
ALTER TABLE refund_paid ENABLE ALWAYS TRIGGER refund_paid_approved;

-- The journal of sheets, as 0010_evidence.sql makes those of other tables; rows are never changed.
CREATE FUNCTION journal_refund_sheet() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET timezone = 'UTC' SET extra_float_digits = 1 SET bytea_output = hex
SET enable_nestloop = off SET enable_seqscan = off SET jit = off AS $$
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
BEGIN
  INSERT INTO journal (relation, key, form, at, writer, hash)
  SELECT
    'refund_sheet', x.key, 1, moment, session_user,
    journal_hash(coalesce(j.hash, ''), 'refund_sheet', x.key, 1::smallint, moment, session_user, x.said)
  FROM (
    SELECT
      jsonb_build_array(n.refund_sheet_id) AS key,
      jsonb_build_array(
        n.home_id, n.season, n.upto, n.season_days, n.rules, n.rules_digest, n.currency, n.fee, n.total, n.inputs,
        n.digest, n.corrects, n.reason, n.made_at, n.made_by
      ) AS said
    FROM written AS n OFFSET 0
  ) AS x
  LEFT JOIN LATERAL (
    SELECT e.hash FROM journal AS e
    WHERE e.relation = 'refund_sheet' AND e.key = x.key ORDER BY e.journal_id DESC LIMIT 1
  ) AS j ON true;
  RETURN NULL;
END
$$;

CREATE TRIGGER journal_added AFTER INSERT ON refund_sheet REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION journal_refund_sheet();
ALTER TABLE refund_sheet ENABLE ALWAYS TRIGGER journal_added;
