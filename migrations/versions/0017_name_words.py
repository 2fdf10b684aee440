"""The words of all names, kept by triggers, for search by sound and with typing errors."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

#: As `workflow.watch_lists.sounds` has them, in its order; a test compares. Functions name no other function of ours:
#: a restored dump computes columns with an empty search path.
SPELLINGS = (
    ("CH", "X"), ("SH", "S"), ("PH", "F"), ("TZ", "S"), ("TH", "T"), ("^X(?=[EI])", "J"), ("H", ""),
    ("QU(?=[EI])", "K"), ("Q", "K"), ("GU(?=[EI])", "G"), ("G(?=[EI])", "J"), ("C(?=[EI])", "S"), ("C", "K"),
    ("Z", "S"), ("V", "B"), ("W", "U"), ("LL", "Y"), ("Y", "I"), (r"(.)\1+", r"\1"),
)  # fmt: skip


def sound() -> str:
    """The expression for a word as it sounds."""
    coded = "upper(word)"
    for pattern, letters in SPELLINGS:
        coded = f"regexp_replace({coded}, '{pattern}', '{letters}', 'g')"
    return f"coalesce(nullif({coded}, ''), upper(word))"


FUNCTIONS = rf"""
create function name_sound(word text) returns text language sql immutable parallel safe
return {sound()};

-- The word in small letters, its sound in capitals: whole, and with each letter left out.
create function name_slips(word text, sound text) returns text[] language sql immutable parallel safe
return case when length(word) between 3 and 40 and word !~ '[0-9]' then array(
    select distinct case when n = 0 then spelt else overlay(spelt placing '' from n for 1) end
      from (values (word), (sound)) as spelling (spelt), generate_series(0, length(spelt)) as n) else '{{}}' end;
"""  # noqa: S608
TABLE = """
create table name_word (
    id bigint generated always as identity constraint pk_name_word primary key,
    word text collate "C" not null,
    sound text collate "C" generated always as (name_sound(word)) stored not null,
    slips text[] generated always as (name_slips(word, name_sound(word))) stored not null
);
"""
FILL = """
insert into name_word (word)
select distinct lexeme
  from (select unnest(string_to_array(search_name, ' ')) as part from passport_case
        union select unnest(string_to_array(search_name, ' ')) from former_case) parts,
       unnest(tsvector_to_array(to_tsvector('simple', part))) as lexeme
 order by 1;
create index ix_name_word_word on name_word (word) include (sound);
create index ix_name_word_sound on name_word (sound) include (word);
create index ix_name_word_slips on name_word using gin (slips);
analyze name_word;
"""
#: A trigger of rows: one with transition tables could not be of a column, and every act on a case would pay for it.
TRIGGERS = """
create function keep_name_words() returns trigger language plpgsql
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    insert into name_word (word)
    select lexeme from unnest(tsvector_to_array(to_tsvector('simple', new.search_name))) as lexeme
     where not exists (select from name_word known where known.word = lexeme);
    return null;
end $$;
create trigger name_words_are_known after insert or update of search_name on passport_case
    for each row execute function keep_name_words();
create trigger name_words_are_known after insert or update of search_name on former_case
    for each row execute function keep_name_words();
"""


def upgrade() -> None:
    # Those who insert cases meanwhile wait: no word of theirs is missed.
    op.execute("lock table passport_case, former_case in share row exclusive mode")
    for step in (FUNCTIONS, TABLE, TRIGGERS, FILL):
        op.execute(step)


def downgrade() -> None:
    op.execute("drop trigger name_words_are_known on passport_case")
    op.execute("drop trigger name_words_are_known on former_case")
    op.execute("drop function keep_name_words()")
    op.execute("drop table name_word")
    op.execute("drop function name_slips(text, text)")
    op.execute("drop function name_sound(text)")
