"""The trail reaches what came since: assignments, reviews, second factors, requests, shipments, services, lists."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

#: Table, the columns of its key, those hidden, those that change by the mere use of it; as in 0010.
AUDITED = (
    ("user_assignment", "user_id", "", ""),
    ("access_review", "id", "", ""),
    ("second_factor", "user_id", "sealed_secret", "last_step"),
    ("amendment_request", "id", "", ""),
    ("courier", "code", "", ""),
    ("loss_report", "id", "", ""),
    ("shipment", "id", "", "version"),
    ("service_parameters", "service", "sealed_secret", "version"),
    ("watch_list_load", "id", "", ""),
)


def upgrade() -> None:
    for table, *words in AUDITED:
        quoted = ", ".join(f"'{word}'" for word in words)
        op.execute(
            f"create trigger {table}_is_audited after insert or update or delete on {table} "
            f"for each row execute function audit_change({quoted})"
        )


def downgrade() -> None:
    for table, *_words in AUDITED:
        op.execute(f"drop trigger {table}_is_audited on {table}")
