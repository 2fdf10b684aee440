"""Several acts begun in the same moment, each in a thread of its own."""

import threading
from collections.abc import Callable
from typing import Any

from security.errors import DomainError


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """The results of `acts`, or their `DomainError`s, in their order."""
    gate = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(place: int, act: Callable[[], Any]) -> None:
        gate.wait()
        try:
            results[place] = act()
        except DomainError as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=entry) for entry in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "somebody waits for ever"
    return results
