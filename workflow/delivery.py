"""Post-Impresión: the passport is handed over, recording who collected it (module 3; M:L643)."""

from models.booklets import COLLECTOR_LABELS
from models.booklets import BookletState as B
from models.cases import Event, State
from models.stock import Account
from models.text import N_
from security.errors import BadValue
from security.permissions import Permission
from workflow.amendments import end_former_passport
from workflow.booklets import own_booklet, personalisation_of, post
from workflow.fields import Field, Kind
from workflow.inspections import refuse_uninspected
from workflow.machine import Act, transition

HOLDER = "HOLDER"
#: What stands for a document when the passport went by mail (workflow.shipments): its number is the tracking number.
BY_COURIER = "COURIER"
COLLECTORS = tuple(COLLECTOR_LABELS.items())
DOCUMENTS = (
    ("DPI", N_("DPI")),
    ("PASSPORT", N_("Passport")),
    ("CONSULAR_CARD", N_("Consular card")),
    ("BIRTH_CERTIFICATE", N_("Birth certificate")),
    ("OTHER", N_("Other")),
    (BY_COURIER, N_("Courier's proof of receipt")),
)


@transition(
    "T14",
    from_states=(State.POST_IMPRESION,),
    to_state=State.ENTREGADA,
    permission=Permission.DELIVER,
    label=N_("Deliver"),
    event=Event.ENTREGA,
    module="POST_IMPRESION",
    fields=(
        Field("collector", N_("Collected by"), Kind.CHOICE, among=COLLECTORS),
        Field("collector_name", N_("Name of who collected"), Kind.TEXT, required=False, max_length=120),
        Field("document_type", N_("Document shown"), Kind.CHOICE, among=DOCUMENTS),
        Field("document_number", N_("Number of the document shown"), Kind.TEXT, max_length=40),
        Field("comment", N_("Comment"), Kind.COMMENT, required=False),
    ),
    booklet=(B.IMPRESA, B.ENTREGADA),
    confirm=N_("Hand this passport over? It cannot be undone."),
)
def deliver(
    act: Act,
    *,
    collector: str,
    collector_name: str | None,
    document_type: str,
    document_number: str,
    comment: str | None,
) -> None:
    """Hand the passport over and remember to whom, with which document, when and by whom."""
    if collector != HOLDER and not collector_name:
        raise BadValue(N_("Say who collected the passport."), field="collector_name")
    booklet = own_booklet(act, B.IMPRESA)
    refuse_uninspected(act)
    post(act, booklet, "ENTREGA", Account.HOLDER)
    use = personalisation_of(act)
    use.delivered_by_id, use.delivered_at = act.actor.user_id, act.at
    use.collected = {
        "collector": collector,
        "name": collector_name or f"{act.case.given_names} {act.case.surnames}".strip(),
        "document_type": document_type,
        "document_number": document_number,
    }
    act.comment = comment
    act.data.update(use.collected)
    end_former_passport(act)
