"""The controls of SPEC 5 on who may act on a case: each declared once; enforced, warned about or off, by site."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select

from models.booklets import Personalisation
from models.cases import CaseEvent
from models.catalogs import Site
from models.control import ControlSetting
from models.text import N_
from workflow.errors import Refused
from workflow.machine import CONTROLS, Act

#: Acts that make one person carry a case from start to end when they are all his.
LIFE = ({"authorise", "accept_secondary"}, {"accept_print"}, {"accept_quality"}, {"deliver"})


@dataclass(frozen=True)
class Control:
    """A rule about who acts. `broken` says whether this act breaks it; `acts` are the transitions it looks at."""

    name: str
    label: str
    refusal: str
    acts: frozenset[str]
    broken: Callable[[Act], bool]


def _picked_it(act: Act) -> bool:
    if act.case.held_by_id == act.actor.user_id:
        return False
    return act.session.get_one(Site, act.case.site_code).only_dealt


def _own_case(act: Act) -> bool:
    return act.actor.cui is not None and act.actor.cui == act.case.cui


def _captured_it(act: Act) -> bool:
    return act.actor.username == act.case.operator or bool(
        _acts_of(act) & {"receive", "correct", "correct_issued", "extend"}
    )


def _printed_it(act: Act) -> bool:
    uses = select(Personalisation.id).where(
        Personalisation.case_id == act.case.id,
        Personalisation.booklet_number == act.case.booklet_number,
        (Personalisation.printed_by_id == act.actor.user_id) | (Personalisation.assigned_by_id == act.actor.user_id),
    )
    return act.session.scalars(uses).first() is not None


def _did_all(act: Act) -> bool:
    done = _acts_of(act) | {act.transition.name}
    return all(done & step for step in LIFE)


def _holds_no_booklet(act: Act) -> bool:
    return not act.actor.sees(act.case.print_site_code)


def _acts_of(act: Act) -> set[str]:
    mine = select(CaseEvent.transition).where(CaseEvent.case_id == act.case.id, CaseEvent.user_id == act.actor.user_id)
    return set(act.session.scalars(mine))


DECLARED = (
    Control(
        "only_dealt",
        N_("Where cases are only dealt, nobody decides one that was not dealt to him"),
        N_("At this site cases are dealt in order: press “Next case”."),
        frozenset({"refer", "authorise", "reject", "accept_secondary", "reject_secondary"}),
        _picked_it,
    ),
    Control(
        "own_case",
        N_("Nobody acts on a case with his own CUI"),
        N_("Control “own case”: this case is yours; somebody else must do it."),
        frozenset(),
        _own_case,
    ),
    Control(
        "captured_not_authorised",
        N_("Who captured, corrected or extended a case cannot authorise it"),
        N_("Control “capture and authorise”: you captured or changed this case; another supervisor must authorise it."),
        frozenset({"authorise", "accept_secondary"}),
        _captured_it,
    ),
    Control(
        "printer_not_quality",
        N_("The printer of a booklet cannot be its quality control"),
        N_("Control “print and quality”: you printed this booklet; somebody else must check it."),
        frozenset({"accept_quality", "refuse_quality"}),
        _printed_it,
    ),
    Control(
        "whole_life",
        N_("Nobody authorises, prints, checks and delivers one case"),
        N_("Control “whole life”: you authorised, printed and checked this case; somebody else must deliver it."),
        frozenset({"deliver"}),
        _did_all,
    ),
    Control(
        "holder_delivers",
        N_("Only the site that holds the booklet delivers it"),
        N_("Control “holding site”: the booklet is at another site, which must deliver it."),
        frozenset({"deliver"}),
        _holds_no_booklet,
    ),
)


def mode(act: Act, control: Control) -> str:
    """`enforce`, `warn` or `off`: the site's setting, the general one, or `enforce`."""
    settings = select(ControlSetting.site_code, ControlSetting.mode).where(
        ControlSetting.control == control.name, ControlSetting.site_code.in_((act.case.site_code, "*"))
    )
    found = {site: mode for site, mode in act.session.execute(settings)}
    return found.get(act.case.site_code) or found.get("*") or "enforce"


def keep_controls(act: Act) -> None:
    """Refuse `act` when it breaks a control that is enforced; note the warning when it is only warned about."""
    for control in DECLARED:
        if (control.acts and act.transition.name not in control.acts) or not control.broken(act):
            continue
        how = mode(act, control)
        if how == "enforce":
            raise Refused(control.refusal)
        if how == "warn":
            act.warnings.append(control.refusal)
            act.data.setdefault("warnings", []).append(control.name)


CONTROLS.append(keep_controls)
