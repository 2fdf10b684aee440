"""Writes docs/reference from the declarations, so that what is documented is what runs."""

import itertools
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click
from flask import Flask

from app import create_app
from app.menu import MENU
from app.routes import OPEN, Route, routes
from app.settings import PROJECT_ROOT, Settings, settings_page
from models.booklets import BOOKLET_LABELS
from models.cases import EVENT_LABELS, STATE_LABELS, TERMINAL, State
from models.catalogs import CATALOGS, Catalog
from models.seeding import rows
from models.stock import ACCOUNT_LABELS, Account
from reports.catalogue import EVERY
from reports.declaration import Report
from security.permissions import SCREEN_LABELS, Permission
from security.roles import BY_CODE
from workflow.controls import DECLARED
from workflow.fields import Field
from workflow.machine import CREATIONS, TRANSITIONS, Transition
from workflow.stock.closings import TWO_PEOPLE
from workflow.stock.ledger import KINDS

FOLDER = PROJECT_ROOT / "docs" / "reference"


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; fail when a page is not what the declarations say.")
def reference(check: bool) -> None:
    """Write docs/reference from the declarations."""
    made = pages(_app())
    stale = [name for name, text in made.items() if not is_current(FOLDER, name, text)]
    if check and stale:
        raise click.ClickException(f"Not current: {', '.join(stale)}. Run `pasaportes reference`.")
    if not check:
        write(FOLDER, made)
        click.echo(f"{len(made)} pages, {len(stale)} of them changed: {FOLDER}")


def write(folder: Path, made: dict[str, str]) -> None:
    """Write the pages into `folder`, which is made when missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


def is_current(folder: Path, name: str, text: str) -> bool:
    """Whether the page `name` in `folder` says `text`."""
    path = folder / name
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _app() -> Flask:
    """An application for its routes alone: it reaches no database."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), demo=True, secret_key="reference-only")  # noqa: S106
        return create_app(settings, database_url="postgresql+psycopg://nobody@localhost/none")


def pages(app: Flask) -> dict[str, str]:
    """The text of each page, by file name."""
    made = {
        "permissions.md": permissions_page(),
        "states.md": states_page(),
        "controls.md": controls_page(),
        "movements.md": movements_page(),
        "reports.md": reports_page(),
        "catalogs.md": catalogs_page(),
        "menu.md": menu_page(),
        "routes.md": routes_page(app),
        "settings.md": settings_page(),
    }
    index = "# Reference\n\nGenerated from the declarations by `pasaportes reference`; do not edit.\n\n"
    links = (f"- [{text.splitlines()[0].removeprefix('# ')}]({name})\n" for name, text in made.items())
    return {"README.md": index + "".join(links), **made}


