"""How dashboards look: names, colours, thresholds. The one place for what all of them share."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold

from domain.policy import Limit, Policy
from domain.reasons import Text

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

OWN = "hearth-"  # what begins so in Grafana is ours: dashboards, alert rules, contact points
FOLDER = "hearth"
FOLDER_TITLE = Text("供热监测", "Hearth")
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
NO_CELSIUS = -100.0  # under every temperature: what has no value stays grey


@dataclass(frozen=True)
class Look:
    """What a set of dashboards is made for."""

    language: Language
    policy: Policy
    at: datetime  # by which version of the policy the thresholds are
    hearth_url: str  # where a browser reaches the API

    def say(self, text: Text) -> str:
        """The text in the language of the dashboards."""
        return text.zh if self.language == "zh" else text.en

    @property
    def zone(self) -> str:
        """The IANA name of the utility's time zone."""
        return self.policy.zone.key

    def limit(self, severity: str) -> Limit | None:
        """The limit for flats of several storeys that is in force; None if the policy has none."""
        version = self.policy.version_at(self.at) or self.policy.versions[0]
        found = (x for x in version.limits if x.home_class == "multistorey" and x.severity == severity)
        return next(found, None)

    def celsius(self) -> list[Threshold]:
        """Grey without a value, then the colours between the limits of the policy."""
        severe, cold = self.limit("severe"), self.limit("cold")
        steps = [Threshold(value=None, color=GREY), Threshold(value=NO_CELSIUS, color=RED)]
        if severe:
            steps.append(Threshold(value=severe.below_celsius, color=ORANGE))
        if cold:
            steps.append(Threshold(value=cold.below_celsius, color=GREEN))
        return steps


def postgres() -> DataSourceRef:
    """The data source of all panels: a database role that sees views only."""
    return DataSourceRef(type_val=POSTGRES_TYPE, uid=DATASOURCE)
