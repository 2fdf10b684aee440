"""Counts in memory: what has expired is forgotten now and then, not by a thread for each count."""

import threading

from limits import parse
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from app import limits


def test_counts_in_memory_refuse_what_is_too_often_and_start_no_thread_each() -> None:
    storage = storage_from_string("memory://")
    assert isinstance(storage, limits.PatientMemory)
    counted = FixedWindowRateLimiter(storage)
    before = threading.active_count()
    assert [counted.hit(parse("3 per minute"), "search", "user 1") for _ in range(4)] == [True, True, True, False]
    assert counted.hit(parse("3 per minute"), "search", "user 2")
    assert threading.active_count() <= before + 1


def test_what_has_expired_is_swept() -> None:
    storage = limits.PatientMemory()
    storage.incr("brief", 0.01)
    storage.incr("lasting", 600)
    assert storage.is_alive()
    threading.Event().wait(0.05)
    storage._due = 0.0
    storage.incr("other", 600)
    storage._sweep.join(5)
    assert set(storage.storage) == {"lasting", "other"}
