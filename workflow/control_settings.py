"""How strictly each control is kept, in general and by site; every change with its reason (SPEC 5)."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.catalogs import Site
from models.control import ControlSetting
from models.text import N_
from security.actor import Actor
from security.errors import BadValue, NotAllowed, NotFound, WrongState
from security.permissions import Permission
from workflow.controls import MODES, RULES, Rule
from workflow.stock import closings  # noqa: F401  (declares a control of its own)

EVERYWHERE = "*"
LONGEST_REASON = 200
_ALONE = text("select pg_advisory_xact_lock(7321, hashtext(:control))")


@dataclass(frozen=True)
class Setting:
    """A control and how it is kept: by site code, `*` in general; only what was set."""

    rule: Rule
    modes: Mapping[str, str]

    @property
    def general(self) -> str:
        """How it is kept where no site says otherwise."""
        return self.modes.get(EVERYWHERE, self.rule.default)

    @property
    def exceptions(self) -> dict[str, str]:
        """The sites that keep it otherwise, and how."""
        return {site: mode for site, mode in sorted(self.modes.items()) if site != EVERYWHERE}


def settings(session: Session, actor: Actor) -> list[Setting]:
    """Every control with its setting, as declared; one statement."""
    if not actor.may(Permission.READ_CONTROLS):
        raise NotAllowed()
    held: dict[str, dict[str, str]] = {}
    for row in session.scalars(select(ControlSetting)):
        held.setdefault(row.control, {})[row.site_code] = row.mode
    return [Setting(rule, held.get(name, {})) for name, rule in RULES.items()]


def setting(session: Session, actor: Actor, control: str) -> Setting:
    """One control; `NotFound` when there is none of that name."""
    found = next((each for each in settings(session, actor) if each.rule.name == control), None)
    if found is None:
        raise NotFound(N_("There is no control called %(name)s."), name=control[:32])
    return found


def sites(session: Session) -> list[tuple[str, str]]:
    """Code and name of the sites at which a control may be kept otherwise, by name."""
    active = select(Site.code, Site.name).where(Site.active).order_by(Site.name)
    return [(code, name) for code, name in session.execute(active)]


def change(
    session: Session, actor: Actor, control: str, wanted: Mapping[str, str], reason: str, *, was: Mapping[str, str]
) -> int:
    """Keep `control` as `wanted` says, by site code, `*` in general; no word: as in general, or as declared.

    `was` is what the form showed: refused with `WrongState` when another changed it since. Returns how many changed.
    """
    if not actor.may(Permission.EDIT_CONTROLS):
        raise NotAllowed()
    session.execute(_ALONE, {"control": control})
    now = setting(session, actor, control)
    if dict(now.modes) != {site: mode for site, mode in was.items() if mode}:
        raise WrongState(N_("Somebody changed this control since you opened the page: look at it again."))
    _check(session, wanted)
    changed = {site: mode for site, mode in wanted.items() if mode != now.modes.get(site, "")}
    why = reason.strip()
    if changed and not why:
        raise BadValue(N_("Say why: the reason stays in the log of changes."), field="reason")
    if len(why) > LONGEST_REASON:
        raise BadValue(N_("At most %(most)s characters."), field="reason", most=LONGEST_REASON)
    for site, mode in changed.items():
        _set(session, control, site, mode, why)
    return len(changed)


def _check(session: Session, wanted: Mapping[str, str]) -> None:
    sites = set(session.scalars(select(Site.code))) | {EVERYWHERE}
    for site, mode in wanted.items():
        if site not in sites or mode not in ("", *MODES):
            raise BadValue(N_("%(value)s is not one of the choices."), field=f"mode-{site}", value=mode[:20])


def _set(session: Session, control: str, site: str, mode: str, reason: str) -> None:
    row = session.get(ControlSetting, (control, site))
    if row is None:
        session.add(ControlSetting(control=control, site_code=site, mode=mode, reason=reason))
        return
    row.reason = reason
    row.mode = mode or row.mode
    session.flush()
    if not mode:
        session.delete(row)  # after the reason was noted: the log tells both
        session.flush()
