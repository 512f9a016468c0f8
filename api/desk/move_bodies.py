"""The common parts of the bodies of all moves on a ticket."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

from api.http.values import Asked

Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]

Code = Annotated[str, StringConstraints(max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]


class Move(BaseModel):
    """The base of all moves. `remark` is visible to staff only."""

    model_config = ConfigDict(extra="forbid")

    remark: Words | None = None

    def data(self) -> dict[str, Any]:
        """Return the data to store with the event."""
        return self.model_dump(mode="json", exclude={"kind"}, exclude_none=True)


class TimedMove(Move):
    """The base of moves that crews make. `made_at`: when it was made, if it is recorded later, as by a phone that had
    no network: a week at most, and not before the ticket was opened. The clocks stop when it is recorded.
    """

    made_at: Asked | None = None
