"""Services outside the house (parameters, circuit breaker, calls kept, cases that wait); watch lists from files."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SERVICES = """
create table service_parameters (
    service varchar(16) not null constraint pk_service_parameters primary key,
    url varchar(300),
    client_id varchar(80),
    sealed_secret text,
    timeout_seconds smallint not null default 3,
    retries smallint not null default 1,
    breaker_failures smallint not null default 5,
    breaker_seconds smallint not null default 30,
    when_down varchar(8) not null default 'WAIT',
    enabled boolean not null default false,
    version integer not null default 1,
    changed_at timestamptz,
    changed_by_id integer constraint fk_service_parameters_changed_by_id references ab_user (id),
    constraint service_is_known check (service in ('CIVIL_REGISTRY', 'WATCH_LISTS')),
    constraint when_down_is_known check (when_down in ('WAIT', 'GO_ON')),
    constraint service_is_asked_over_http check (url ~ '^https?://'),
    constraint enabled_service_can_be_asked
        check (not enabled or (url is not null and sealed_secret is not null)),
    constraint no_station_waits_too_long
        check (timeout_seconds >= 1 and retries >= 0 and timeout_seconds * (retries + 1) <= 20),
    constraint breaker_opens_and_closes check (breaker_failures >= 1 and breaker_seconds >= 1)
);
create table service_health (
    service varchar(16) not null constraint pk_service_health primary key
        constraint fk_service_health_service references service_parameters (service),
    failures smallint not null default 0,
    opened_at timestamptz,
    retry_at timestamptz,
    answered_at timestamptz,
    failed_at timestamptz,
    outcome varchar(16),
    constraint health_outcome_is_known check (outcome in ({outcomes})),
    constraint open_breaker_is_tried_again check ((opened_at is null) = (retry_at is null))
);
insert into service_parameters (service) values ('CIVIL_REGISTRY'), ('WATCH_LISTS');
insert into service_health (service) values ('CIVIL_REGISTRY'), ('WATCH_LISTS');
create table service_call (
    id bigint generated always as identity constraint pk_service_call primary key,
    case_id bigint constraint fk_service_call_case_id references passport_case (id),
    service varchar(16) not null,
    asked_at timestamptz not null,
    took_ms integer not null,
    outcome varchar(16) not null,
    status smallint,
    attempts smallint not null,
    request jsonb not null,
    answer jsonb,
    user_id integer not null constraint fk_service_call_user_id references ab_user (id),
    constraint call_service_is_known check (service in ('CIVIL_REGISTRY', 'WATCH_LISTS')),
    constraint call_outcome_is_known check (outcome in ({outcomes})),
    constraint call_is_bounded
        check (octet_length(request::text) <= 4096 and octet_length(answer::text) <= 65536)
);
create index ix_service_call_case_id on service_call (case_id, id) where case_id is not null;
create index ix_service_call_tests on service_call (service, id) where case_id is null;
create trigger service_call_is_append_only before update or delete on service_call
    for each row execute function refuse_change();
