"""The note in a demo's folder: which town lives there, since when, and how far its story has got."""

import json
import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

NAME = "demo.json"
INSTANTS = ("began", "story")
HOMES, SEED, PACE_S, DAYS = 500, 1, 60, 30  # where neither the command nor the folder says otherwise
BACKFILL = timedelta(
    hours=2
)  # of readings a minute, before the demo begins; what the story needs before it is in there


@dataclass(frozen=True)
class DemoNote:
    """The note in a folder."""

    began: datetime
    homes: int = HOMES
    seed: int = SEED
    pace_s: int = PACE_S  # seconds between two readings of a sensor
    days: int = DAYS  # of the past
    key: str = field(default_factory=lambda: secrets.token_urlsafe(9))  # lets other devices in
    story: datetime | None = None  # when it begins; None: the past is not complete
    told: int = 0  # calls of the story that have been made

    @property
    def past_from(self) -> datetime:
        """The beginning of the past."""
        return self.past_until - timedelta(days=self.days)

    @property
    def past_until(self) -> datetime:
        """The end of the past, from which on readings come by the broker."""
        return (self.began - BACKFILL).replace(second=0, microsecond=0)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read the note of a folder; None: nothing lives there.

        Raises:
            ValueError: it is not a note.
        """
        file = folder / NAME
        if not file.exists():
            return None
        try:
            said: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            instants: dict[str, Any] = {name: datetime.fromisoformat(said[name]) for name in INSTANTS if said[name]}
            return cls(**{**said, **instants})
        except (KeyError, TypeError) as error:
            raise ValueError(f"{file}: {error}") from None

    def write(self, folder: Path) -> None:
        """Write it down, whole or not at all, for nobody else to read."""
        unfinished = folder / f"{NAME}.unfinished"
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(asdict(self), default=datetime.isoformat), encoding="utf-8")
        unfinished.replace(folder / NAME)

    def evolve(self, folder: Path, **changes: Any) -> Self:
        """Change it and write it down."""
        changed = replace(self, **changes)
        changed.write(folder)
        return changed
