"""Every setting of the product, declared once, and the refusal of those that are unsafe outside a demonstration."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from app.secret_key import SHORTEST_SECRET_KEY, is_guessable, kept_secret_key
from app.setting_kinds import DATABASE_URL, EXISTING_FILE, FOLDER, NAMES, RATE, TEXT, YES_NO, Kind, one_of, whole
from printing.transliteration import CHOICES_OF, DEFAULT_CHOICES, EMPTY_OPTIONAL_DIGITS, MrzChoices

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DEMONSTRATION = "demonstration"  # the file in the home folder of a demonstration


class SettingError(Exception):
    """A setting stops the product from starting; the message names it and says what to do."""

    def __init__(self, variables: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.variables = variables


class BadSetting(SettingError):
    """A value that cannot be read as what its setting is."""


class UnsafeSetting(SettingError):
    """Values that only a demonstration may have."""


@dataclass(frozen=True)
class Setting:
    """One entry of the reference page: an environment variable and the field of `Settings` it fills."""

    name: str
    variable: str
    kind: Kind
    default: Any
    demo_default: Any
    shown_default: str
    description: str
    secret: bool

    def value(self, environ: Mapping[str, str], *, demo: bool) -> Any:
        """What `environ` says, or the default; an empty variable counts as absent."""
        text = environ.get(self.variable, "").strip()
        if not text:
            return self.demo_default if demo else self.default
        try:
            return self.kind.read(text)
        except ValueError as error:
            given = "" if self.secret else f", not {text!r}"
            raise BadSetting((self.variable,), f"{self.variable} must be {self.kind.words}{given}.") from error


def _setting(
    variable: str, kind: Kind, default: Any, description: str, *,
    demo: Any = MISSING, secret: bool = False, shown: str = "",
) -> Any:  # fmt: skip
    """A field of `Settings`; `demo` is its default in a demonstration when that differs."""
    demo_default = default if demo is MISSING else demo
    words = {"variable": variable, "kind": kind, "description": description, "shown_default": shown, "secret": secret}
    return field(default=default, repr=not secret, metadata={**words, "demo_default": demo_default})


def _mrz_letter(choice: str) -> Any:
    """A field of `Settings` that holds what the State writes for a letter; `choice` is the field of MrzChoices."""
    letter, allowed = CHOICES_OF[choice]
    what = f"Letters for {letter} in the machine readable zone (Doc 9303-3 §6.A)."
    return _setting(f"PASAPORTES_MRZ_{choice.upper()}", one_of(*allowed), getattr(DEFAULT_CHOICES, choice), what)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The values one process runs with. Built directly (in tests) it has the defaults of production."""

    home: Path = _setting(  # noqa: RUF009
        "PASAPORTES_HOME", FOLDER, PROJECT_ROOT / "var",
        "Where the product keeps its data: embedded database, secret key of the demonstration.",
        shown="`var` in the project",
    )  # fmt: skip
    port: int = _setting(
        "PASAPORTES_PORT", whole(0, 65535), 8000, "Port of the web server; 0 takes any free one.",
    )  # fmt: skip
    bind: str = _setting("PASAPORTES_BIND", TEXT, "127.0.0.1", "Address the web server listens on.")
    database_url: str | None = _setting(
        "DATABASE_URL", DATABASE_URL, None,
        "PostgreSQL server to use, 15 or later; without it the embedded server keeps its data in PASAPORTES_HOME.",
        secret=True, shown="the embedded server",
    )  # fmt: skip
    secret_key: str = _setting(
        "PASAPORTES_SECRET_KEY", TEXT, "",
        f"Signs sessions and tokens; {SHORTEST_SECRET_KEY} random characters or more, the same in every process.",
        secret=True, shown="none; a demonstration makes one and keeps it in `secret_key` in PASAPORTES_HOME",
    )  # fmt: skip
    demo: bool = _setting(
        "PASAPORTES_DEMO", YES_NO, False, "Demonstration: invented people, demo users, unsafe settings allowed.",
        shown="0; 1 where `pasaportes demo` was run in that PASAPORTES_HOME",
    )  # fmt: skip
    demo_password: str | None = _setting(
        "PASAPORTES_DEMO_PASSWORD", TEXT, None, "Password of every demo user.",
        secret=True, shown="one made at random and printed once",
    )  # fmt: skip
    debug: bool = _setting("PASAPORTES_DEBUG", YES_NO, False, "Show errors in full; never outside a demonstration.")
    workers: int = _setting(
        "PASAPORTES_WORKERS", whole(1, 64), min(4, max(2, os.cpu_count() or 2)),
        "Web server processes, each serving one request at a time.", shown="one per processor, from 2 to 4",
    )  # fmt: skip
    ratelimit_storage: str | None = _setting(
        "PASAPORTES_RATELIMIT_STORAGE", TEXT, None,
        "Where rate limits are counted, as a URL of the `limits` library; memory:// counts in each process apart.",
        demo="memory://", shown="memory://, to be said outside a demonstration",
    )  # fmt: skip
    ocrb_font: Path | None = _setting(  # noqa: RUF009
        "PASAPORTES_OCRB_FONT", EXISTING_FILE, None, "OCR-B font of the machine readable zone.",
        shown="the one of Debian's package fonts-ocr-b",
    )  # fmt: skip
    page_font: Path | None = _setting(  # noqa: RUF009
        "PASAPORTES_PAGE_FONT", EXISTING_FILE, None,
        "Font of the fields of the data page; one that has the letters of other countries' names.",
        shown="Vera, which has the letters of Spanish and of Mayan languages",
    )  # fmt: skip
    page_font_bold: Path | None = _setting(  # noqa: RUF009
        "PASAPORTES_PAGE_FONT_BOLD", EXISTING_FILE, None, "Its bold face, for names and passport number.",
        shown="PASAPORTES_PAGE_FONT, or Vera Bold",
    )  # fmt: skip
    mrz_enye: str = _mrz_letter("enye")
    mrz_u_diaeresis: str = _mrz_letter("u_diaeresis")
    mrz_a_diaeresis: str = _mrz_letter("a_diaeresis")
    mrz_o_diaeresis: str = _mrz_letter("o_diaeresis")
    mrz_a_ring: str = _mrz_letter("a_ring")
    mrz_empty_optional_digit: str = _setting(
        "PASAPORTES_MRZ_EMPTY_OPTIONAL_DIGIT", one_of(*EMPTY_OPTIONAL_DIGITS), DEFAULT_CHOICES.empty_optional_digit,
        "Check digit of an empty personal number in the machine readable zone (Doc 9303-4 §4.2.2).",
    )  # fmt: skip
    session_minutes: int = _setting(
        "PASAPORTES_SESSION_MINUTES", whole(1, 1440), 30, "Minutes without activity after which a user is logged out.",
    )  # fmt: skip
    session_hours: int = _setting(
        "PASAPORTES_SESSION_HOURS", whole(1, 24), 12,
        "Hours after which a user has to log in again, however busy he is.",
    )  # fmt: skip
    password_days: int = _setting(
        "PASAPORTES_PASSWORD_DAYS", whole(0, 3650), 90,
        "Days after which a password expires and must be changed; 0 for never.",
        demo=0, shown="90; 0 in a demonstration",
    )  # fmt: skip
    login_rate: str = _setting(
        "PASAPORTES_LOGIN_RATE", RATE, "10 per minute",
        "Most log-ins from one address, not counted in a demonstration.",
    )  # fmt: skip
    api_rate: str = _setting(
        "PASAPORTES_API_RATE", RATE, "600 per minute",
        "Most calls of the programming interfaces by one account, or by one address without a token.",
    )  # fmt: skip
    search_rate: str = _setting(
        "PASAPORTES_SEARCH_RATE", RATE, "120 per minute", "Most searches and enquiries of one user.",
    )  # fmt: skip
    export_rate: str = _setting(
        "PASAPORTES_EXPORT_RATE", RATE, "20 per minute", "Most files that one user asks for or fetches.",
    )  # fmt: skip
    trusted_hosts: tuple[str, ...] = _setting(
        "PASAPORTES_TRUSTED_HOSTS", NAMES, (),
        "Host names this server answers to, separated by commas.", shown="any",
    )  # fmt: skip
    cookie_secure: bool = _setting(
        "PASAPORTES_COOKIE_SECURE", YES_NO, True, "Send the session cookie over TLS only.",
        demo=False, shown="1; 0 in a demonstration",
    )  # fmt: skip
    registry: str = _setting(
        "PASAPORTES_REGISTRY", one_of("service", "simulator", "off"), "service",
        "Who answers at intake: the services of “Parámetros WS”, the simulator's table (only in tests), or nobody.",
    )  # fmt: skip
    service_ca: Path | None = _setting(  # noqa: RUF009
        "PASAPORTES_SERVICE_CA", EXISTING_FILE, None,
        "PEM file of the authorities that outside services are verified by.", shown="those of the system",
    )  # fmt: skip
    extension_months: int = _setting(
        "PASAPORTES_EXTENSION_MONTHS", whole(0, 24), 6, "Last months of its validity in which a passport is extended.",
    )  # fmt: skip
    max_body: int = _setting(
        "PASAPORTES_MAX_BODY", whole(65536, 1 << 30), 4 << 20, "Largest request body accepted, in bytes.",
    )  # fmt: skip
    job_workers: int = _setting(
        "PASAPORTES_JOB_WORKERS", whole(0, 16), 1,
        "Processes that make reports, started by the server; 0 when `pasaportes work` is started by other means.",
    )  # fmt: skip
    report_days: int = _setting("PASAPORTES_REPORT_DAYS", whole(1, 365), 7, "Days the file of a report is kept.")
    report_long_lines: int = _setting(
        "PASAPORTES_REPORT_LONG_LINES", whole(100, 1_000_000), 5000, "Lines above which a report is made by a worker.",
    )  # fmt: skip
    report_pdf_lines: int = _setting(
        "PASAPORTES_REPORT_PDF_LINES", whole(100, 1_000_000), 20_000, "Most lines of a report as PDF.",
    )  # fmt: skip
    report_picture_lines: int = _setting(
        "PASAPORTES_REPORT_PICTURE_LINES", whole(0, 10_000), 300, "Most lines of a report as PDF with pictures.",
    )  # fmt: skip

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read every setting, make the home folder when missing, and in a demonstration keep a secret key there.

        Raises BadSetting naming the first variable that cannot be read.
        """
        demo = _is_demonstration(environ)
        values = {setting.name: setting.value(environ, demo=demo) for setting in SETTINGS}
        settings = cls(**values | {"demo": demo})
        _make_home(settings.home)
        if settings.demo and not settings.secret_key:
            return replace(settings, secret_key=kept_secret_key(settings.home / "secret_key"))
        return settings

    @property
    def ratelimit_url(self) -> str:
        """Storage of the rate limits for the `limits` library."""
        return self.ratelimit_storage or "memory://"

    @property
    def mrz_choices(self) -> MrzChoices:
        """What Doc 9303 leaves to the State, as the `mrz_…` settings say it."""
        return MrzChoices(**{choice.name: getattr(self, f"mrz_{choice.name}") for choice in fields(MrzChoices)})

    def refuse_unsafe(self) -> None:
        """Raise UnsafeSetting, naming each unsafe setting and its remedy; a demonstration may have them all."""
        found = [] if self.demo else [(variable, remedy) for unsafe, variable, remedy in self._risks() if unsafe]
        if found:
            lines = "".join(f"\n- {variable}: {remedy}" for variable, remedy in found)
            raise UnsafeSetting(
                tuple(variable for variable, _ in found),
                f"Unsafe to start outside a demonstration (PASAPORTES_DEMO=1):{lines}",
            )

    def _risks(self) -> list[tuple[bool, str, str]]:
        exposed = not is_loopback(self.bind)
        return [
            (not self.secret_key, "PASAPORTES_SECRET_KEY",
             "missing; set it to the output of: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"),
            (bool(self.secret_key) and is_guessable(self.secret_key), "PASAPORTES_SECRET_KEY",
             f"guessable; it needs {SHORTEST_SECRET_KEY} random characters or more"),
            (self.debug, "PASAPORTES_DEBUG", "on; unset it"),
            (self.registry == "simulator", "PASAPORTES_REGISTRY", "answers with invented people; unset it"),
            (self.ratelimit_storage is None and self.workers > 1, "PASAPORTES_RATELIMIT_STORAGE",
             f"missing, so each of {self.workers} workers would count apart; set it to a shared store,"
             " or to memory:// to accept that, or set PASAPORTES_WORKERS to 1"),
            (exposed and not self.cookie_secure, "PASAPORTES_COOKIE_SECURE",
             f"off while listening on {self.bind}; unset it and serve through TLS"),
            (exposed and not self.trusted_hosts, "PASAPORTES_TRUSTED_HOSTS",
             f"missing while listening on {self.bind}; set it to the host names users type"),
        ]  # fmt: skip


SETTINGS: tuple[Setting, ...] = tuple(
    Setting(name=entry.name, default=entry.default, **entry.metadata) for entry in fields(Settings)
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach a server that listens on `address`."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _is_demonstration(environ: Mapping[str, str]) -> bool:
    """What PASAPORTES_DEMO says; when it says nothing, whether the home folder holds a demonstration."""
    if environ.get("PASAPORTES_DEMO", "").strip():
        return bool(_BY_NAME["demo"].value(environ, demo=False))
    home: Path = _BY_NAME["home"].value(environ, demo=False)
    return (home / DEMONSTRATION).exists()


def _make_home(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(("PASAPORTES_HOME",), f"PASAPORTES_HOME cannot be made: {error}") from error


def settings_page() -> str:
    """The reference page of the settings, in Markdown."""
    head = "# Settings\n\nRead from the environment when a command starts.\n\n"
    columns = "| variable | what it is | must be | default |\n|---|---|---|---|\n"
    return head + columns + "".join(_row(setting) for setting in SETTINGS)


def _row(setting: Setting) -> str:
    default = setting.shown_default or {True: "1", False: "0", None: "none"}.get(setting.default, str(setting.default))
    return f"| `{setting.variable}` | {setting.description} | {setting.kind.words} | {default} |\n"
