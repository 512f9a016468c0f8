"""Settings: environment variables HEARTH_*, checked when a command starts. docs/settings.md describes each."""

import os
import re
import shlex
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from domain.datum import Datum
from domain.errors import UsageError
from domain.rate_limit import RateLimit

PREFIX = "HEARTH_"
LEAST_READING_DAYS = 200
PLACE = re.compile(r"(-?\d{1,2}(?:\.\d+)?), ?(-?\d{1,3}(?:\.\d+)?)", re.ASCII)
TILES = re.compile(r"(https?://[^\s/]+/|/)(?=\S*\{z\})(?=\S*\{x\})(?=\S*\{-?y\})\S+")
STYLE = re.compile(r"(https?://[^\s/{}]+)?/[^\s{}]+\.json")
# Variables that are no settings of a process: of the compose files, of the servers' cache, and those that Kubernetes
# sets in every container for a service of the name `hearth…`.
OF_OTHERS = re.compile(
    r"HEARTH_(WAL_ARCHIVE|BACKUPS|SECRETS|TRIXIE|PICTURES|(\w+_)?SERVICE_(HOST|PORT\w*)|(\w+_)?PORT_\d+_(TCP|UDP)\w*)"
)


class FileSecrets(PydanticBaseSettingsSource):
    """`HEARTH_X_FILE` names a file whose text is the value of `HEARTH_X` (container secrets)."""

    def __init__(self, settings_class: type[BaseSettings], environ: dict[str, str]) -> None:
        super().__init__(settings_class)
        self.environ = environ
        self.fields = settings_class.model_fields

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = f"{PREFIX}{field_name.upper()}_FILE"
        path = self.environ.get(name)
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except OSError as error:
            raise UsageError(f"{name}: cannot read {path}: {error.strerror}") from None

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(f, name)[0] for name, f in self.fields.items()}
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """All that a process may be told from outside."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True)

    database_url: SecretStr = SecretStr("postgresql://hearth@127.0.0.1:5432/hearth")
    mqtt_url: SecretStr = SecretStr("mqtt://127.0.0.1:1883")
    mqtt_ca_file: Path | None = None
    mqtt_cert_file: Path | None = None
    mqtt_key_file: Path | None = None
    mqtt_keepalive_s: Annotated[int, Field(ge=1, le=3600)] = 30
    kafka_servers: str | None = None
    kafka_topics: str | None = None
    kafka_group: str = "hearth"
    kafka_options: Path | None = None
    policy: Path | None = None
    timezone: str | None = None
    refunds: str | None = None
    peers: Path | None = None
    wechat: Path | None = None
    sources: Path | None = None
    recipients: Path | None = None
    notify_lease_s: Annotated[int, Field(ge=1, le=3600)] = 120
    notify_metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    api_host: str = "127.0.0.1"
    api_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    api_token_limit: str = "12000/minute"
    api_address_limit: str = "60000/minute"
    api_body_bytes: Annotated[int, Field(ge=1_024, le=16_777_216)] = 65_536
    api_cors_origins: str | None = None
    api_proxies: str | None = None
    api_listen_url: SecretStr | None = None
    push: Path | None = None
    push_mqtt_url: SecretStr | None = None
    api_listeners: Annotated[int, Field(ge=1, le=100_000)] = 5_000
    api_token_listeners: Annotated[int, Field(ge=1, le=100_000)] = 20
    api_stream_s: Annotated[int, Field(ge=1, le=86_400)] = 3_600
    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_jwks: str | None = None
    oidc_skew_s: Annotated[int, Field(ge=0, le=600)] = 30
    oidc_role_claim: str = "hearth_role"
    oidc_homes_claim: str = "hearth_homes"
    oidc_station_claim: str = "hearth_station"
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_scope: Annotated[str, Field(pattern=r"^([!-~]+ )*openid( [!-~]+)*$")] = "openid profile"
    oidc_check_min: Annotated[int, Field(ge=1, le=1_440)] = 5
    session_idle_h: Annotated[int, Field(ge=1, le=8_760)] = 12
    session_days: Annotated[int, Field(ge=1, le=365)] = 7
    crew_session_idle_h: Annotated[int, Field(ge=1, le=8_760)] = 168
    crew_session_days: Annotated[int, Field(ge=1, le=365)] = 30
    batch_messages: Annotated[int, Field(ge=1, le=100_000)] = 30_000
    batch_age_ms: Annotated[int, Field(ge=1, le=60_000)] = 50
    queue_messages: Annotated[int, Field(ge=1, le=1_000_000)] = 60_000
    queue_mb: Annotated[int, Field(ge=1, le=100_000)] = 64
    payload_bytes: Annotated[int, Field(ge=256, le=16_777_216)] = 65_536
    batch_readings: Annotated[int, Field(ge=1, le=10_000_000)] = 250_000
    device_readings: Annotated[int, Field(ge=1, le=1_000_000_000)] = 60_000
    device_faults: Annotated[int, Field(ge=1, le=1_000_000_000)] = 10_000
    message_readings: Annotated[int, Field(ge=1, le=1_000_000)] = 5_000
    message_faults: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    future_tolerance_s: Annotated[int, Field(ge=0, le=86_400)] = 300
    reading_days: Annotated[int | None, Field(ge=30, le=36_500)] = None
    archive: SecretStr | None = None
    archive_utility: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = "main"
    archive_after_days: Annotated[int, Field(ge=1, le=365)] = 7
    weather: str | None = None
    weather_timeout_s: Annotated[int, Field(ge=1, le=60)] = 10
    dead_letter_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    deferred_mb: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    dead_letter_mb: Annotated[int, Field(ge=10, le=1_000_000)] = 1_000
    files: SecretStr | None = None
    file_check: str | None = None
    seal_key: SecretStr | None = None
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    watch_metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    exporter_port: Annotated[int, Field(ge=1, le=65535)] = 9103
    backups: Path | None = None
    public_url: str = "http://127.0.0.1:8080"
    hotline: Annotated[str | None, Field(max_length=40, pattern=r"^\+?[0-9][0-9 ()-]*$")] = None
    status_least_homes: Annotated[int, Field(ge=10, le=1_000_000)] = 20
    grafana_url: str | None = None
    grafana_token: SecretStr | None = None
    grafana_language: Literal["zh", "en"] = "zh"
    grafana_database_url: SecretStr | None = None
    grafana_prometheus_url: str | None = None
    grafana_contacts: SecretStr | None = None
    map_style: str = "none"
    map_attribution: Annotated[str | None, Field(max_length=500)] = None
    map_datum: Datum = Datum.WGS84
    map_centre: str | None = None
    map_zoom: Annotated[float | None, Field(ge=3, le=19)] = None
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"

    @field_validator("database_url", "grafana_database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_postgres_url(value.get_secret_value()):
            raise ValueError("must be postgresql://user:password@host:port/database")
        return value

    @field_validator("public_url", "grafana_url", "grafana_prometheus_url")
    @classmethod
    def _is_web(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname or not _has_port_number(parts):
                raise ValueError("must be http://host:port or https://…")
        return value

    @field_validator("map_style")
    @classmethod
    def _is_map_style(cls, value: str) -> str:
        if value not in ("none", "osm", "grafana") and not TILES.fullmatch(value) and not STYLE.fullmatch(value):
            raise ValueError(
                "must be none, osm, grafana, https://…/{z}/{x}/{y}.png, or a style: https://….json, /….json"
            )
        return value

    @field_validator("map_centre")
    @classmethod
    def _is_place(cls, value: str | None) -> str | None:
        found = PLACE.fullmatch(value) if value is not None else None
        if value is not None and not (found and abs(float(found[1])) <= 85 and abs(float(found[2])) <= 180):
            raise ValueError("must be latitude,longitude, such as 41.80,123.43")
        return value

    @field_validator("weather")
    @classmethod
    def _is_weather(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"(https?://[^\s/]+(/\S*)?|/\S+)", value):
            raise ValueError("must be https://… as Open-Meteo answers, or the path of such a file")
        return value

    @field_validator("mqtt_url", "push_mqtt_url")
    @classmethod
    def _is_mqtt(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or not _has_port_number(parts):
            raise ValueError("must be mqtt://user:password@host:1883 or mqtts://…")
        return value

    @field_validator("api_token_limit", "api_address_limit")
    @classmethod
    def _is_limit(cls, value: str) -> str:
        if value != "none":
            try:
                RateLimit.parse(value)
            except ValueError:
                raise ValueError("must be like 600/minute or 20/second, or none") from None
        return value

    @model_validator(mode="after")
    def _keeps_evidence(self) -> Self:
        """Keep the evidence of flags for a season: in the table, or in the archive behind it."""
        if self.reading_days and self.reading_days < LEAST_READING_DAYS and self.archive is None:
            raise ValueError(f"HEARTH_READING_DAYS: must be at least {LEAST_READING_DAYS} without HEARTH_ARCHIVE")
        return self

    @field_validator("file_check")
    @classmethod
    def _is_command(cls, value: str | None) -> str | None:
        if value is not None and not _words(value):
            raise ValueError("must be a command with its arguments, such as clamdscan --no-summary -")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (KeyError, ValueError, OSError):
                raise ValueError("is not an IANA time zone such as Asia/Shanghai") from None
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, secrets in files."""
        return init_settings, env_settings, FileSecrets(settings_cls, dict(os.environ))


