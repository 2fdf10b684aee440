"""Marks text that a user will read, without translating it here.

Layers below the web have no language. They carry English message ids; the edge (page, API answer, console) translates.
"""


def N_(message_id: str) -> str:
    """Return `message_id` as it is; the extractor of message ids looks for this name."""
    return message_id
