"""Names of catalogs: kept by the process, and right after any change of a catalog, whoever made it."""

import uuid

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.catalog_edition import CatalogEdition
from models.catalogs import CATALOGS, Occupation
from workflow.labels import read_labels


def edition(session: Session) -> uuid.UUID:
    return session.scalars(select(CatalogEdition.edition)).one()


def name_of(session: Session, code: str) -> str | None:
    return read_labels(session).name("occupation", code)


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda catalog: catalog.__tablename__)
def test_every_catalog_renews_the_edition(db: Session, catalog: type) -> None:
    triggers = text("select tgname from pg_trigger where tgrelid = cast(:name as regclass) and not tgisinternal")
    found = set(db.scalars(triggers, {"name": catalog.__tablename__}))
    assert f"{catalog.__tablename__}_renews_edition" in found


def test_a_changed_name_is_read_at_once_and_one_rolled_back_is_forgotten(db: Session) -> None:
    entry = db.scalars(select(Occupation).order_by(Occupation.code).limit(1)).one()
    before, first = entry.name, edition(db)
    assert name_of(db, entry.code) == before
    with db.begin_nested() as change:
        entry.name = "Probador de pruebas"
        assert name_of(db, entry.code) == "Probador de pruebas"
        assert edition(db) != first
        change.rollback()
    assert (edition(db), name_of(db, entry.code)) == (first, before)


def test_a_name_changed_by_plain_sql_is_read_at_once(db: Session) -> None:
    assert name_of(db, "no-such") == "no-such"
    db.execute(text("insert into occupation (code, name, active) values ('ZZ999', 'Inventada', true)"))
    assert name_of(db, "ZZ999") == "Inventada"


def test_unchanged_catalogs_are_not_read_again(db: Session) -> None:
    read_labels(db)
    sent: list[str] = []
    bind = db.connection()
    event.listen(bind, "before_cursor_execute", lambda _c, _u, statement, *_rest: sent.append(statement))
    read_labels(db, [1])
    assert len(sent) == 1
    assert "occupation" not in sent[0]


def test_there_is_one_edition(db: Session) -> None:
    another = "insert into catalog_edition (single, edition) values (:single, gen_random_uuid())"
    for single, rule in ((True, "pk_catalog_edition"), (False, "catalog_edition_is_one")):
        with pytest.raises(IntegrityError, match=rule), db.begin_nested():
            db.execute(text(another), {"single": single})
