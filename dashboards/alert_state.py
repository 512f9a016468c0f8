"""The panel that lists the alerts of Hearth that are firing."""

from grafana_foundation_sdk.builders import dashboard

from dashboards.grid import Size
from dashboards.look import Look
from dashboards.words import titles

# Files and pushes make the folder of rules with different uids: rules are told by their label.
OWN_ALERTS = '{hearth="true"}'


def alert_list(look: Look, size: Size) -> dashboard.Panel:
    """Make the list of Hearth's alerts, those that fire and those about to, the newest first."""
    panel = dashboard.Panel().type("alertlist").title(look.say(titles.ALERT_STATE)).span(size.width).height(size.height)
    return panel.options(
        {
            "viewMode": "list",
            "groupMode": "default",
            "groupBy": [],
            "maxItems": 20,
            "sortOrder": 3,  # by when it began, the newest first
            "dashboardAlerts": False,
            "alertName": "",
            "alertInstanceLabelFilter": OWN_ALERTS,
            "datasource": "grafana",
            "showInactiveAlerts": False,
            "stateFilter": {"firing": True, "pending": True, "noData": False, "normal": False, "error": True},
        }
    )
