"""Photos and papers on a ticket's page of the desk."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from starlette.responses import RedirectResponse, Response

from api.desk_pages.queue import QUEUE
from api.desk_pages.ticket_routes import reading, show_ticket, writing
from api.http.problem import Problem
from api.http.session import DESK
from api.staff.file_form import FileForm, is_about_file, read_file_form
from api.staff.file_pages import files_router

router = files_router(f"{QUEUE}/tickets/{{number}}/files", DESK)


@router.post("")
def send_file(request: Request, sent: Annotated[FileForm, Depends(read_file_form)]) -> Response:
    """Attach a file to a ticket, and lead back to it; why a file is not taken is shown on its page."""
    try:
        file = sent.prepared(request)
        with writing(request) as changing:
            sent.attach(request, changing, file)
    except Problem as problem:
        if not is_about_file(problem):
            raise
        with reading(request) as asking:
            return show_ticket(request, asking, sent.number, status=problem.status, refused=problem)
    return RedirectResponse(f"{QUEUE}/tickets/{quote(sent.number)}?done=attached", 303)
