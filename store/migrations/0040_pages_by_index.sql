-- A page of a point's readings comes from the index, a page's work for a page. Statistics that have not caught up with
-- a table (after an import, or a fast replay) otherwise make PostgreSQL read and sort the whole span for each page.
ALTER FUNCTION point_readings(integer, timestamptz, timestamptz, bigint) SET enable_sort = off;
ALTER FUNCTION point_readings(integer, timestamptz, timestamptz, bigint) SET enable_bitmapscan = off;
