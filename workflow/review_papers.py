"""The paper of a review of who has access: what each account held, what was decided, who signed. Spanish, official."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from models.accounts import AccessReview, AccessReviewLine, Decision
from models.catalogs import Site
from models.clock import local
from models.users import User
from printing.papers import Column, Paper, Signature, Table, draw
from workflow.pages import AUTHORITY
from workflow.reviews import day_of, places

DECIDED = {Decision.KEEP: "Se mantiene", Decision.DISABLE: "Se deshabilita", Decision.CHANGE: "Requiere cambio"}


def review_paper(session: Session, review: AccessReview) -> bytes:
    """The PDF of a review; one that is not signed is marked as a draft on every page."""
    title = f"Revisión de accesos No. {review.id}"
    site = session.get_one(Site, review.site_code).name if review.site_code else "Todas las sedes"
    signer = session.get(User, review.signed_by_id) if review.signed_by_id else None
    signed = f"{local(review.signed_at):%d/%m/%Y %H:%M}" if review.signed_at else "—"
    return draw(
        Paper(
            title=title,
            office=(AUTHORITY, site),
            facts=(
                ("Sede", site),
                ("Cuentas", f"{len(review.lines):,}"),
                ("Abierta", f"{local(review.opened_at):%d/%m/%Y %H:%M} · {review.opened_by.username}"),
                ("Firmada", f"{signed} · {signer.username}" if signer else "Sin firmar"),
                *_totals(review),
            ),
            blocks=(_lines(review),) if review.lines else ("Ninguna cuenta activa en la sede.",),
            signatures=(Signature("Revisa", f"{signer.first_name} {signer.last_name}" if signer else None, signed),),
            footer=title,
            marked=None if review.signed_at else "BORRADOR",
        )
    )


def _totals(review: AccessReview) -> Iterator[tuple[str, str]]:
    for decision, words in DECIDED.items():
        yield words, f"{sum(line.decision == decision for line in review.lines):,}"


def _lines(review: AccessReview) -> Table:
    columns = (
        Column("Usuario", 26), Column("Nombre", 36), Column("Perfiles y sedes"), Column("Último ingreso", 22),
        Column("Decisión", 24), Column("Observación", 32), Column("Revisó", 20),
    )  # fmt: skip
    rows = [
        (
            line.username,
            line.name,
            _access(line),
            day_of(line.last_login) or "Nunca",
            DECIDED[Decision(line.decision)] if line.decision else "Pendiente",
            line.remark or "",
            line.decided_by.username if line.decided_by else "",
        )
        for line in review.lines
    ]
    return Table(columns, rows, title="Cuentas revisadas")


def _access(line: AccessReviewLine) -> str:
    held = (f"{title}: {sites}" + (f" (hasta {until})" if until else "") for title, sites, until in places(line))
    return "; ".join(held) or "Sin perfil"
