"""What Nexus refuses to start with."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from nexus.settings import DEVELOPMENT_SECRET_KEY, Settings, SettingsError

GOOD, OTHER = "g" * 48, "o" * 48


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test sets is set."""
    for name in Settings.model_fields:
        for suffix in ("", "_FILE"):
            monkeypatch.delenv(f"OBLIVION_{name.upper()}{suffix}", raising=False)


def test_production_refuses_to_start_without_a_secret_key() -> None:
    settings = Settings()
    assert settings.environment == "production"
    with pytest.raises(SettingsError, match="OBLIVION_SECRET_KEY is not set"):
        settings.secret_keys()


@pytest.mark.parametrize("key", [DEVELOPMENT_SECRET_KEY, f"{GOOD},{DEVELOPMENT_SECRET_KEY}", "k" * 31, f"{GOOD},short"])
def test_production_refuses_a_development_or_short_key_even_beside_a_good_one(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBLIVION_SECRET_KEY", key)
    with pytest.raises(SettingsError, match="development key or shorter") as refused:
        Settings().secret_keys()
    assert GOOD not in str(refused.value)


@pytest.mark.parametrize("key", ["", " ", ",", " , "])
def test_blank_key_counts_as_missing(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBLIVION_SECRET_KEY", key)
    with pytest.raises(SettingsError, match="is not set"):
        Settings().secret_keys()


def test_several_keys_are_given_for_a_rotation_with_the_sealing_one_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBLIVION_SECRET_KEY", f" {GOOD} , {OTHER} ")
    assert Settings().secret_keys() == [GOOD, OTHER]


def test_development_works_without_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBLIVION_ENVIRONMENT", "development")
    assert Settings().secret_keys() == [DEVELOPMENT_SECRET_KEY]


@pytest.mark.parametrize("name", ["secret_key", "database_url", "redis_url"])
def test_secret_may_come_as_a_file(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{GOOD}\n")
    monkeypatch.setenv(f"OBLIVION_{name.upper()}_FILE", str(tmp_path / "secret"))
    assert Settings().required(name) == GOOD


def test_variable_goes_before_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(OTHER)
    monkeypatch.setenv("OBLIVION_SECRET_KEY", GOOD)
    monkeypatch.setenv("OBLIVION_SECRET_KEY_FILE", str(tmp_path / "secret"))
    assert Settings().secret_keys() == [GOOD]


@pytest.mark.parametrize("missing", ["nowhere", "."])
def test_file_that_cannot_be_read_is_named(missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OBLIVION_SECRET_KEY_FILE", str(tmp_path / missing))
    with pytest.raises(ValidationError, match=r"OBLIVION_SECRET_KEY_FILE=.*cannot be read"):
        Settings()


def test_complaint_about_one_setting_does_not_print_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OBLIVION_SECRET_KEY", GOOD)
    monkeypatch.setenv("OBLIVION_DATABASE_URL", "postgresql://oblivion:hunter2@db.example/oblivion")
    monkeypatch.setenv("OBLIVION_REDIS_URL_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert GOOD[:12] not in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "staging"),
        ("LOG_FORMAT", "xml"),
        ("PORT", "99999"),
        ("PORT", "-1"),
        ("PORT", "http"),
    ],
)
def test_value_that_makes_no_sense_is_refused_with_its_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"OBLIVION_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_unknown_variable_is_no_reason_not_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBLIVION_SOMETHING_ELSE", "1")
    assert Settings().port == 8000


def test_missing_url_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(SettingsError, match=r"OBLIVION_DATABASE_URL is not set.*oblivion up"):
        Settings().required("database_url")


def test_settings_do_not_print_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBLIVION_SECRET_KEY", GOOD)
    monkeypatch.setenv("OBLIVION_DATABASE_URL", "postgresql://oblivion:hunter2@db.example/oblivion")
    settings = Settings()
    assert GOOD not in repr(settings)
    assert "hunter2" not in repr(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Observer.example", "https://observer.example"),
        ("https://observer.example:443/overview?x=1", "https://observer.example"),
        ("https://observer.example:80/", "https://observer.example:80"),
        ("http://localhost:8001", "http://localhost:8001"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_pages_of_the_dashboard_may_open_sockets(url: str, origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().socket_origins() == []
    monkeypatch.setenv("OBLIVION_OBSERVER_URL", url)
    monkeypatch.setenv("OBLIVION_CORS_ORIGINS", f'["https://other.example", "{origin}"]')
    assert Settings().socket_origins() == ["https://other.example", origin]
    monkeypatch.delenv("OBLIVION_CORS_ORIGINS")
    assert Settings().socket_origins() == [origin]


@pytest.mark.parametrize("url", ["observer.example", "localhost:3000", "ftp://x", "https://", "https:///x"])
def test_an_address_of_the_dashboard_that_no_page_can_have_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBLIVION_OBSERVER_URL", url)
    with pytest.raises(ValidationError, match="observer_url"):
        Settings()
