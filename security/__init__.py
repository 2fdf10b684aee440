"""Who may do what: permissions, profiles, the actor of a request, and what he sees.

Importing any of it also tells the database who acts, so that it can log changes (`security.trail`).
"""

from security import trail

__all__ = ["trail"]
