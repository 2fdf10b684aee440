"""The controls of SPEC 5 on who may act on a case: each declared once; enforced, warned about or off, by site."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.booklets import Personalisation
from models.cases import CaseEvent
from models.catalogs import Site
from models.control import ControlSetting
from models.text import N_
from security.errors import Refused
from workflow.machine import CONTROLS, Act

#: Acts that make one person carry a case from start to end when they are all his.
LIFE = ({"authorise", "accept_secondary"}, {"accept_print"}, {"accept_quality"}, {"deliver"})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A control that an administrator sets to `enforce`, `warn` or `off`, what it says, and its mode until then."""

    name: str
    label: str
    refusal: str
    default: str = "enforce"


@dataclass(frozen=True, kw_only=True)
class Control(Rule):
    """A rule about who acts on a case. `broken`: this act breaks it; `acts`: the transitions it looks at, or all."""

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
    return not act.actor.may_at(act.transition.permission, act.case.print_site_code)


def _acts_of(act: Act) -> set[str]:
    mine = select(CaseEvent.transition).where(CaseEvent.case_id == act.case.id, CaseEvent.user_id == act.actor.user_id)
    return set(act.session.scalars(mine))


DECLARED = (
    Control(
        name="only_dealt",
        label=N_("Where cases are only dealt, nobody decides one that was not dealt to him"),
        refusal=N_("At this site cases are dealt in order: press “Next case”."),
        acts=frozenset({"refer", "authorise", "reject", "accept_secondary", "reject_secondary"}),
        broken=_picked_it,
    ),
    Control(
        name="own_case",
        label=N_("Nobody acts on a case with his own CUI"),
        refusal=N_("Control “own case”: this case is yours; somebody else must do it."),
        acts=frozenset(),
        broken=_own_case,
    ),
    Control(
        name="captured_not_authorised",
        label=N_("Who captured, corrected or extended a case cannot authorise it"),
        refusal=N_(
            "Control “capture and authorise”: you captured or changed this case; another supervisor must authorise it."
        ),
        acts=frozenset({"authorise", "accept_secondary"}),
        broken=_captured_it,
    ),
    Control(
        name="printer_not_quality",
        label=N_("The printer of a booklet cannot be its quality control"),
        refusal=N_("Control “print and quality”: you printed this booklet; somebody else must check it."),
        acts=frozenset({"accept_quality", "refuse_quality"}),
        broken=_printed_it,
    ),
    Control(
        name="whole_life",
        label=N_("Nobody authorises, prints, checks and delivers one case"),
        refusal=N_(
            "Control “whole life”: you authorised, printed and checked this case; somebody else must deliver it."
        ),
        acts=frozenset({"deliver"}),
        broken=_did_all,
    ),
    Control(
        name="holder_delivers",
        label=N_("Only the site that holds the booklet delivers it"),
        refusal=N_("Control “holding site”: the booklet is at another site, which must deliver it."),
        acts=frozenset({"deliver"}),
        broken=_holds_no_booklet,
    ),
)


def mode(session: Session, rule: Rule, site: str) -> str:
    """`enforce`, `warn` or `off`: the site's setting, the general one, or the rule's default."""
    settings = select(ControlSetting.site_code, ControlSetting.mode).where(
        ControlSetting.control == rule.name, ControlSetting.site_code.in_((site, "*"))
    )
    found = {site: mode for site, mode in session.execute(settings)}
    return found.get(site) or found.get("*") or rule.default


def keep_controls(act: Act) -> None:
    """Refuse `act` when it breaks a control that is enforced; note the warning when it is only warned about."""
    for control in DECLARED:
        if (control.acts and act.transition.name not in control.acts) or not control.broken(act):
            continue
        how = mode(act.session, control, act.case.site_code)
        if how == "enforce":
            raise Refused(control.refusal)
        if how == "warn":
            act.warnings.append(control.refusal)
            act.data.setdefault("warnings", []).append(control.name)


CONTROLS.append(keep_controls)
