"""The chain over the logs: whatever is altered, removed or inserted behind the triggers is found and named."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from app import log_commands
from models.audit import AUDITED, LOGS, AuditLink, ChangeLog, digest
from models.base import SessionLocal, make_engine, utc_now
from models.base import session as scoped
from models.catalogs import CATALOGS
from models.control import ControlSetting
from security import chain
from security.actor import Actor, load_actor
from security.looks import log_look
from tests.build import make_case
from tests.together import at_once
from workflow import machine


def furnished(url: str) -> Engine:
    """A database with a few lines in every log."""
    engine = make_engine(url)
    with Session(engine) as session:
        actor = who(session, "admadm")
        case = make_case(session)
        for name, value in (("referral", "x"), ("case", "y"), ("preview", "z")):
            log_look(session, actor, name, case.number, of=value)
        session.add(ControlSetting(control="own_case", site_code="GUA", mode="warn"))
        session.commit()
    return engine


@pytest.fixture(scope="module")
def house(fresh_database: Callable[[str], str]) -> Iterator[Engine]:
    engine = furnished(fresh_database("chain"))
    yield engine
    engine.dispose()


def unguarded(session: Session) -> None:
    """From here to the end of the transaction no trigger of the logs fires."""
    for table in (*LOGS, "audit_link", "audit_lane"):
        session.execute(text(f"alter table {table} disable trigger user"))


@pytest.fixture
def burgled(house: Engine) -> Iterator[Session]:
    """A session in which triggers do not fire; what it does is undone."""
    with Session(house) as session:
        unguarded(session)
        yield session
        session.rollback()


@pytest.fixture(autouse=True)
def binding() -> Iterator[None]:
    """The command binds the session to its own database; put it back."""
    scoped.remove()
    before = dict(SessionLocal.kw)
    yield
    scoped.remove()
    SessionLocal.kw.clear()
    SessionLocal.kw.update(before)


def who(session: Session, username: str) -> Actor:
    actor = load_actor(session, username=username)
    assert actor is not None
    return actor


def found(session: Session) -> list[str]:
    return [str(fault) for fault in chain.faults(session)]


def first(session: Session, log: str) -> int:
    return int(session.execute(text(f"select min(id) from {log}")).scalar_one())


def test_logs_that_nobody_touched_have_no_fault(house: Engine) -> None:
    with Session(house) as session:
        assert found(session) == []
        lines = sum(int(session.execute(text(f"select count(*) from {log}")).scalar_one()) for log in LOGS)
        assert chain.counted(session) == lines > 40


@pytest.mark.parametrize("log", LOGS)
def test_a_line_that_was_altered_or_removed_is_named(burgled: Session, log: str) -> None:
    line = first(burgled, log)
    for statement, what in (
        (f"update {log} set at = at + interval '1 microsecond' where id = {line}", "was altered"),
        (f"delete from {log} where id = {line}", "was removed"),
    ):
        burgled.execute(text(statement))
        (fault,) = found(burgled)
        assert fault.startswith(f"{log} {line}: {what}")


@pytest.mark.parametrize("column", ["user_id", "screen", "detail", "case_number", "address"])
def test_no_column_of_a_line_can_be_altered_unseen(burgled: Session, column: str) -> None:
    value = {"user_id": "user_id + 1", "detail": '\'{"of": "no"}\'', "address": "'10.0.0.1'"}.get(column, "'x'")
    line = first(burgled, "access_log")
    burgled.execute(text(f"update access_log set {column} = {value} where id = {line}"))
    (fault,) = found(burgled)
    assert fault.startswith(f"access_log {line}: was altered")


def test_a_line_that_was_inserted_past_the_chain_is_named(burgled: Session) -> None:
    burgled.execute(text("insert into access_log (at, user_id, screen) values (now(), 1, 'invented')"))
    (fault,) = found(burgled)
    assert "was inserted past the chain (invented, user 1" in fault


def test_a_line_removed_with_its_link_leaves_a_gap_and_at_the_end_a_head_that_says_more(burgled: Session) -> None:
    links = burgled.scalars(select(AuditLink).order_by(AuditLink.lane, AuditLink.seq)).all()
    lane = max((link.lane for link in links), key=[link.lane for link in links].count)
    mine = [link for link in links if link.lane == lane]
    for link, said in (
        (mine[1], f"links {mine[1].seq} to {mine[1].seq} were removed"),
        (mine[-1], "its end was changed"),
    ):
        burgled.execute(text(f"delete from {link.log} where id = {link.row_id}"))
        burgled.execute(text(f"delete from audit_link where lane = {lane} and seq = {link.seq}"))
        assert any(said in fault and f"chain {lane}" in fault for fault in found(burgled))


def test_a_link_made_to_fit_an_altered_line_breaks_the_chain_after_it(burgled: Session) -> None:
    line = first(burgled, "access_log")
    burgled.execute(text(f"update access_log set screen = 'other' where id = {line}"))
    anew = f"update audit_link l set digest = {digest('access_log')} from access_log r"
    burgled.execute(text(f"{anew} where l.log = 'access_log' and l.row_id = r.id and r.id = {line}"))
    (fault,) = found(burgled)
    assert f"(access_log {line}): does not follow from the one before it" in fault


def test_the_command_says_all_is_well_keeps_heads_and_finds_a_trail_made_anew(
    fresh_database: Callable[[str], str], tmp_path: Path
) -> None:
    house, heads = furnished(fresh_database("burgled")), tmp_path / "heads.json"
    kept = verified(house, tmp_path, "--keep", str(heads))
    assert (kept.exit_code, kept.output.partition(": ")[2]) == (0, "nothing wrong\n")
    assert verified(house, tmp_path, "--against", str(heads)).exit_code == 0
    with Session(house) as session:
        unguarded(session)
        for table in (*LOGS, "audit_link"):
            session.execute(text(f"delete from {table}"))
        session.execute(text("update audit_lane set seq = 0, hash = decode(repeat('00', 32), 'hex')"))
        session.commit()
        assert found(session) == []
    house.dispose()
    anew = verified(house, tmp_path, "--against", str(heads))
    assert anew.exit_code == 1
    assert "was there and is gone" in anew.output
    (tmp_path / "other.json").write_text("[]")
    assert verified(house, tmp_path, "--against", str(tmp_path / "other.json")).exit_code == 1


def verified(house: Engine, home: Path, *options: str) -> Result:
    url = house.url.render_as_string(hide_password=False)
    environ = {"PASAPORTES_HOME": str(home), "DATABASE_URL": url, "PASAPORTES_DEMO": "", "PASAPORTES_SECRET_KEY": ""}
    return CliRunner().invoke(log_commands.verify_log, options, env=environ)


def test_eight_at_once_write_to_chains_of_their_own_and_none_is_broken(house: Engine) -> None:
    with Session(house) as session:
        numbers = [make_case(session).number for _each in range(8)]
        session.commit()

    def look(at: int) -> None:
        with Session(house) as session:
            actor = who(session, "supervisor")
            for _turn in range(5):
                log_look(session, actor, "case", numbers[at])
                session.commit()

    at_once(*(lambda at=at: look(at) for at in range(8)))  # type: ignore[misc]
    with Session(house) as session:
        assert found(session) == []
        assert session.execute(text("select count(distinct lane) from audit_link")).scalar_one() > 2


def test_a_transaction_that_is_undone_leaves_no_link(house: Engine) -> None:
    with Session(house) as session:
        before = chain.counted(session)
        log_look(session, who(session, "supervisor"), "case", None)
        session.flush()
        assert chain.counted(session) == before + 1
        session.rollback()
        assert chain.counted(session) == before
        assert found(session) == []


def test_every_audited_table_has_its_trigger(db: Session) -> None:
    held = set(
        db.execute(text("select tgrelid::regclass::text from pg_trigger where tgname like '%_is_audited'")).scalars()
    )
    assert held == set(AUDITED) | {catalog.__tablename__ for catalog in CATALOGS}


def test_a_change_says_who_where_and_what_was_before_and_secrets_are_not_in_it(
    db: Session, as_user: Callable[[str], Actor]
) -> None:
    actor = as_user("admadm")
    db.add(ControlSetting(control="own_case", site_code="*", mode="warn"))
    db.flush()
    db.execute(text("update control_setting set mode = 'off' where control = 'own_case'"))
    db.execute(
        text("update ab_user set password = 'secret', desk = '9', login_count = 7 where id = :id"),
        {"id": actor.user_id},
    )
    made, changed, user = db.scalars(select(ChangeLog).order_by(ChangeLog.id.desc()).limit(3)).all()[::-1]
    assert (made.subject, made.key, made.act, made.before) == ("control_setting", "own_case/*", "INSERT", None)
    assert made.after == {"control": "own_case", "site_code": "*", "mode": "warn"}
    assert (changed.act, changed.before, changed.after) == ("UPDATE", {"mode": "warn"}, {"mode": "off"})
    assert {(made.user_id, made.username), (changed.user_id, changed.username)} == {(actor.user_id, "admadm")}
    assert (user.key, user.after) == (str(actor.user_id), {"desk": "9", "password": "***"})
    assert "secret" not in str(user.before)


def test_a_change_in_the_database_itself_names_its_role(db: Session) -> None:
    db.execute(text("update site set name = name || ' X' where code = 'GUA'"))
    (line,) = db.scalars(select(ChangeLog).order_by(ChangeLog.id.desc()).limit(1))
    assert (line.user_id, line.subject, line.key) == (None, "site", "GUA")
    assert line.username == db.execute(text("select session_user")).scalar_one()


def test_a_transition_ties_its_event(db: Session, as_user: Callable[[str], Actor]) -> None:
    case = make_case(db)
    event = machine.perform(db, "authorise", case.number, as_user("supervisor"), reason="A01")
    tied = db.scalars(select(AuditLink).where(AuditLink.log == "case_event", AuditLink.row_id == event.id)).all()
    assert len(tied) == 1
    assert event.at <= utc_now()
