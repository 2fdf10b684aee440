"""The proof of the logs: every line is tied to its link, every link to the one before it, every chain to its head.

All is recomputed with the expressions of `models.audit`, not with the database's own functions, so that whoever changes
those is found out too. What no chain can show, that its newest part was cut off and its head set back, or that all of
it was made anew, shows against heads that somebody kept elsewhere (`heads`, `lost_heads`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.audit import LANES, LOGS, digest

Heads = Mapping[int, tuple[int, str]]


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was written: `what` of which line or link."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


#: How a line is told to people, besides its number.
_WORDS = {
    "case_event": "r.event || ', case ' || r.case_id || ', ' || r.username || ', ' || r.at",
    "access_log": "r.screen || ', user ' || coalesce(r.user_id::text, '-') || ', ' || r.at",
    "change_log": "r.act || ' ' || r.subject || ' ' || r.key || ', ' || r.username || ', ' || r.at",
}
_LINES = """
select l.lane, l.seq, l.row_id, r.id is null as gone, {words} as words
  from audit_link l left join {log} r on r.id = l.row_id
 where l.log = '{log}' and (r.id is null or {digest} is distinct from l.digest)
 order by l.row_id
"""
_UNTIED = """
select r.id, {words} as words from {log} r
 where not exists (select from audit_link l where l.log = '{log}' and l.row_id = r.id) order by r.id
"""
_TWICE = "select log, row_id, count(*) from audit_link group by 1, 2 having count(*) > 1 order by 1, 2"
_LINKS = """
select lane, seq, log, row_id, former, broken
  from (select lane, seq, log, row_id, coalesce(lag(seq) over w, 0) as former,
               hash is distinct from
                   sha256(coalesce(lag(hash) over w, decode(repeat('00', 32), 'hex'))
                          || convert_to(format('%s %s %s', seq, log, row_id), 'UTF8') || digest) as broken
          from audit_link window w as (partition by lane order by seq)) as links
 where broken or seq <> former + 1
 order by lane, seq
"""
_HEADS = """
select n as lane, h.seq, encode(h.hash, 'hex') as hash, coalesce(l.seq, 0) as last,
       coalesce(encode(l.hash, 'hex'), repeat('0', 64)) as last_hash
  from generate_series(0, :last) n
  left join audit_lane h on h.lane = n
  left join lateral (select seq, hash from audit_link where lane = n order by seq desc limit 1) l on true
 order by n
"""


def counted(session: Session) -> int:
    """How many lines are tied."""
    return int(session.execute(text("select count(*) from audit_link")).scalar_one())


def heads(session: Session) -> dict[int, tuple[int, str]]:
    """Each chain's number of links and its hash in hexadecimal: to be kept where who runs the database cannot write."""
    rows = session.execute(text("select lane, seq, encode(hash, 'hex') from audit_lane order by lane"))
    return {lane: (seq, hash) for lane, seq, hash in rows}


def faults(session: Session) -> Iterator[Fault]:
    """All that is wrong, one after the other; each statement sees what the transaction sees."""
    for log in LOGS:
        yield from _lines(session, log)
    yield from _chains(session)


def lost_heads(session: Session, kept: Heads) -> Iterator[Fault]:
    """Heads that were kept and are in no chain any more."""
    for lane, (seq, hash) in sorted(kept.items()):
        found = session.execute(
            text("select encode(hash, 'hex') from audit_link where lane = :lane and seq = :seq"),
            {"lane": lane, "seq": seq},
        ).scalar_one_or_none()
        if seq and found != hash:
            what = "was there and is gone" if found is None else "had another hash"
            yield Fault(f"chain {lane}, link {seq}", f"{what} when the heads were kept: all up to it was made anew")


def _lines(session: Session, log: str) -> Iterator[Fault]:
    values = {"log": log, "digest": digest(log), "words": _WORDS[log]}
    for row in _rows(session, _LINES.format(**values)):
        what = "was removed" if row.gone else f"was altered ({row.words})"
        yield Fault(f"{log} {row.row_id}", f"{what}; chain {row.lane}, link {row.seq}")
    for row in _rows(session, _UNTIED.format(**values)):
        yield Fault(f"{log} {row.id}", f"was inserted past the chain ({row.words})")


def _chains(session: Session) -> Iterator[Fault]:
    for row in _rows(session, _TWICE):
        yield Fault(f"{row.log} {row.row_id}", f"is tied {row.count} times")
    for row in _rows(session, _LINKS):
        where = f"chain {row.lane}, link {row.seq} ({row.log} {row.row_id})"
        if row.seq != row.former + 1:
            gone = f"links {row.former + 1} to {row.seq - 1} were removed, with the lines they tied"
            yield Fault(where, f"{gone}, before this one")
        elif row.broken:
            yield Fault(where, "does not follow from the one before it: one of the two was altered")
    for row in session.execute(text(_HEADS), {"last": LANES - 1}):
        if row.seq is None:
            yield Fault(f"chain {row.lane}", "its head was removed")
        elif (row.seq, row.hash) != (row.last, row.last_hash):
            yield Fault(
                f"chain {row.lane}", f"its head says {row.seq} links, its last is {row.last}: its end was changed"
            )


def _rows(session: Session, statement: str) -> Any:
    return session.execute(text(statement.replace(":", r"\:")), execution_options={"yield_per": 500})