def _is_postgres_url(url: str) -> bool:
    """Check that libpq accepts the URL; several hosts may have several ports."""
    try:
        ports = str(conninfo_to_dict(url).get("port") or "")
    except ProgrammingError:
        return False
    return url.startswith(("postgresql://", "postgres://")) and all(p.isdecimal() for p in ports.split(",") if p)


def _words(command: str) -> list[str]:
    """Split a command as a shell would; empty where its quotes do not match."""
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _has_port_number(parts: SplitResult) -> bool:
    """Check that the port is valid, or absent."""
    try:
        return parts.port != 0
    except ValueError:
        return False


def load() -> Settings:
    """Read and check the environment.

    Raises:
        UsageError: one line for the first variable that is wrong, or that is unknown.
    """
    _refuse_misspelt(os.environ)
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        what = str(first["msg"]).removeprefix("Value error, ")
        raise UsageError(f"{PREFIX}{str(first['loc'][0]).upper()}: {what}" if first["loc"] else what) from None


def _refuse_misspelt(environ: Mapping[str, str]) -> None:
    """Refuse a variable that would be ignored: what it was to change would stay as it is without a word."""
    known = [PREFIX + field.upper() for field in Settings.model_fields]
    known += [f"{name}_FILE" for name in known]
    for name in sorted(environ):
        of_others = OF_OTHERS.fullmatch(name) or environ[name].startswith("tcp://")
        if name.startswith(PREFIX) and name.upper() not in known and not of_others:
            (*close,) = get_close_matches(name, known, 1, 0.8)
            hint = f"did you mean {close[0]}?" if close else "docs/settings.md lists them"
            raise UsageError(f"{name}: there is no such setting; {hint}")
