"""What two sets of booklet numbers share and what differs, kept as runs: a million numbers weigh no more than a range.

Each set is as `workflow.stock.holdings.joined` makes it: lowest first, no two runs touching.
"""

from collections.abc import Iterable, Sequence

from workflow.stock.serials import Run


def common(left: Sequence[Run], right: Sequence[Run]) -> list[Run]:
    """The numbers that are in both."""
    found = []
    here, there = 0, 0
    while here < len(left) and there < len(right):
        one, other = left[here], right[there]
        low, high = max(_start(one), _start(other)), min(_end(one), _end(other))
        if low < high:
            found.append(Run(low[0], low[1], high[1] - low[1]))
        if _end(one) < _end(other):
            here += 1
        else:
            there += 1
    return found


def without(left: Sequence[Run], right: Sequence[Run]) -> list[Run]:
    """The numbers of `left` that are not in `right`."""
    shared = common(left, right)
    found, at = [], 0
    for run in left:
        start, end = run.first, run.first + run.quantity
        while at < len(shared) and _start(shared[at]) < _end(run):
            if shared[at].first > start:
                found.append(Run(run.prefix, start, shared[at].first - start))
            start = shared[at].first + shared[at].quantity
            at += 1
        if start < end:
            found.append(Run(run.prefix, start, end - start))
    return found


def size(runs: Iterable[Run]) -> int:
    """How many numbers the runs hold."""
    return sum(run.quantity for run in runs)


def _start(run: Run) -> tuple[str, int]:
    return run.prefix, run.first


def _end(run: Run) -> tuple[str, int]:
    return run.prefix, run.first + run.quantity
