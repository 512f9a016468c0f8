-- What the people of the company are called stands in logs and papers: no sign of it steers a terminal or ends a line.
ALTER TABLE staff ADD CONSTRAINT staff_printable CHECK (
  concat_ws(' ', name, station, telephone, subject) !~ '[[:cntrl:]]'
);
