"""The first page after logging in: what waits in the queues the user works on."""

from dataclasses import dataclass

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import IndexView, expose
from flask_babel import format_timedelta
from flask_babel import gettext as _

from models.base import session, utc_now
from security.actor import Actor
from views.access import current_actor, needs
from views.frame import Frame
from views.queues import STARTS
from workflow.queues import COUNT_CAP, QUEUES, Queue, SiteCount, site_counts

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
    idle: bool


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
            url=url_for(STARTS[queue.key]) if queue.key in STARTS else url_for("QueueView.sites", key=queue.key),
            count_text=_("more than %(count)s", count=waiting) if capped else str(waiting),
            icon=ICONS[queue.key],
            hint=_hint(counts, busy),
            idle=waiting == 0,
        )


def _hint(counts: list[SiteCount], busy: int) -> str:
    """Where a queue waits and since when."""
    if not busy:
        return str(_("Nothing waits."))
    where = _("at %(count)s sites", count=busy) if busy != 1 else _("at one site")
    oldest = min(place.oldest for place in counts if place.oldest)
    ago = format_timedelta(utc_now() - oldest)
    return str(_("%(where)s, oldest enrolment %(ago)s ago", where=where, ago=ago))
