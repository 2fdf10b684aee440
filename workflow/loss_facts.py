"""What is known of a loss besides the reason of the void: told to the transaction, where the list of lost documents
reads it (migration 0014). So whatever act voids a booklet as gone, the database lists it, and with these facts.
"""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.lost_documents import LossKind

_TELL = text("select set_config('pasaportes.loss', :facts, true)")


@contextmanager
def known(
    session: Session,
    *,
    kind: LossKind | None = None,
    on: dt.date | None = None,
    country: str | None = None,
    report: int | None = None,
) -> Iterator[None]:
    """Booklets that are voided as gone within the block are listed with these facts; None: not known."""
    facts = {"kind": kind, "on": on.isoformat() if on else None, "country": country, "report": report}
    given = {name: value for name, value in facts.items() if value is not None}
    session.execute(_TELL, {"facts": json.dumps(given)})
    yield
    # After a refusal there is nothing to take back: the transaction is rolled back, and the setting with it.
    session.flush()
    session.execute(_TELL, {"facts": ""})
