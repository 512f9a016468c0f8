"""Settings of the company that its public answers need."""

from dataclasses import dataclass, field

from store.evidence.signing import SigningKey


@dataclass(frozen=True)
class Company:
    """The company's settings.

    `least_homes`: the smallest group of homes that figures are published for. `hotline`: the service telephone number.
    `key`: the key that signs dossiers. `boards`: the address of the Grafana with the dashboards.
    """

    least_homes: int = 20
    hotline: str | None = None
    key: SigningKey | None = field(default=None, repr=False)
    boards: str | None = None
