"""The keys of the 2D code in the database: which signs now, and which ever signed, for those who verify.

The private halves are files of the press (`printing.keys`). A page is signed with a key only if its public half is in
the same transaction's database, valid on that day: so what quality control reads from there can always be verified.
"""

import datetime as dt
from collections.abc import Iterable, Mapping

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.base import utc_now
from models.seals import SealKey
from models.text import N_
from printing.keys import KeyStore, KeyStoreError, SigningKey, pem_of, public_key
from printing.seal import PublicKey
from security.errors import Unavailable


def known(session: Session) -> Mapping[str, PublicKey]:
    """Every key that ever signed, by reference, in the order in which they began."""
    rows = session.scalars(select(SealKey).order_by(SealKey.valid_from, SealKey.created_at, SealKey.ref))
    return {row.ref: _as_public(row) for row in rows}


def enter(session: Session, keys: Iterable[PublicKey]) -> None:
    """Enter keys of a folder that are not there, and the end of those that ended; what is there stays as it is."""
    for key in keys:
        row = {"ref": key.ref, "public_pem": pem_of(key), "valid_from": key.valid_from, "valid_until": key.valid_until}
        session.execute(insert(SealKey).values(**row, created_at=utc_now()).on_conflict_do_nothing())
        if key.valid_until:
            end(session, [key.ref], key.valid_until)


def still_open(session: Session) -> list[str]:
    """Keys that sign until further notice."""
    return list(session.scalars(select(SealKey.ref).where(SealKey.valid_until.is_(None)).order_by(SealKey.ref)))


def end(session: Session, refs: Iterable[str], day: dt.date) -> None:
    """Set `day` as the last day of those keys that have none: for keys whose folder is lost."""
    ended = update(SealKey).where(SealKey.ref.in_(list(refs)), SealKey.valid_until.is_(None))
    session.execute(ended.values(valid_until=day))


def signing_key(session: Session, store: KeyStore, at: dt.datetime, day: dt.date, *, may_create: bool) -> SigningKey:
    """The key to sign with at `at` for `day`, its public half in the database; `Unavailable` when there is none.

    A first key is made where no key ever signed, or with `may_create`; an office whose folder was lost is told so.
    """
    try:
        key = store.ensure(at) if may_create or not _any_known(session) else store.current()
        entered = session.get(SealKey, key.ref)
        if entered is None:
            enter(session, store.public_keys().values())
            entered = session.get_one(SealKey, key.ref)
    except (KeyStoreError, OSError) as error:
        raise Unavailable(N_("No 2D code can be signed: %(reason)s"), reason=str(error)) from error
    if not _as_public(entered).signs_on(day):
        raise Unavailable(N_("Key %(ref)s of the 2D code may not sign on %(day)s."), ref=key.ref, day=day.isoformat())
    return key


def _any_known(session: Session) -> bool:
    return bool(session.scalar(select(exists().select_from(SealKey))))


def _as_public(row: SealKey) -> PublicKey:
    return public_key(row.ref, row.public_pem, row.valid_from, row.valid_until)
