"""The route on which a policy is tried that comes as a TOML file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api.files import upload
from api.http.problem import FieldFault, invalid
from api.http.session import LEADERS, AskingLeaders, Bearer, session_of
from api.http.values import AskedDay
from api.office.trials import MOST_HOMES, MOST_TEXT, PolicyTrial, TrialOutcome, tried
from api.words.trials import TRIAL_LONG, TRIAL_NO_TEXT
from store.base.access import Right

BINARY = {"schema": {"type": "string", "format": "binary"}}
FORM = {"schema": {"type": "object", "required": ["file"], "properties": {"file": BINARY["schema"]}}}
SENT = {
    "requestBody": {
        "required": True,
        "description": "TOML (UTF-8)",
        "content": {"multipart/form-data": FORM, "application/octet-stream": BINARY},
    }
}
receiving = asynccontextmanager(upload.received)

router = APIRouter(prefix="/v1/rules", tags=["rules"])


def admitted(request: Request, bearer: Bearer) -> dict[str, str]:
    """Check that the caller may try a policy, before a byte is read.

    Raises:
        Problem: 401, 403, 429.
    """
    with session_of(request, bearer, LEADERS, Right.READ) as session:
        return upload.names_of_sender(request, session)


async def received(request: Request, names: Annotated[dict[str, str], Depends(admitted)]) -> AsyncIterator[str]:
    """Read the file of a request, and hold a slot for it until the route returns.

    Raises:
        Problem: 413, 422, 503.
    """
    async with receiving(request, names) as content:
        yield policy_text(content)


def policy_text(content: bytes) -> str:
    """Return the text of a policy file.

    Raises:
        Problem: 422.
    """
    too_long = invalid(FieldFault("policy", TRIAL_LONG.fill(most=MOST_TEXT)))
    if len(content) > 4 * MOST_TEXT:  # of UTF-8; it may end within a letter
        raise too_long
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise invalid(FieldFault("policy", TRIAL_NO_TEXT)) from None
    if len(text) > MOST_TEXT:
        raise too_long
    return text


@router.post("/trials/file", openapi_extra=SENT)
def try_file(
    asking: AskingLeaders,
    policy: Annotated[str, Depends(received, scope="function")],
    first: Annotated[AskedDay, Query(alias="from")],
    end: Annotated[AskedDay, Query(alias="to", description="local day, not included")],
    most_homes: Annotated[int, Query(ge=1, le=MOST_HOMES)] = MOST_HOMES,
) -> TrialOutcome:
    """Try a policy that comes as a TOML file, as the body or as the one file of a form. Nothing is written."""
    sent = {"from": first, "to": end, "policy": policy, "most_homes": most_homes}
    return tried(asking, PolicyTrial.model_validate(sent))
