-- Seals are published once a day, to people who keep them where nobody of the company could change them.

ALTER TABLE outbox
  DROP CONSTRAINT outbox_audience_check,
  ADD CONSTRAINT outbox_audience CHECK (audience IN ('dispatch', 'crew', 'supervisor', 'witness', 'user'));
ALTER TABLE addressee
  DROP CONSTRAINT addressee_audience_check,
  ADD CONSTRAINT addressee_audience CHECK (audience IN ('dispatch', 'crew', 'supervisor', 'witness', 'user'));

-- Usage: whether a seal was published today; the check looks for all of them
CREATE INDEX outbox_seal ON outbox (outbox_id) WHERE kind = 'seal_published';
