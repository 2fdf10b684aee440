"""Being logged in without a password: the cookie and the bearer token of a session that is put into the database."""

import datetime as dt
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token
from sqlalchemy.orm import Session

from security.actor import Actor
from security.sessions import open_session


def sit_down(client: FlaskClient, session: Session, actor: Actor, locale: str = "es") -> FlaskClient:
    """Log the client in as `actor`; commits."""
    key = open_session(session, actor.user_id, "web", dt.timedelta(hours=12), label="Tests")
    session.commit()
    with client.session_transaction() as cookie:
        cookie.update(_user_id=str(actor.user_id), _fresh=True, sid=key, locale=locale)
    return client


def bearer(app: Flask, session: Session, actor: Actor, **options: Any) -> dict[str, str]:
    """The Authorization header of a token of `actor`; commits. `options` are those of `create_access_token`."""
    key = open_session(session, actor.user_id, "token", dt.timedelta(hours=1), label="Tests")
    session.commit()
    with app.app_context():
        made = create_access_token(str(actor.user_id), additional_claims={"sid": key}, **options)
    return {"Authorization": f"Bearer {made}"}
