"""What the text of an environment variable can be: its words for people, and how it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limits import parse
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

_POSTGRES_SCHEMES = ("postgres", "postgresql", "postgresql+psycopg")


@dataclass(frozen=True)
class Kind:
    """What the text of a variable must be, in words, and how it is read (ValueError when it is not that)."""

    words: str
    read: Callable[[str], Any]


def _yes_no(text: str) -> bool:
    answers = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in answers:
        raise ValueError(text)
    return answers[text.lower()]


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _existing_file(text: str) -> Path:
    path = _path(text)
    if not path.is_file():
        raise ValueError(text)
    return path


def _database_url(text: str) -> str:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ValueError("not a URL") from error
    if url.drivername not in _POSTGRES_SCHEMES:
        raise ValueError("another kind of database")
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _rate(text: str) -> str:
    parse(text)
    return text


def whole(low: int, high: int) -> Kind:
    def read(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError(text)
        return number

    return Kind(f"a whole number from {low} to {high}", read)


def one_of(*choices: str) -> Kind:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return Kind(" or ".join(choices), read)


TEXT = Kind("text", str)
YES_NO = Kind("1 or 0 (yes or no)", _yes_no)
FOLDER = Kind("the path of a folder", _path)
EXISTING_FILE = Kind("the path of an existing file", _existing_file)
DATABASE_URL = Kind("a PostgreSQL URL such as postgresql://user:password@host:5432/name", _database_url)
NAMES = Kind("names separated by commas", _names)
RATE = Kind("a number per second, minute, hour or day, such as 60 per minute", _rate)
