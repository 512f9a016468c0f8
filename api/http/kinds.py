"""The pages that the `type` of a problem links to."""

from fastapi import APIRouter
from pydantic import BaseModel

from api.http.problem import MEANINGS, PATH, ProblemType

router = APIRouter(tags=["problems"])


class Title(BaseModel):
    """A title in both languages."""

    zh: str
    en: str


class ProblemKind(BaseModel):
    """A type of problem, with its status and title."""

    type: str
    status: int
    title: Title


@router.get(PATH + "{kind}")
async def kind(kind: ProblemType) -> ProblemKind:
    """Describe a type of problem."""
    meaning = MEANINGS[kind]
    return ProblemKind(type=PATH + kind, status=meaning.status, title=Title(**meaning.title._asdict()))
