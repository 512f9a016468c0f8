"""The look that all dashboards share: names, colours, thresholds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold

from dashboards.ground import NOWHERE, MapGround
from domain.policy import Limit, Policy
from domain.words.text import Text

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

OWN = "hearth-"  # uid prefix of everything managed here: dashboards, alert rules, contact points
FOLDER = "hearth"
DATASOURCE = "hearth-postgres"
PROMETHEUS = "hearth-prometheus"
TAG = "hearth"
POSTGRES_TYPE = "grafana-postgresql-datasource"

GREY = "#8e8e8e"  # unknown
GREEN = "#56a64b"
YELLOW = "#f2cc0c"
ORANGE = "#ff780a"
RED = "#c4162a"
BLUE = "#3274d9"
PALE = "#c8c8c8"  # not judged
PURPLE = "#8f3bb8"  # incidents
NO_CELSIUS = -100.0  # below every temperature: a missing value stays grey


@dataclass(frozen=True)
class Look:
    """The context a set of dashboards is built for."""

    language: Language
    policy: Policy
    at: datetime  # selects the policy version of the thresholds
    hearth_url: str  # where a browser reaches the pages
    prometheus: bool = False  # there is one, so there is a dashboard of it
    ground: MapGround = NOWHERE

    def say(self, text: Text) -> str:
        """Return a text in the language of the dashboards."""
        return text.zh if self.language == "zh" else text.en

    @property
    def zone(self) -> str:
        """The IANA name of the utility's time zone."""
        return self.policy.zone.key

    def limit(self, severity: str) -> Limit | None:
        """Return the limit in force for multi-storey homes; None if the policy has none."""
        version = self.policy.version_at(self.at) or self.policy.versions[0]
        found = (x for x in version.limits if x.home_class == "multistorey" and x.severity == severity)
        return next(found, None)

    def celsius(self) -> list[Threshold]:
        """Return the colour thresholds of temperatures: grey without a value, then by the policy's limits."""
        severe, cold = self.limit("severe"), self.limit("cold")
        steps = [Threshold(value=None, color=GREY), Threshold(value=NO_CELSIUS, color=RED)]
        if severe:
            steps.append(Threshold(value=severe.below_celsius, color=ORANGE))
        if cold:
            steps.append(Threshold(value=cold.below_celsius, color=GREEN))
        return steps


def postgres() -> DataSourceRef:
    """Return the data source of all panels; its database role can read views only."""
    return DataSourceRef(type_val=POSTGRES_TYPE, uid=DATASOURCE)
