"""Settings: what may be said, what is kept, what is refused outside a demonstration."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.settings import PROJECT_ROOT, SETTINGS, BadSetting, Settings, UnsafeSetting, settings_page

KEY = "vJ3kD9-qLw0_Zt7sXy2mPb5nRc8fHg1aUe4oTi6W"


def read(home: Path, **environ: str) -> Settings:
    return Settings.from_environment({"PASAPORTES_HOME": str(home), **environ})


def refused(settings: Settings) -> tuple[str, ...]:
    """The variables that the refusal names, none when the settings are safe."""
    try:
        settings.refuse_unsafe()
    except UnsafeSetting as error:
        return tuple(variable for variable in error.variables if f"\n- {variable}: " in str(error))
    return ()


def test_production_starts_with_two_settings(tmp_path):
    settings = read(tmp_path, PASAPORTES_SECRET_KEY=KEY, PASAPORTES_RATELIMIT_STORAGE="memory://")
    assert refused(settings) == ()
    assert settings.cookie_secure
    assert settings.registry == "service"


def test_production_without_settings_is_refused_naming_them_all_at_once(tmp_path):
    settings = read(tmp_path, PASAPORTES_WORKERS="2")
    assert refused(settings) == ("PASAPORTES_SECRET_KEY", "PASAPORTES_RATELIMIT_STORAGE")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PASAPORTES_SECRET_KEY", ""),
        ("PASAPORTES_SECRET_KEY", "short"),
        ("PASAPORTES_SECRET_KEY", "0" * 64),
        ("PASAPORTES_SECRET_KEY", "changeme-changeme-changeme-changeme-0123"),
        ("PASAPORTES_DEBUG", "1"),
        ("PASAPORTES_REGISTRY", "simulator"),
        ("PASAPORTES_RATELIMIT_STORAGE", ""),
        ("PASAPORTES_COOKIE_SECURE", "no"),
        ("PASAPORTES_TRUSTED_HOSTS", ""),
    ],
)
def test_an_unsafe_value_is_refused_in_production_and_allowed_in_a_demonstration(tmp_path, variable, value):
    safe = {
        "PASAPORTES_SECRET_KEY": KEY,
        "PASAPORTES_WORKERS": "4",
        "PASAPORTES_BIND": "0.0.0.0",
        "PASAPORTES_TRUSTED_HOSTS": "pasaportes.example",
        "PASAPORTES_RATELIMIT_STORAGE": "redis://cache",
    }
    assert refused(read(tmp_path, **safe)) == ()
    assert refused(read(tmp_path, **safe | {variable: value})) == (variable,)
    assert refused(read(tmp_path, **safe | {variable: value}, PASAPORTES_DEMO="1")) == ()


def test_one_worker_counts_rate_limits_alone_and_needs_no_storage(tmp_path):
    settings = read(tmp_path, PASAPORTES_SECRET_KEY=KEY, PASAPORTES_WORKERS="1")
    assert refused(settings) == ()
    assert settings.ratelimit_url == "memory://"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PASAPORTES_PORT", "abc"),
        ("PASAPORTES_PORT", "70000"),
        ("PASAPORTES_WORKERS", "0"),
        ("PASAPORTES_DEMO", "perhaps"),
        ("PASAPORTES_REGISTRY", "renap"),
        ("PASAPORTES_OCRB_FONT", "/nowhere/font.otf"),
        ("PASAPORTES_MAX_BODY", "4 MiB"),
        ("PASAPORTES_API_RATE", "often"),
        ("PASAPORTES_PASSWORD_DAYS", "-1"),
    ],
)
def test_a_bad_value_is_named_with_what_it_must_be(tmp_path, variable, value):
    with pytest.raises(BadSetting, match=f"^{variable} must be .*, not '{value}'"):
        read(tmp_path, **{variable: value})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_postgresql_url_becomes_the_one_sqlalchemy_reads(tmp_path, scheme):
    settings = read(tmp_path, DATABASE_URL=f"{scheme}://igm:p%40ss@db.example:6432/pasaportes?sslmode=require")
    assert settings.database_url == "postgresql+psycopg://igm:p%40ss@db.example:6432/pasaportes?sslmode=require"


@pytest.mark.parametrize("url", ["mysql://igm:hidden@db/x", "postgresql+asyncpg://igm:hidden@db/x", "hidden"])
def test_another_database_is_refused_without_showing_its_password(tmp_path, url):
    with pytest.raises(BadSetting, match=r"^DATABASE_URL must be") as refusal:
        read(tmp_path, DATABASE_URL=url)
    assert "hidden" not in str(refusal.value)


def test_a_demonstration_makes_its_secret_key_once_and_keeps_it_private(tmp_path):
    home = tmp_path / "new" / "home"
    first, second = read(home, PASAPORTES_DEMO="1"), read(home, PASAPORTES_DEMO="1")
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 32
    assert stat.S_IMODE((home / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_demonstrations_that_start_at_once_share_one_secret_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: read(tmp_path, PASAPORTES_DEMO="1").secret_key, range(16)))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_production_never_makes_a_secret_key(tmp_path):
    assert read(tmp_path).secret_key == ""
    assert list(tmp_path.iterdir()) == []


def test_home_is_var_in_the_project_unless_said():
    assert Settings().home == PROJECT_ROOT / "var"
    assert (PROJECT_ROOT / "pyproject.toml").exists()


def test_a_home_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="PASAPORTES_HOME cannot be made"):
        read(tmp_path / "file" / "home")


def test_secrets_are_not_printed(tmp_path):
    settings = read(
        tmp_path,
        DATABASE_URL="postgresql://igm:hidden@db/x",
        PASAPORTES_SECRET_KEY=f"hidden{KEY}",
        PASAPORTES_DEMO_PASSWORD="hidden",
    )
    assert "hidden" not in repr(settings)


def test_an_empty_variable_counts_as_absent(tmp_path):
    assert read(tmp_path, PASAPORTES_PORT="", DATABASE_URL=" ").port == 8000


def test_lists_are_read_without_blanks(tmp_path):
    settings = read(tmp_path, PASAPORTES_TRUSTED_HOSTS=" a.example, ,b.example ")
    assert settings.trusted_hosts == ("a.example", "b.example")


def test_every_setting_has_its_own_variable_and_a_row_of_the_reference():
    variables = [setting.variable for setting in SETTINGS]
    assert len(set(variables)) == len(variables) == 37
    page = settings_page()
    assert all(f"| `{setting.variable}` | {setting.description} |" in page for setting in SETTINGS)
    assert str(PROJECT_ROOT) not in page
