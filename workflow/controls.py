"""The controls of SPEC 5 on who may act on a case: each declared once; enforced, warned about or off, by site."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.base import read_rows
from models.booklets import Personalisation
from models.cases import CaseEvent, State
from models.catalogs import Site
from models.text import N_
from security.errors import Refused
from security.permissions import Permission
from workflow.booklets import LOST_OR_STOLEN
from workflow.machine import CONTROLS, Act

#: Acts that make one person carry a case from start to end when they are all his.
LIFE = ({"authorise", "accept_secondary"}, {"accept_print"}, {"accept_quality"}, {"deliver"})


#: What people call the ways in which a control is kept.
MODES = {"enforce": N_("Enforced"), "warn": N_("Warned about"), "off": N_("Off")}
#: Every control by its name, as it is declared: here, and where else an act is not a transition of a case.
RULES: dict[str, "Rule"] = {}
_WHO_MAY = text(
    """
    select distinct r.title from ab_role r
      join ab_permission_view_role pr on pr.role_id = r.id
      join ab_permission_view pv on pv.id = pr.permission_view_id
      join ab_permission p on p.id = pv.permission_id and p.name = :act
      join ab_view_menu v on v.id = pv.view_menu_id and v.name = :screen
     where r.active and r.title <> '' order by 1
    """
)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A control that an administrator sets to `enforce`, `warn` or `off`, what it says, and its mode until then."""

    name: str
    label: str
    refusal: str
    default: str = "enforce"

    def __post_init__(self) -> None:
        RULES[self.name] = self


@dataclass(frozen=True, kw_only=True)
class Control(Rule):
    """A rule about who acts on a case. `broken`: this act breaks it; `acts`: the transitions it looks at, or all.

    `two_people`: it is kept by asking for the act, which a second person then approves (workflow.second_person).
    """

    acts: frozenset[str]
    broken: Callable[[Act], bool]
    two_people: bool = False


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
    """What the actor did on the case, or asked for and another carried out."""
    asked = CaseEvent.data["asked"]["by_id"].as_integer() == act.actor.user_id
    mine = select(CaseEvent.transition).where(
        CaseEvent.case_id == act.case.id, (CaseEvent.user_id == act.actor.user_id) | asked
    )
    return set(act.session.scalars(mine))


def _alone(act: Act) -> bool:
    return act.asked is None or act.asked.user_id == act.actor.user_id


def _voids_delivered_alone(act: Act) -> bool:
    """A report of loss or theft must block the passport at once, so that one person does it."""
    return _alone(act) and act.case.state == State.ENTREGADA and act.values["void_type"] not in LOST_OR_STOLEN


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
    Control(
        name="correction_two_people",
        label=N_("A correction is asked for by one person and approved by another"),
        refusal=N_(
            "Control “two people on a correction”: ask for it under Correction; somebody else who may correct cases"
            " approves it."
        ),
        acts=frozenset({"correct", "correct_issued"}),
        broken=_alone,
        two_people=True,
    ),
    Control(
        name="delivered_void_two_people",
        label=N_("The void of a delivered passport is asked for by one person and approved by another"),
        refusal=N_(
            "Control “two people on a delivered passport”: ask for it under Void booklet; somebody else who may void"
            " booklets approves it."
        ),
        acts=frozenset({"void_booklet"}),
        broken=_voids_delivered_alone,
        two_people=True,
    ),
)


#: Made once, as it is asked with every act.
_SETTINGS = text("select site_code, mode from control_setting where control = :control and site_code in (:site, '*')")


def mode(session: Session, rule: Rule, site: str) -> str:
    """`enforce`, `warn` or `off`: the site's setting, the general one, or the rule's default."""
    found = {site: mode for site, mode in read_rows(session, _SETTINGS, {"control": rule.name, "site": site})}
    return found.get(site) or found.get("*") or rule.default


def refuse(session: Session, rule: Rule, permission: Permission) -> NoReturn:
    """Raise `Refused`, saying which control and which profiles allow the act."""
    act, screen = permission.value.pair
    titles = session.execute(_WHO_MAY, {"act": act, "screen": screen}).scalars()
    raise Refused(
        N_("%(refusal)s Another person can, with one of the profiles: %(who)s."),
        refusal=rule.refusal, who=", ".join(titles),
    )  # fmt: skip


def second_person(act: Act) -> Control | None:
    """The enforced control for which `act` must be asked for and approved by another; None when one person does it."""
    for control in _broken_by(act):
        if control.two_people and mode(act.session, control, act.case.site_code) == "enforce":
            return control
    return None


def _broken_by(act: Act) -> Iterator[Control]:
    for control in DECLARED:
        if (not control.acts or act.transition.name in control.acts) and control.broken(act):
            yield control


def keep_controls(act: Act, *, asking: bool = False) -> None:
    """Refuse `act` when it breaks a control that is enforced; note the warning when it is only warned about.

    `asking`: the act is only asked for, which is how the controls that need two people are kept.
    """
    for control in _broken_by(act):
        if asking and control.two_people:
            continue
        how = mode(act.session, control, act.case.site_code)
        if how == "enforce":
            refuse(act.session, control, act.transition.permission)
        if how == "warn":
            act.warnings.append(control.refusal)
            act.data.setdefault("warnings", []).append(control.name)


CONTROLS.append(keep_controls)