def _table(head: Iterable[str], lines: Iterable[Iterable[object]]) -> str:
    titles = list(head)
    marks = ["---"] * len(titles)
    cells = ([str(cell).replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in (titles, marks, *cells)) + "\n"


def permissions_page() -> str:
    """The matrix of permissions and profiles."""
    profiles = list(BY_CODE.values())
    text = (
        "# Permissions and profiles\n\nThe profiles as they are seeded; an administrator changes them in Perfiles.\n\n"
    )
    text += _table(
        ("profile", "name", "sites"), ((p.code, p.name, "all" if p.national else "his own") for p in profiles)
    )
    for screen, group in itertools.groupby(Permission, key=lambda permission: permission.screen):
        text += f"## {SCREEN_LABELS[screen]}\n\n"
        lines = ((p.name, p.label, ", ".join(r.code for r in profiles if p in r.permissions)) for p in group)
        text += _table(("permission", "allows to", "profiles"), lines)
    return text + "## Matrix\n\n" + _matrix()


def _matrix() -> str:
    lines = ((p.name, *("●" if p in r.permissions else "" for r in BY_CODE.values())) for p in Permission)
    return _table(("", *BY_CODE), lines)


def states_page() -> str:
    """The diagram of the machine, and its transitions."""
    text = "# States and transitions of a case\n\n```mermaid\nstateDiagram-v2\n"
    text += "".join(f"    {state}: {STATE_LABELS[state]}\n" for state in State)
    text += "".join(f"    [*] --> {made.to_state}: {made.code} {made.label}\n" for made in CREATIONS)
    text += "".join(f"    {line}\n" for move in TRANSITIONS.values() for line in _arrows(move))
    text += "".join(f"    {state} --> [*]\n" for state in State if state in TERMINAL) + "```\n\n"
    text += "Reactivating a booklet returns case and booklet to where they were before it was voided.\n\n"
    text += "## How a case comes to be\n\n" + _creations() + "## Transitions\n\n"
    return text + "".join(_transition(move) for move in TRANSITIONS.values())


def _arrows(move: Transition) -> list[str]:
    words = ((state, " ".join((*_code(move, state), move.name))) for state in move.from_states)
    return [f"{state} --> {move.end_of(state)}: {label}" for state, label in words]


def _code(move: Transition, state: State) -> tuple[str, ...]:
    """The code of the seed file for this move from `state`: one for each state, or one for all."""
    return move.codes if len(move.codes) < 2 else (move.codes[move.from_states.index(state)],)


def _creations() -> str:
    lines = ((c.code, c.label, c.to_state, f"`{c.event}`", f"`{c.by}`" if c.by else "intake") for c in CREATIONS)
    return _table(("code", "what", "state", "event", "by"), lines)


def _transition(move: Transition) -> str:
    moves = "; ".join(f"{state} → {move.end_of(state)}" for state in move.from_states)
    before, after = (BOOKLET_LABELS[state] if state else "as it is" for state in move.booklet)
    facts = (
        ("codes", ", ".join(move.codes) or "see how a case comes to be"),
        ("label", move.label),
        ("states", moves),
        ("permission", f"`{move.permission.name}`: {move.permission.label}"),
        ("event", f"`{move.event}`: {EVENT_LABELS[move.event]}"),
        ("booklet", f"{before} → {after}" if any(move.booklet) else "none"),
        ("fields", ", ".join(map(_field, move.fields)) or "none"),
        ("asks first", move.confirm or "no"),
        ("REST", f"`POST /api/v1/cases/<number>/{move.name}`"),
    )
    words = " ".join((move.body.__doc__ or "").split())
    return f"### `{move.name}`\n\n{words}\n\n" + _table(("", ""), facts)


def _field(field: Field) -> str:
    return f"`{field.name}` ({field.kind}{'' if field.required else ', optional'})"


def controls_page() -> str:
    """The controls of who may act."""
    text = "# Controls\n\nEach has its default unless `control_setting` says otherwise, everywhere or at a site.\n\n"
    lines = [(f"`{c.name}`", c.label, ", ".join(sorted(c.acts)) or "every transition", c.default) for c in DECLARED]
    lines.append((f"`{TWO_PEOPLE.name}`", TWO_PEOPLE.label, "the day closing", TWO_PEOPLE.default))
    return text + _table(("control", "rule", "looks at", "default"), lines)


def movements_page() -> str:
    """The kinds of stock movement, and the diagram of places."""
    text = "# Movements of booklets\n\nThe kinds the ledger takes; the database holds the same rules.\n\n"
    text += "```mermaid\nstateDiagram-v2\n" + "".join(f"    {a}: {ACCOUNT_LABELS[a]}\n" for a in Account)
    text += "".join(f"    {a} --> {b}: {k.code}\n" for k in KINDS.values() for a in k.sources for b in k.targets)
    lines = (
        (
            f"`{k.code}`", k.label, ", ".join(k.sources), ", ".join(k.targets), ", ".join(k.documents) or "none",
            ", ".join(f"`{p.name}`" for p in k.permissions) or "its act's",
        )
        for k in KINDS.values()
    )  # fmt: skip
    return text + "```\n\n" + _table(("kind", "what", "from", "to", "document", "permission (one of)"), lines)


def reports_page() -> str:
    """The reports with their definitions, columns and filters."""
    text = "# Reports\n\nEach on screen, as XLSX and as PDF; all of a moment (docs/decisions/0014).\n\n"
    return text + "".join(_report(report) for report in EVERY.values())


def _report(report: Report) -> str:
    totals = ", ".join(f"`{column.key}`" for column in report.columns if column.total)
    facts = (
        ("manual", report.source),
        ("permission", f"`{report.permission.name}`"),
        ("columns", ", ".join(column.label for column in report.columns)),
        ("filters", ", ".join(each.label for each in report.filters)),
        ("totals", totals or "lines"),
        ("pictures", "yes" if report.pictures else "no"),
        ("charts", ", ".join(chart.title for chart in report.charts) or "none"),
        ("equals in the ledger", f"`{report.tie.kind or 'what there is'}`" if report.tie else "nothing"),
    )
    return f"## {report.number} {report.title}\n\n{report.about}\n\n" + _table(("", ""), facts)


def catalogs_page() -> str:
    """The catalogs with their columns and seeds."""
    text = "# Catalogs\n\nKeyed by code; an entry is deactivated, never deleted, and its code never changes.\n\n"
    text += _table(("catalog", "table", "entries seeded"), (_catalog(catalog) for catalog in CATALOGS))
    for catalog in CATALOGS:
        text += f"## {catalog.label_plural}\n\n" + _table(("column", "label", "type", "empty"), _columns(catalog))
    return text


def _catalog(catalog: type[Catalog]) -> tuple[object, ...]:
    return catalog.label_plural, f"`{catalog.__tablename__}`", len({row["code"] for row in rows(catalog.seed[0])})


def _columns(catalog: type[Catalog]) -> list[tuple[object, ...]]:
    return [
        (f"`{column.key}`", column.info.get("label", ""), _type(column), "yes" if column.nullable else "no")
        for column in catalog.__table__.columns
    ]


def _type(column: object) -> str:
    targets = sorted(key.target_fullname for key in column.foreign_keys)  # type: ignore[attr-defined]
    return f"→ {targets[0]}" if targets else str(column.type).lower()  # type: ignore[attr-defined]


def menu_page() -> str:
    """The menu's groups and items."""
    text = "# Menu\n\nThe modules of the manual by their numbers; each is shown to who holds its permission.\n\n"
    for group in MENU:
        lines = ((item.number, item.label, f"`{item.endpoint}`", f"`{item.permission.name}`") for item in group.items)
        text += f"## {group.label}\n\n" + _table(("no.", "module", "endpoint", "permission"), lines)
    return text


def routes_page(app: Flask) -> str:
    """Every address and what it asks for."""
    text = "# Routes\n\nWhat each address asks for; of several permissions one is enough.\n\n"
    lines = ((f"`{r.path}`", " ".join(r.methods), f"`{r.endpoint}`", _asked(r)) for r in routes(app))
    return text + _table(("address", "methods", "endpoint", "asks for"), lines)


def _asked(route: Route) -> str:
    if route.permissions is None:
        return f"nothing: {OPEN.get(route.endpoint, 'public')}"
    if route.closed:
        return "closed to everybody"
    return " or ".join(f"`{permission.name}`" for permission in route.permissions) or "being logged in"
