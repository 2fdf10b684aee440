"""The words of all names: what is typed is compared with them, not with the names of ten million cases."""

from sqlalchemy import ARRAY, Computed, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId


class NameWord(Base):
    """A word that some `search_name` holds or held, as the index of the names has it: in small letters.

    Triggers of `passport_case` and `former_case` fill it. A word is not unique: two who bring it at once would wait for
    each other, and an import of thousands could deadlock with a desk; so it may be there twice. `sound` is what
    `workflow.watch_lists.sounds` makes of the word; `slips` the word and its sound, whole and with each letter left
    out: two words that are one typing error apart share one of them.
    """

    __tablename__ = "name_word"

    id: Mapped[BigId]
    word: Mapped[str] = mapped_column(Text(collation="C"))
    sound: Mapped[str] = mapped_column(Text(collation="C"), Computed("name_sound(word)", persisted=True))
    slips: Mapped[list[str]] = mapped_column(
        ARRAY(Text), Computed("name_slips(word, name_sound(word))", persisted=True)
    )

    __table_args__ = (
        Index("ix_name_word_word", "word", postgresql_include=["sound"]),
        Index("ix_name_word_sound", "sound", postgresql_include=["word"]),
        Index("ix_name_word_slips", "slips", postgresql_using="gin"),
    )
