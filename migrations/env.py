"""Runs migrations on the connection that `app.migrating` hands over, or prints them as SQL."""

from alembic import context

import models.accounts
import models.amendments
import models.arrivals
import models.audit
import models.booklets
import models.cases
import models.catalog_edition
import models.catalogs
import models.closings
import models.control
import models.enrolments
import models.inspections
import models.lost_documents
import models.names
import models.report_runs
import models.seals
import models.services
import models.sessions
import models.shipments
import models.stock
import models.users
import models.watch_lists
import workflow.numbering
from models.base import Base

__all__ = ["models", "workflow"]

LOCK_TIMEOUT = "10s"


def run() -> None:
    """Migrate in one transaction; give up rather than queue behind a lock that blocks the office."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
        context.run_migrations()


run()
