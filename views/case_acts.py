"""Where a case's transitions are carried out: the pages of queues, those with a page of their own, the generic form."""

from flask import url_for
from flask_babel import gettext as _

from models.booklets import BookletState
from models.cases import PassportCase
from security.actor import Actor
from security.errors import NotAllowed
from views.access import current_actor
from views.case_file import CaseFile
from views.queues import endpoint_of
from workflow import queues
from workflow.machine import Transition, available

#: Modules whose transitions are carried out on the page of a decision.
DECIDING = ("SUPERVISION", "VALIDACION_SECUNDARIA")
#: Pages of queues, by module; what has no page has the generic form.
PAGES = {
    "SUPERVISION": "supervision",
    "VALIDACION_SECUNDARIA": "secondary",
    "PRE_IMPRESION": "printing",
    "PRE_IMPRESION_MOVIL": "mobile-printing",
    "EN_IMPRESION": "in-printing",
    "CONTROL_CALIDAD": "quality",
    "POST_IMPRESION": "delivery",
}
#: Transitions with a page of their own that is not of a queue.
OWN_PAGES = {
    "correct": "CorrectionView.form",
    "correct_issued": "CorrectionView.form",
    "extend": "ExtensionView.show",
    "void_booklet": "VoidView.start",
    "reactivate_booklet": "VoidView.start",
}
DECISIONS = frozenset(PAGES[module] for module in DECIDING)


def own_page(number: str, move: Transition) -> str | None:
    """The page that carries out `move`; None where the generic form does. `NotAllowed` for who may not."""
    endpoint = OWN_PAGES.get(move.name)
    if endpoint is None:
        return None
    if not current_actor().may(move.permission):
        raise NotAllowed()
    return url_for(endpoint) if endpoint == "VoidView.start" else url_for(endpoint, number=number)


def quick_acts(case: PassportCase, actor: Actor) -> list[tuple[str, str]]:
    """What `actor` may do now with a case of a list, on the page of a queue: label and address, the likeliest first."""
    pages = dict.fromkeys(PAGES[move.module] for move in available(case, actor) if move.module in PAGES)
    return [(_label(page), url_for(endpoint_of(page), number=case.number)) for page in pages]


def _label(page: str) -> str:
    return str(_("Review and decide") if page in DECISIONS else _(queues.QUEUES[page].label))


def buttons(found: CaseFile) -> list[tuple[str, str, bool]]:
    """What the actor may do now: label, address, whether it is dangerous; acts of one page are one button."""
    shown: dict[str, tuple[str, str, bool]] = {}
    for move in found.acts:
        url, label = _address(found, move), _(move.label)
        if move.module in PAGES:
            label = _label(PAGES[move.module])
        if url is not None:
            shown[url] = (label, url, move.danger)
    return list(shown.values())


def _address(found: CaseFile, move: Transition) -> str | None:
    """Where `move` is carried out; None when there is nothing for it to be done to."""
    if move.module in PAGES:
        return url_for(endpoint_of(PAGES[move.module]), number=found.case.number)
    if OWN_PAGES.get(move.name) == "VoidView.start":
        return _booklet_page(found, move)
    return own_page(found.case.number, move) or url_for(".form", number=found.case.number, transition=move.name)


def _booklet_page(found: CaseFile, move: Transition) -> str | None:
    """The card of the booklet that `move` would void or bring back; None when there is none."""
    last = found.booklets[-1] if found.booklets else None
    if last is None or (last.state == BookletState.ANULADA) != (move.booklet[0] == BookletState.ANULADA):
        return None
    return url_for("BookletView.show", number=last.number, _anchor="void")