create trigger service_call_is_never_emptied before truncate on service_call execute function refuse_change();
create table service_wait (
    case_id bigint not null constraint fk_service_wait_case_id references passport_case (id),
    service varchar(16) not null,
    since timestamptz not null,
    next_at timestamptz not null,
    attempts smallint not null default 0,
    constraint pk_service_wait primary key (case_id, service),
    constraint wait_service_is_known check (service in ('CIVIL_REGISTRY', 'WATCH_LISTS'))
);
create index ix_service_wait_next on service_wait (service, next_at, case_id);
""".format(
    outcomes="'ANSWERED', 'NOT_FOUND', 'REFUSED', 'TIMED_OUT', 'UNREACHABLE', 'FAILED', 'BAD_ANSWER', "
    "'BREAKER_OPEN', 'MISCONFIGURED'"
)

#: Whatever the table held before was put there by hand: it is kept, searchable by the same words.
LISTS = """
create table watch_list_load (
    id bigint generated always as identity constraint pk_watch_list_load primary key,
    list_type_code varchar(16) not null
        constraint fk_watch_list_load_list_type_code references list_type (code),
    source varchar(40) not null,
    file_name varchar(120) not null,
    sha256 varchar(64) not null,
    state varchar(10) not null,
    entries integer not null,
    added integer not null,
    removed integer not null,
    prepared_at timestamptz not null,
    prepared_by_id integer not null constraint fk_watch_list_load_prepared_by_id references ab_user (id),
    loaded_at timestamptz,
    loaded_by_id integer constraint fk_watch_list_load_loaded_by_id references ab_user (id),
    ended_at timestamptz,
    ended_by_id integer constraint fk_watch_list_load_ended_by_id references ab_user (id),
    content bytea,
    constraint load_state_is_known check (state in ('PREPARED', 'CURRENT', 'REPLACED', 'WITHDRAWN')),
    constraint load_was_made_at_a_time check ((state = 'PREPARED') = (loaded_at is null)),
    constraint load_ended_at_a_time check ((state in ('REPLACED', 'WITHDRAWN')) = (ended_at is not null)),
    constraint only_a_prepared_load_keeps_its_file check ((content is not null) = (state = 'PREPARED'))
);
create unique index uq_watch_list_load_current on watch_list_load (list_type_code, source) where state = 'CURRENT';
alter table watch_list_entry
    drop constraint entry_names_somebody,
    add column source varchar(40) not null default 'INICIAL',
    add column load_id bigint constraint fk_watch_list_entry_load_id references watch_list_load (id),
    add column row_hash bytea,
    add column reference varchar(40),
    add column surnames varchar(120),
    add column given_names varchar(120),
    add column name_key text,
    add column sound_words text,
    add column birth_date varchar(10),
    add column document_number varchar(30),
    add column valid_from date,
    add column valid_until date;
delete from watch_list_entry where not active;
update watch_list_entry set row_hash = decode(md5(id::text), 'hex'), surnames = left(search_name, 120),
    sound_words = search_name,
    name_key = (select string_agg(word, ' ' order by word collate "C")
                  from regexp_split_to_table(search_name, ' ') word);
drop index ix_watch_list_entry_cui, ix_watch_list_entry_search_name;
alter table watch_list_entry
    drop column active,
    alter column source drop default,
    alter column row_hash set not null,
    add constraint entry_names_somebody
        check (search_name is not null or cui is not null or document_number is not null),
    add constraint a_name_can_be_searched
        check ((search_name is null) = (name_key is null) and (search_name is null) = (sound_words is null)),
    add constraint entry_is_valid_for_some_time check (valid_until >= valid_from);
create unique index uq_watch_list_entry_row on watch_list_entry (list_type_code, source, row_hash);
create index ix_watch_list_entry_load_id on watch_list_entry (load_id);
create index ix_watch_list_entry_cui on watch_list_entry (cui) where cui is not null;
create index ix_watch_list_entry_document_number on watch_list_entry (document_number)
    where document_number is not null;
create index ix_watch_list_entry_name_key on watch_list_entry (name_key) where name_key is not null;
create index ix_watch_list_entry_sound_words on watch_list_entry using gin (to_tsvector('simple', sound_words));
"""

BACK = """
delete from watch_list_entry where search_name is null and cui is null;
drop index uq_watch_list_entry_row, ix_watch_list_entry_cui;
alter table watch_list_entry
    drop constraint entry_names_somebody,
    drop constraint a_name_can_be_searched,
    drop constraint entry_is_valid_for_some_time,
    drop column source,
    drop column load_id,
    drop column row_hash,
    drop column reference,
    drop column surnames,
    drop column given_names,
    drop column name_key,
    drop column sound_words,
    drop column birth_date,
    drop column document_number,
    drop column valid_from,
    drop column valid_until,
    add column active boolean not null default true,
    add constraint entry_names_somebody check (search_name is not null or cui is not null);
alter table watch_list_entry alter column active drop default;
create index ix_watch_list_entry_cui on watch_list_entry (cui) where active;
create index ix_watch_list_entry_search_name on watch_list_entry (search_name) where active;
drop table watch_list_load;
drop table service_wait;
drop table service_call;
drop table service_health;
drop table service_parameters;
"""


def upgrade() -> None:
    op.execute(SERVICES)
    op.execute(LISTS)


def downgrade() -> None:
    op.execute(BACK)
