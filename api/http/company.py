"""What the company tells of itself to everybody."""

from dataclasses import dataclass, field

from store.evidence.signing import SigningKey


@dataclass(frozen=True)
class Company:
    """What the operator has set.

    `least_homes`: figures are told of so many homes together, never of fewer. `hotline`: whom to call. `key`: what
    dossiers are signed with.
    """

    least_homes: int = 20
    hotline: str | None = None
    key: SigningKey | None = field(default=None, repr=False)
