"""A connection of the pool is known to be dead before it is used, without asking the server each time."""

from typing import Any

from sqlalchemy import event, text

from models import base
from models.base import make_engine


def test_connections_whose_server_went_away_are_replaced_before_use(server_url: str) -> None:
    engine, other = make_engine(server_url, pool_size=2), make_engine(server_url)
    mine = "select pg_backend_pid()"
    with engine.connect() as one, engine.connect() as two:
        dead = [one.scalar(text(mine)), two.scalar(text(mine))]
    with other.connect() as killer:
        for pid in dead:
            killer.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    with engine.connect() as one, engine.connect() as two:
        assert not {one.scalar(text(mine)), two.scalar(text(mine))} & set(dead)
    engine.dispose()
    other.dispose()


def test_a_connection_is_tried_only_after_a_pause(server_url: str, monkeypatch: Any) -> None:
    engine = make_engine(server_url, pool_size=1)
    tried = []

    def watch(connection: Any, _record: Any, _proxy: Any) -> None:
        tried.append(connection.pgconn.transaction_status)

    monkeypatch.setattr(base, "PAUSE_SECONDS", 0.0)
    event.listen(engine, "checkout", watch)
    for _ in range(3):
        with engine.connect() as connection:
            assert connection.scalar(text("select 1")) == 1
    assert set(tried) == {0}  # idle: trying it left no transaction open
    engine.dispose()
