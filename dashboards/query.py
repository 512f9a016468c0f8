"""Queries of a PostgreSQL data source; the SDK has no builder for them."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.cog.variants import Dataquery

from dashboards.look import DATASOURCE, POSTGRES_TYPE


class Query(Builder[Dataquery]):
    """A statement whose result is a table."""

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
        """Build the query as the SDK's model for unknown query types."""
        return UnknownDataquery(self._model)

    def as_json(self) -> dict[str, object]:
        """Return the query as JSON, for fields that the SDK's models lack."""
        return dict(self._model)
