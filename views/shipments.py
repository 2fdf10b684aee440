"""Dirección USA: passports posted to their holders, scanner first (module 54)."""

from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import State
from models.clock import local_date
from models.lost_documents import KIND_LABELS
from models.shipments import ACT_LABELS, SHIPMENT_LABELS, Shipment, ShipmentState
from models.text import N_
from security.errors import BadValue, DomainError
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.documents import number_of
from views.frame import Page
from views.queues import position, token
from workflow import couriers, delivery, shipment_labels, shipment_lists, shipments
from workflow.postal_address import PARTS, US_STATES, address_of, given_address
from workflow.shipments import Loss

PREPARE, SEND = Permission.PREPARE_SHIPMENTS, Permission.SEND_SHIPMENTS
TABS: dict[str, tuple[str, tuple[ShipmentState, ...]]] = {
    "prepared": (N_("Prepared"), (ShipmentState.PREPARED,)),
    "sent": (N_("On their way"), (ShipmentState.SENT,)),
    "returned": (N_("Came back"), (ShipmentState.RETURNED,)),
    "ended": (N_("Ended"), (ShipmentState.DELIVERED, ShipmentState.LOST, ShipmentState.CANCELLED)),
}


class ShipmentView(Page):
    """Module 54."""

    route_base = "/shipments"
    default_view = "list"
    group = N_("Security")
    screen = N_("USA address")

    @expose("/")
    @needs(PREPARE, SEND)
    def list(self) -> ResponseReturnValue:
        """The box for the reader, and one of the lists."""
        return self._list()

    @expose("/", methods=["POST"])
    @needs(PREPARE, SEND)
    def find(self) -> ResponseReturnValue:
        """A booklet, an MRZ or a label that was scanned opens its shipment, or the form to prepare one."""
        try:
            with transaction() as session:
                case, live = shipment_lists.scanned(session, current_actor(), request.form.get("raw", ""))
                number, shipment = case.number, live.id if live else None
        except DomainError as refusal:
            if refusal.field is None:
                raise
            return self._list(refusal)
        if shipment is not None:
            return redirect(url_for(".show", number=shipment), 303)
        return redirect(url_for(".new", case=number), 303)

    @expose("/cases/<case>")
    @needs(PREPARE, SEND)
    def new(self, case: str) -> ResponseReturnValue:
        """The form to prepare the passport of a case, with the address of its enrolment."""
        return self._new(case)

    @expose("/cases/<case>", methods=["POST"])
    @needs(PREPARE)
    def prepare(self, case: str) -> ResponseReturnValue:
        """Prepare it."""
        try:
            with transaction() as session:
                number = shipments.prepare(session, case, current_actor(), _address_typed()).id
        except BadValue as refusal:
            return self._new(case, refusal)
        return self.back(
            _("Shipment %(number)s was prepared: print its label.", number=number), url=url_for(".show", number=number)
        )

    @expose("/<int:number>")
    @needs(PREPARE, SEND)
    def show(self, number: int) -> ResponseReturnValue:
        """A shipment, what can be done with it now, and what was."""
        return self._show(number)

    @expose("/<int:number>/address", methods=["POST"])
    @needs(PREPARE)
    def correct(self, number: int) -> ResponseReturnValue:
        """Correct the address."""
        return self._act(
            number, _("The address was corrected."), "address",
            lambda session, version: shipments.correct_address(
                session, number, current_actor(), version, _address_typed()
            ),
        )  # fmt: skip

    @expose("/<int:number>/send", methods=["POST"])
    @needs(SEND)
    def send(self, number: int) -> ResponseReturnValue:
        """Hand it to the courier; the box for the next booklet follows."""
        typed = {name: request.form.get(name, "").strip() for name in ("courier", "tracking")}
        return self._act(
            number, _("Shipment %(number)s is on its way.", number=number), "send",
            lambda session, version: shipments.send(session, number, current_actor(), version, **typed),
            then=url_for(".list", tab="prepared"),
        )  # fmt: skip

    @expose("/<int:number>/confirm", methods=["POST"])
    @needs(SEND)
    def confirm(self, number: int) -> ResponseReturnValue:
        """The courier delivered it: so is the case."""
        typed = {name: request.form.get(name, "").strip() or None for name in ("collector_name", "comment")}
        return self._act(
            number, _("The receipt was confirmed and the passport delivered."), "confirm",
            lambda session, version: shipments.confirm(
                session, number, current_actor(), version, collector=request.form.get("collector", ""), **typed
            ),
        )  # fmt: skip

    @expose("/<int:number>/return", methods=["POST"])
    @needs(SEND)
    def take_back(self, number: int) -> ResponseReturnValue:
        """It came back."""
        return self._act(
            number, _("Shipment %(number)s came back: its passport waits at the counter.", number=number), "return",
            lambda session, version: shipments.take_back(
                session, number, current_actor(), version, remarks=request.form.get("remarks", "")
            ),
        )  # fmt: skip

    @expose("/<int:number>/cancel", methods=["POST"])
    @needs(PREPARE)
    def cancel(self, number: int) -> ResponseReturnValue:
        """It is not sent after all."""
        return self._act(
            number, _("Shipment %(number)s will not be sent.", number=number), "cancel",
            lambda session, version: shipments.cancel(
                session, number, current_actor(), version, remarks=request.form.get("remarks", "")
            ),
        )  # fmt: skip

    @expose("/<int:number>/lose", methods=["POST"])
    @needs(SEND)
    def lose(self, number: int) -> ResponseReturnValue:
        """It was lost in the mail: its passport is void."""
        names = ("kind", "lost_on", "police_reference", "remarks")
        loss = Loss(**{name: request.form.get(name, "").strip() for name in names})
        return self._act(
            number, _("The passport was reported and is void; its case is printed anew."), "lose",
            lambda session, version: shipments.lose(session, number, current_actor(), version, loss),
        )  # fmt: skip

    @expose("/labels", methods=["POST"])
    @needs(PREPARE)
    def labels(self) -> ResponseReturnValue:
        """The labels of the shipments chosen, as a PDF; their prints are noted."""
        chosen = [number for text in request.form.getlist("shipments")[:500] if (number := number_of(text))]
        try:
            with transaction() as session:
                paper = shipment_labels.print_labels(
                    session, chosen, current_actor(), sheet=request.form.get("paper") == "letter"
                )
        except BadValue as refusal:
            return self._list(refusal)
        answer = Response(paper, mimetype="application/pdf")
        answer.headers["Content-Disposition"] = 'inline; filename="etiquetas.pdf"'
        return answer

    def _act(self, number: int, said: str, form: str, act: Any, then: str | None = None) -> ResponseReturnValue:
        """Carry `act` out; a refusal that names a field is shown in the form it came from."""
        try:
            with transaction() as session:
                act(session, number_of(request.form.get("version")))
        except DomainError as refusal:
            if refusal.field is None:
                raise
            return self._show(number, refusal, form)
        return self.back(said, url=then or url_for(".show", number=number))

    def _list(self, refusal: DomainError | None = None) -> ResponseReturnValue:
        actor, tab = current_actor(), request.values.get("tab", "waiting")
        tab = tab if tab in TABS else "waiting"
        with transaction() as session:
            sites = shipment_lists.sites(session, actor)
            site = _chosen([place.code for place in sites], everywhere=actor.sites is None and tab != "waiting")
            values = self._waiting(session, site) if tab == "waiting" else self._lines(session, tab, site)
        labels = {"waiting": _("To be prepared"), **{key: _(label) for key, (label, _states) in TABS.items()}}
        tabs = [(label, url_for(".list", tab=key, site=site), key == tab, None) for key, label in labels.items()]
        page = self.page(
            "shipments/list.html", _("Passports by mail"), tab=tab, tabs=tabs, tab_title=labels[tab], site=site,
            sites=[(place.code, place.name) for place in sites], everywhere=actor.sites is None, refusal=refusal,
            raw=request.form.get("raw", ""), may_prepare=actor.may(PREPARE),
            sees_catalogs=actor.may(Permission.READ_CATALOGS), most=shipment_labels.AT_MOST, **values,
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    def _waiting(self, session: Session, site: str) -> dict[str, Any]:
        cases, following = shipment_lists.waiting(session, current_actor(), site, position(request.args.get("after")))
        here = url_for(".list", tab="waiting", site=site)
        return {
            "cases": [(case, given_address(case)) for case in cases],
            "first_url": here if "after" in request.args else None,
            "next_url": f"{here}&after={token(following)}" if following else None,
        }

    def _lines(self, session: Session, tab: str, site: str) -> dict[str, Any]:
        before = number_of(request.args.get("before"))
        lines, following = shipment_lists.shipments(session, current_actor(), TABS[tab][1], site=site, before=before)
        return {
            "lines": lines, "words": {state: _(label) for state, label in SHIPMENT_LABELS.items()},
            "first_url": url_for(".list", tab=tab, site=site) if before else None,
            "next_url": url_for(".list", tab=tab, site=site, before=following) if following else None,
        }  # fmt: skip

    def _new(self, number: str, refusal: DomainError | None = None) -> ResponseReturnValue:
        actor = current_actor()
        with transaction() as session:
            case = shipment_lists.case_to_prepare(session, actor, number)
            live = shipments.live_shipment(session, case)
        if live is not None:
            return redirect(url_for(".show", number=live.id))
        title = _("Post the passport of case %(number)s", number=case.number)
        page = self.page(
            "shipments/new.html", title, (case.number, None), case=case, given=given_address(case), refusal=refusal,
            typed=request.form if refusal else given_address(case).parts(), states=_states(),
            may_prepare=actor.may(PREPARE), waits=case.state == State.POST_IMPRESION,
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    def _show(self, number: int, refusal: DomainError | None = None, form: str = "") -> ResponseReturnValue:
        actor = current_actor()
        with transaction() as session:
            line = shipment_lists.shipment_called(session, actor, number)
            log = shipment_lists.log(session, number)
            carriers = [(entry.code, entry.name) for entry in couriers.in_use(session)]
        shipment, title = line.shipment, _("Shipment %(number)s", number=number)
        page = self.page(
            "shipments/show.html", title, (title, None), line=line, shipment=shipment, log=log, carriers=carriers,
            may=_offered(shipment), refusal=refusal, form=form, typed=request.form, states=_states(),
            address=address_of(shipment), words={state: _(label) for state, label in SHIPMENT_LABELS.items()},
            acts={act: _(label) for act, label in ACT_LABELS.items()}, parts=_part_words(),
            kinds=[(str(kind), _(label)) for kind, label in KIND_LABELS.items()],
            collectors=[(value, _(label)) for value, label in delivery.COLLECTORS],
            url=couriers.tracking_url(line.courier, shipment.tracking_number),
            today=local_date(utc_now()).isoformat(),
        )  # fmt: skip
        return make_response(page, status_of(refusal))


def _offered(shipment: Shipment) -> Mapping[str, bool]:
    """What the actor may do with `shipment` now."""
    actor = current_actor()
    prepared, sent = shipment.state == ShipmentState.PREPARED, shipment.state == ShipmentState.SENT
    return {
        "correct": prepared and actor.may(PREPARE), "label": shipment.live and actor.may(PREPARE),
        "send": prepared and actor.may(SEND), "cancel": prepared and actor.may(PREPARE),
        "confirm": sent and actor.may(SEND) and actor.may(Permission.DELIVER), "take_back": sent and actor.may(SEND),
        "lose": sent and actor.may(SEND) and actor.may(Permission.VOID_BOOKLETS),
    }  # fmt: skip


def _address_typed() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in PARTS}


def _states() -> Any:
    return [(code, f"{code} · {name}") for code, name in sorted(US_STATES.items(), key=lambda pair: pair[1])]


def _part_words() -> dict[str, str]:
    labels = {
        "recipient": N_("Recipient"), "line_1": N_("Street and number"), "line_2": N_("Apartment, unit"),
        "city": N_("City"), "us_state": N_("US state"), "zip_code": N_("ZIP code"), "phone": N_("Telephone"),
    }  # fmt: skip
    return {name: _(label) for name, label in labels.items()}


def _chosen(codes: Any, *, everywhere: bool) -> str:
    """The site that was asked for, among `codes`; else every site where that may be, or the first."""
    asked = request.values.get("site", "")
    if asked in codes:
        return str(asked)
    return "" if everywhere or not codes else str(codes[0])


VIEWS = (ShipmentView,)
