"""Proofs of a month: what its rates prove of the homes of the company and of each station."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from psycopg import Connection

from domain.kpi import Month, Sampling
from domain.policy import Policy
from insight.proof import TimeSums, prove
from insight.strata import Cells, Whole
from store.figures import proof_rows
from store.figures.proof_rows import MonthCells


def make(conn: Connection, month: Month, policy: Policy) -> None:
    """Tell what the rates of a month prove, if its heat was summed up since that was done, or the sampling is another.

    `policy` says how the measured homes of the month were chosen.
    """
    said = policy.rules_at(month.span(policy.zone)[0]).sampling
    sampling = None if said is None else Sampling(said)
    if not proof_rows.is_stale(conn, month.first, sampling):
        return
    found = proof_rows.cells(conn, month.first)
    stations = [None, *sorted(set(found.stations))] if found.stations else []
    made = {station: prove(*cells_of(found.of(station))) for station in stations}
    told = {station: replace(proof, sampling=sampling) for station, proof in made.items() if proof is not None}
    proof_rows.replace(conn, month.first, told)


def cells_of(found: MonthCells) -> tuple[Cells, TimeSums]:
    """Return cells as arrays of codes and numbers."""
    homes, measured, warm, share, squares = found.numbers.T

    def codes(column: Sequence[object]) -> Whole:
        return np.unique(np.array(column), return_inverse=True)[1]

    cells = Cells(codes(found.buildings), codes(found.floors), codes(found.exposures), homes, measured, warm)
    return cells, TimeSums(share, squares)
