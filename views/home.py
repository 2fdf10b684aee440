"""The first page after logging in: what waits in the queues the user works on."""

from dataclasses import dataclass

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import IndexView, expose
from flask_babel import gettext as _

from models.base import session
from security.actor import Actor
from views.access import current_actor, needs
from views.frame import Frame
from workflow.queues import COUNT_CAP, QUEUES, Queue, site_counts

ICONS = {
    "supervision": "person-check",
    "secondary": "shield-exclamation",
    "printing": "printer",
    "mobile-printing": "truck",
    "in-printing": "hourglass-split",
    "quality": "upc-scan",
    "delivery": "box-arrow-up-right",
}


@dataclass(frozen=True)
class Card:
    """A queue as a card: where it leads and how much waits."""

    label: str
    url: str
    count_text: str
    icon: str
    hint: str


class HomeView(Frame, IndexView):  # type: ignore[misc]
    """`/`, for anybody who is logged in."""

    @expose("/")
    @needs()
    def index(self) -> ResponseReturnValue:
        """The queues of the actor, each with what waits at his sites."""
        actor = current_actor()
        cards = [self._card(queue, actor) for queue in QUEUES.values() if actor.may(queue.permission)]
        page: str = self.render_template("home.html", cards=cards, appbuilder=self.appbuilder)
        return page

    @staticmethod
    def _card(queue: Queue, actor: Actor) -> Card:
        counts = site_counts(session(), queue, actor)
        waiting = sum(min(place.count, COUNT_CAP) for place in counts)
        capped = any(place.capped for place in counts)
        busy = sum(place.count > 0 for place in counts)
        return Card(
            label=_(queue.label),
            url=url_for("QueueView.sites", key=queue.key),
            count_text=_("more than %(count)s", count=waiting) if capped else str(waiting),
            icon=ICONS[queue.key],
            hint=_("at %(count)s sites", count=busy) if busy != 1 else _("at one site"),
        )
