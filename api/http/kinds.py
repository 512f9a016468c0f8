"""What the `type` of a problem leads to."""

from fastapi import APIRouter
from pydantic import BaseModel

from api.http.problem import MEANINGS, PATH, ProblemType

router = APIRouter(tags=["problems"])


class Title(BaseModel):
    """In two languages."""

    zh: str
    en: str


class ProblemKind(BaseModel):
    """A kind of problem: what all of them have in common."""

    type: str
    status: int
    title: Title


@router.get(PATH + "{kind}")
async def kind(kind: ProblemType) -> ProblemKind:
    """A kind of problem."""
    meaning = MEANINGS[kind]
    return ProblemKind(type=PATH + kind, status=meaning.status, title=Title(**meaning.title._asdict()))
