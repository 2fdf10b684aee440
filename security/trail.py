"""Tells the database who is at work, so that its triggers can log who changed what (`models.audit`)."""

import json
import re
from typing import Any

from sqlalchemy import Connection, Engine, event

from models.audit import AUDITED
from models.catalogs import CATALOGS
from security.scope import acting

_SAY = "select set_config('audit.actor', %s, true)"
_WRITES = re.compile(r"\s*(?:insert\s+into|update|delete\s+from)\s+\"?(\w+)", re.IGNORECASE)


#: The tables whose every change is logged, and what they are called.
SUBJECTS = AUDITED | {catalog.__tablename__: catalog.label_plural for catalog in CATALOGS}


@event.listens_for(Engine, "before_cursor_execute")
def _say_who(connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
    """Before a statement writes an audited table: who acts, until the transaction ends. Others pay a look at a word."""
    written = _WRITES.match(statement)
    if written is None or written[1] not in SUBJECTS:
        return
    actor = acting()
    who = {} if actor is None else {
        "id": actor.user_id, "name": actor.username, "address": actor.address, "screen": actor.screen,
    }  # fmt: skip
    driver: Any = connection.connection.driver_connection
    driver.execute(_SAY, (json.dumps(who) if who else "",))
