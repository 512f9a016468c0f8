-- Sheets are listed by state: whether something was paid by a sheet is asked for each of them.

-- Usage: the state of a sheet
CREATE INDEX refund_paid_sheet ON refund_paid (refund_sheet_id);
