-- Two approvals of a sheet are by two persons. The record has a person as `staff 7 (name)`, and a token as `token 7 (label)`:
-- somebody who is renamed between two approvals is still the same.
CREATE UNIQUE INDEX refund_approval_one_person
  ON refund_approval (refund_sheet_id, (coalesce(substring(actor FROM '^(?:staff|token) [0-9]+'), actor)));
