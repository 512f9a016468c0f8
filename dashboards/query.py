"""Queries of a PostgreSQL data source; the SDK has no builder for them."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.cog.variants import Dataquery

from dashboards.look import DATASOURCE, POSTGRES_TYPE


class Query(Builder[Dataquery]):
    """One statement, asked for as a table."""

    def __init__(self, sql: str, ref: str = "A") -> None:
        self._model: dict[str, object] = {
            "refId": ref,
            "datasource": {"type": POSTGRES_TYPE, "uid": DATASOURCE},
            "editorMode": "code",
            "format": "table",
            "rawQuery": True,
            "rawSql": sql.strip(),
        }

    def build(self) -> Dataquery:
        """The query as a model of the SDK, which has a bag for kinds it does not know."""
        return UnknownDataquery(self._model)

    def as_json(self) -> dict[str, object]:
        """The same as JSON, for where the SDK's models have no room for it."""
        return dict(self._model)
