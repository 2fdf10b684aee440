"""Lists of people and documents to look out for (types: catalog 45), and the files they were loaded from."""

import datetime as dt

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, deferred, mapped_column

from models.base import Base, BigId


class WatchListLoad(Base):
    """One file of a source: prepared (its content kept until it is confirmed), current, or replaced by a later one."""

    __tablename__ = "watch_list_load"

    id: Mapped[BigId]
    list_type_code: Mapped[str] = mapped_column(ForeignKey("list_type.code"))
    source: Mapped[str] = mapped_column(String(40))
    file_name: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10))
    entries: Mapped[int]
    added: Mapped[int] = mapped_column(default=0)
    removed: Mapped[int] = mapped_column(default=0)
    prepared_at: Mapped[dt.datetime]
    prepared_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    loaded_at: Mapped[dt.datetime | None]
    loaded_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    ended_at: Mapped[dt.datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    content: Mapped[bytes | None] = deferred(mapped_column(LargeBinary), raiseload=True)

    __table_args__ = (
        CheckConstraint("state in ('PREPARED', 'CURRENT', 'REPLACED', 'WITHDRAWN')", name="load_state_is_known"),
        CheckConstraint("(state = 'PREPARED') = (loaded_at is null)", name="load_was_made_at_a_time"),
        CheckConstraint("(state in ('REPLACED', 'WITHDRAWN')) = (ended_at is not null)", name="load_ended_at_a_time"),
        CheckConstraint("(content is not null) = (state = 'PREPARED')", name="only_a_prepared_load_keeps_its_file"),
        Index(
            "uq_watch_list_load_current", "list_type_code", "source", unique=True,
            postgresql_where=text("state = 'CURRENT'"),
        ),
    )  # fmt: skip


class WatchListEntry(Base):
    """A person or document on a list.

    `search_name` is the name normalised; `name_key` its words in the order of the alphabet, so that the same words in
    another order are the same name; `sound_words` each word as it sounds, and the year of birth as `y1990`.
    `row_hash` tells whether the next version of the file has the same row.
    """

    __tablename__ = "watch_list_entry"

    id: Mapped[BigId]
    list_type_code: Mapped[str] = mapped_column(ForeignKey("list_type.code"))
    source: Mapped[str] = mapped_column(String(40))
    load_id: Mapped[int | None] = mapped_column(ForeignKey("watch_list_load.id"), index=True)
    row_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    reference: Mapped[str | None] = mapped_column(String(40))
    surnames: Mapped[str | None] = mapped_column(String(120))
    given_names: Mapped[str | None] = mapped_column(String(120))
    search_name: Mapped[str | None] = mapped_column(Text)
    name_key: Mapped[str | None] = mapped_column(Text)
    sound_words: Mapped[str | None] = mapped_column(Text)
    birth_date: Mapped[str | None] = mapped_column(String(10))
    cui: Mapped[str | None] = mapped_column(String(13))
    document_number: Mapped[str | None] = mapped_column(String(30))
    note: Mapped[str | None] = mapped_column(Text)
    valid_from: Mapped[dt.date | None] = mapped_column(Date)
    valid_until: Mapped[dt.date | None] = mapped_column(Date)

    __table_args__ = (
        CheckConstraint(
            "search_name is not null or cui is not null or document_number is not null", name="entry_names_somebody"
        ),
        CheckConstraint(
            "(search_name is null) = (name_key is null) and (search_name is null) = (sound_words is null)",
            name="a_name_can_be_searched",
        ),
        CheckConstraint("valid_until >= valid_from", name="entry_is_valid_for_some_time"),
        Index("uq_watch_list_entry_row", "list_type_code", "source", "row_hash", unique=True),
        Index("ix_watch_list_entry_cui", "cui", postgresql_where=text("cui is not null")),
        Index("ix_watch_list_entry_document_number", "document_number",
              postgresql_where=text("document_number is not null")),
        Index("ix_watch_list_entry_name_key", "name_key", postgresql_where=text("name_key is not null")),
        Index("ix_watch_list_entry_sound_words", text("to_tsvector('simple', sound_words)"), postgresql_using="gin"),
    )  # fmt: skip
