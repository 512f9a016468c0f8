"""Route for the export of labelled cases: likely causes beside those that crews found, of no home."""

from typing import Annotated

import pyarrow as pa
from fastapi import APIRouter, Query

from alerts.figures.cases import labelled_cases, last_year
from api.homes.exports import TABLE, ExportingBuilding, answer
from api.http.download import Download
from api.http.problem import FieldFault, invalid
from api.words.problems import YEAR_NOT_OVER
from papers.exports.formats import Format
from papers.exports.schemas import CASES

Year = Annotated[
    int | None, Query(ge=2000, le=2200, description="heating year: from July of this year to June of the next")
]

router = APIRouter(prefix="/v1/insight", tags=["exports"])


@router.get("/cases.{form}", response_class=Download, status_code=200, responses=TABLE)
def cases(form: Format, export: ExportingBuilding, year: Year = None) -> Download:
    """Export the labelled cases of a heating year that is over, by default the last one; no row is of one home."""
    asking = export.asking
    last = last_year(asking.now, asking.policy.zone)
    if year is not None and year > last:
        raise invalid(FieldFault("year", YEAR_NOT_OVER.fill(last=last)))
    wanted = last if year is None else year
    found = labelled_cases(asking.conn, wanted, asking.policy.zone)
    asking.notes["cases"] = f"{wanted}: {len(found.cases)}, {found.left_out} left out"
    batch = pa.RecordBatch.from_pylist([case._asdict() for case in found.cases], schema=CASES)
    return answer(export.sheet, form, CASES, iter([batch] if found.cases else []), f"cases-{wanted}")
