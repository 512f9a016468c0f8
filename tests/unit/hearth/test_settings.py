from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.http.session import SessionSpans
from domain.errors import UsageError
from hearth.serving import provider_of, spans_of
from hearth.settings import Settings, load
from hearth.wiring import chosen_files
from store.base.access import Role
from store.tickets.file_contents import DATABASE, FolderFiles


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEARTH_DATABASE_URL", raising=False)
    monkeypatch.delenv("HEARTH_MQTT_URL", raising=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEARTH_DATABASE_URL", "mysql://u:secret@h/d"),
        ("HEARTH_MQTT_URL", "http://u:secret@h"),
        ("HEARTH_MQTT_URL", "mqtt://"),
        ("HEARTH_TIMEZONE", "Asia/Nowhere"),
        ("HEARTH_API_PORT", "70000"),
        ("HEARTH_BATCH_MESSAGES", "0"),
        ("HEARTH_LOG_LEVEL", "loud"),
        ("HEARTH_MAP_STYLE", "https://tiles.example/secret/map.png"),
        ("HEARTH_MAP_STYLE", "streets"),
        ("HEARTH_MAP_CENTRE", "123.4"),
        ("HEARTH_MAP_CENTRE", "123.4,41.8"),
        ("HEARTH_MAP_CENTRE", "41.8,223.4"),
        ("HEARTH_MAP_ZOOM", "1"),
        ("HEARTH_FILE_CHECK", "clamdscan 'secret"),
        ("HEARTH_FILE_CHECK", " "),
    ],
)
def test_a_wrong_setting_is_named_in_one_line_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=f"^{name}: [^\n]+$") as caught:
        load()
    assert "secret" not in str(caught.value)


def test_a_file_gives_the_value(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://u:p@h/d\n")
    monkeypatch.setenv("HEARTH_DATABASE_URL_FILE", str(file))
    assert load().database_url.get_secret_value() == "postgresql://u:p@h/d"
    monkeypatch.setenv("HEARTH_DATABASE_URL", "postgresql://other@h/d")
    assert load().database_url.get_secret_value() == "postgresql://other@h/d"


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEARTH_MQTT_URL_FILE", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="HEARTH_MQTT_URL_FILE: cannot read"):
        load()


def test_a_value_that_is_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_DATABASE_URL", "postgresql://u:hush-hush@h/d")
    monkeypatch.setenv("HEARTH_OIDC_CLIENT_SECRET", "hush-hush")
    assert "hush-hush" not in repr(load())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("HEARTH_DATABSE_URL", "did you mean HEARTH_DATABASE_URL?"),
        ("HEARTH_MQTT_URL_FIEL", "did you mean HEARTH_MQTT_URL_FILE?"),
        ("HEARTH_READING_DAY", "did you mean HEARTH_READING_DAYS?"),
        ("HEARTH_COLOUR", "docs/settings.md lists them"),
    ],
)
def test_a_misspelt_setting_is_named_and_not_ignored(monkeypatch: pytest.MonkeyPatch, name: str, hint: str) -> None:
    monkeypatch.setenv(name, "secret")
    with pytest.raises(UsageError) as caught:
        load()
    assert str(caught.value) == f"{name}: there is no such setting; {hint}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEARTH_TRIXIE", "/somewhere"),  # of the tests' servers
        ("HEARTH_WAL_ARCHIVE", "/somewhere"),  # of the compose file
        ("HEARTH_API_SERVICE_HOST", "10.0.0.1"),  # Kubernetes, for a service named hearth-api
        ("HEARTH_BROKER_PORT", "tcp://10.0.0.1:8883"),
        ("HEARTH_BROKER_PORT_8883_TCP_ADDR", "10.0.0.1"),
    ],
)
def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    before = load()
    monkeypatch.setenv(name, value)
    assert load() == before


OIDC = {"ISSUER": "https://id.example/realm", "AUDIENCE": "hearth", "JWKS": "https://id.example/keys"}


def test_people_sign_in_at_a_provider_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider_of(load()) is None
    monkeypatch.setenv("HEARTH_OIDC_CLIENT_ID", "pages")
    with pytest.raises(UsageError, match="HEARTH_OIDC_CLIENT_ID needs HEARTH_OIDC_ISSUER"):
        provider_of(load())
    for name, value in OIDC.items():
        monkeypatch.setenv(f"HEARTH_OIDC_{name}", value)
    monkeypatch.setenv("HEARTH_OIDC_CLIENT_SECRET", "not to be shown")
    flow = provider_of(load())
    assert flow is not None
    assert (flow.client_id, flow.client_secret, flow.oidc.issuer) == ("pages", "not to be shown", OIDC["ISSUER"])
    assert "not to be shown" not in repr(flow)


def test_sessions_last_as_long_as_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spans_of(load()) == SessionSpans()
    monkeypatch.setenv("HEARTH_SESSION_IDLE_H", "1")
    monkeypatch.setenv("HEARTH_CREW_SESSION_DAYS", "90")
    spans = spans_of(load())
    assert (spans.of(Role.ADMIN).idle, spans.of(Role.CREW).longest) == (timedelta(hours=1), timedelta(days=90))


@pytest.mark.parametrize("uri", ["nowhere/secret", "ftp://u:secret@h/files", "s3://", ""])
def test_a_place_for_files_that_is_none_is_named_without_its_secrets(uri: str) -> None:
    with pytest.raises(UsageError, match=r"^HEARTH_FILES: is no folder") as caught:
        chosen_files(Settings(files=SecretStr(uri)))
    assert "secret" not in str(caught.value)


def test_files_are_in_the_database_or_in_a_folder(tmp_path: Path) -> None:
    assert chosen_files(Settings()) is DATABASE
    assert isinstance(chosen_files(Settings(files=SecretStr(tmp_path.as_uri()))), FolderFiles)


def test_readings_stay_in_the_table_for_a_season_unless_an_archive_is_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEARTH_READING_DAYS", "30")
    with pytest.raises(UsageError, match="HEARTH_READING_DAYS: must be at least 200 without HEARTH_ARCHIVE"):
        load()
    monkeypatch.setenv("HEARTH_ARCHIVE", "file:///somewhere")
    assert load().reading_days == 30
