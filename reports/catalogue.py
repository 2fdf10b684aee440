"""The reports there are, by name and in the order of the menu: one module for each permission of the screen Reports.

Those of the trail (screen Trail) are made by the same engine and stand apart: for auditors, across sites.
"""

from importlib import import_module

from models.text import N_
from reports.declaration import Report
from security.errors import NotFound
from security.permissions import REPORTS as PERMISSIONS
from security.permissions import TRAILS as TRAIL_PERMISSIONS
from security.permissions import Permission


def _declared(permission: Permission) -> Report:
    report: Report = import_module(f"reports.{permission.value.act}").REPORT
    return report


def _all(permissions: frozenset[Permission]) -> dict[str, Report]:
    return {permission.value.act: _declared(permission) for permission in Permission if permission in permissions}


#: Every report by its key, and those of the trail, which are no site's.
REPORTS = _all(PERMISSIONS)
TRAILS = _all(TRAIL_PERMISSIONS)
EVERY = REPORTS | TRAILS


def report_called(key: str) -> Report:
    """The report of that name; `NotFound` when there is none."""
    if key not in EVERY:
        raise NotFound(N_("There is no report called %(name)s."), name=key[:40])
    return EVERY[key]
