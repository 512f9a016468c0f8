-- How the measured homes of a month were chosen, as the policy says: what its rates prove hangs on it.
ALTER TABLE kpi_proof
  ADD COLUMN sampling text CHECK (sampling IN ('random', 'worst_first', 'volunteers')); -- domain.kpi.Sampling; NULL: not said
