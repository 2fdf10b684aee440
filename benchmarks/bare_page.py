"""The least a page can cost: the statements of the product's page through psycopg, their rows as plain tables by Jinja.

Who is asking is read, the look is logged and all is committed, as in the product, in one transaction on a connection
that stays open. No route, no form, no menu, no translation; rows of who is asking are not shown.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from jinja2 import Environment
from sqlalchemy import Engine, event

from models.base import SETTINGS

_PAGE = Environment(autoescape=True).from_string(
    "<!doctype html><html><head><title>{{ title }}</title></head><body><h1>{{ title }}</h1>"
    "{% for rows in tables %}<table>{% for row in rows %}<tr>{% for value in row %}<td>{{ value }}</td>{% endfor %}"
    "</tr>{% endfor %}</table>{% endfor %}</body></html>"
)


@dataclass
class Recorder:
    """What is sent to the database meanwhile: statements with their parameters, and whether it was committed."""

    sent: list[tuple[str, Any]] = field(default_factory=list)

    def note(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        """For SQLAlchemy's `before_cursor_execute`."""
        self.sent.append((statement, parameters))


@contextmanager
def recorded(engine: Engine) -> Iterator[Recorder]:
    """Record what is sent through `engine` in the block."""
    recorder = Recorder()
    event.listen(engine, "before_cursor_execute", recorder.note)
    try:
        yield recorder
    finally:
        event.remove(engine, "before_cursor_execute", recorder.note)


@functools.lru_cache(maxsize=1)
def _connection(address: str) -> psycopg.Connection:
    return psycopg.connect(address, options=" ".join(f"-c {setting}" for setting in SETTINGS))


def bare_site(address: str, statements: Mapping[str, list[tuple[str, Any]]]) -> Callable[..., Iterable[bytes]]:
    """A WSGI application that answers each address of `statements` by sending those to the database at `address`."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["RAW_URI"]
        tables = []
        with _connection(address).transaction(), _connection(address).cursor() as cursor:
            for number, (statement, parameters) in enumerate(statements[path]):
                if isinstance(parameters, list):
                    cursor.executemany(statement, parameters)
                else:
                    cursor.execute(statement, parameters)
                if number and cursor.description:
                    tables.append(cursor.fetchall())
        page = _PAGE.render(title=path, tables=tables).encode()
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(page)))])
        return [page]

    return application
