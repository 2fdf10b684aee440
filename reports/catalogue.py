"""The reports there are, by name and in the order of the menu: one module for each permission of the screen Reports."""

from importlib import import_module

from models.text import N_
from reports.declaration import Report
from security.errors import NotFound
from security.permissions import REPORTS as PERMISSIONS
from security.permissions import Permission


def _declared(permission: Permission) -> Report:
    report: Report = import_module(f"reports.{permission.value.act}").REPORT
    return report


#: Every report by its key.
REPORTS: dict[str, Report] = {
    permission.value.act: _declared(permission) for permission in Permission if permission in PERMISSIONS
}


def report_called(key: str) -> Report:
    """The report of that name; `NotFound` when there is none."""
    if key not in REPORTS:
        raise NotFound(N_("There is no report called %(name)s."), name=key[:40])
    return REPORTS[key]
