"""Imports of the former system's exports, with their place; cells as they stood; cases by the booklet they name."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table former_import (
            id bigint generated always as identity constraint pk_former_import primary key,
            file_name varchar(120) not null,
            file_sha256 varchar(64) not null,
            mapping_name varchar(120) not null,
            mapping_sha256 varchar(64) not null,
            updates boolean not null,
            header jsonb not null,
            folder text not null,
            next_byte bigint not null,
            next_line bigint not null,
            report_bytes bigint not null,
            rejects_bytes bigint not null,
            rows bigint not null,
            imported bigint not null,
            updated bigint not null,
            there_already bigint not null,
            repeated bigint not null,
            in_both bigint not null,
            not_imported bigint not null,
            started_by varchar(120) not null,
            started_at timestamptz not null,
            progress_at timestamptz not null,
            finished_at timestamptz,
            constraint uq_former_import_same unique (file_sha256, mapping_sha256, updates),
            constraint no_row_of_an_export_is_lost
                check (rows = imported + updated + there_already + repeated + in_both + not_imported),
            constraint cases_change_only_when_asked_for check (updates or updated = 0),
            constraint import_ends_after_its_start
                check (progress_at >= started_at and finished_at >= started_at),
            constraint import_has_a_place_in_its_file check (next_byte >= 0 and next_line >= 1)
        );
        create trigger former_import_is_kept before delete on former_import
            for each row execute function refuse_change();
        create trigger former_import_is_never_emptied before truncate on former_import execute function refuse_change();
        alter table former_case
            add column import_id bigint constraint fk_former_case_import_id references former_import (id),
            add column source_cells jsonb;
        drop index ix_passport_case_previous;
        create index ix_passport_case_previous on passport_case (previous_booklet) where previous_booklet is not null;
        -- What an import brought is not a change; what --update replaces is.
        create trigger former_case_is_audited after update or delete on former_case
            for each row execute function audit_change('number', '', '');
        """
    )


def downgrade() -> None:
    op.execute(
        """
        drop trigger former_case_is_audited on former_case;
        drop index ix_passport_case_previous;
        create index ix_passport_case_previous on passport_case (previous_booklet)
            where procedure_code = 'REPOSICION';
        alter table former_case drop column import_id, drop column source_cells;
        drop table former_import;
        """
    )
