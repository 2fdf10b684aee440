"""What the pages of printing, quality control and delivery share: one case, one act, refusals shown at their field."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.cases import PassportCase
from models.text import N_
from security.errors import DomainError
from views.access import current_actor, transaction
from views.acts import tell
from views.frame import Crumb, Page
from views.queues import start_of
from workflow import enquiries, queues
from workflow.counters import unless_changed
from workflow.machine import available, perform
from workflow.queues import Queue


class CounterPage(Page):
    """A page on which one case is worked; its forms carry `seen`, the last event that the page showed."""

    group = N_("Monitoring")
    #: The queue whose cases come here, unless the case's own state names another.
    queue_key: ClassVar[str]

    def queue_for(self, case: PassportCase) -> Queue:
        """The queue that `case` waits in, or the one this page is for."""
        found = queues.queue_of(case.state, current_actor(), mobile=case.mobile)
        return found or queues.queue_called(self.queue_key)

    def trail(self, queue: Queue, case: PassportCase, site: str | None) -> list[Crumb]:
        """Breadcrumbs: group, queue, its site, the case."""
        return [
            (_(str(self.group)), None),
            (_(queue.label), start_of(queue)),
            (site or case.site_code, url_for("QueueView.queue", key=queue.key, site=case.site_code)),
            (case.number, None),
        ]


def attempt(name: str, number: str, values: Mapping[str, Any] | None = None) -> DomainError | None:
    """Perform the transition `name`, unless the case changed since the page was drawn, and say so.

    Returns the refusal when it names a field of the form, which is then shown there; others go where all go.
    """
    try:
        with transaction() as session:
            unless_changed(session, number, request.form.get("seen"))
            event = perform(session, name, number, current_actor(), **(values or {}))
    except DomainError as refusal:
        if refusal.field is None:
            raise
        return refusal
    tell(number, event)
    return None


def offered(case: PassportCase) -> set[str]:
    """The names of the transitions that the actor may try on `case` now."""
    return {move.name for move in available(case, current_actor())}


def status_of(refusal: DomainError | None) -> int:
    """The status of a page that shows `refusal` at its field; the page itself is there, whatever was not."""
    return 200 if refusal is None else 400 if refusal.status == 404 else refusal.status


def shots(session: Session, case: PassportCase) -> dict[str, str]:
    """The addresses of the case's pictures by kind; none for who may not see them."""
    if not enquiries.sees_images(current_actor(), case):
        return {}
    kinds = [picture.kind for picture in enquiries.pictures(session, case) if picture.picture_id is not None]
    return {kind: url_for("PictureView.show", number=case.number, kind=kind) for kind in kinds}
