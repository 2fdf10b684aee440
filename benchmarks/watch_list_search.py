"""How long a watch list of a million entries takes to load, to load again with a thousandth changed, and to search.

Run: PASAPORTES_HOME=/some/scratch python -m benchmarks.watch_list_search [entries]
"""

import csv
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from app import console, migrating
from app.demo import names
from models.base import session as database
from models.base import utc_now
from models.clock import local_date
from security.actor import system_actor
from workflow.watch_lists import loading, searching
from workflow.watch_lists.rows import COLUMNS

ENTRIES = 1_000_000
SEARCHES = 200


def person(rng: random.Random) -> dict[str, str]:
    """Somebody with two given names and two surnames of the demonstration, and a date of birth."""
    given = [rng.choice(names.FEMALE if rng.random() < 0.5 else names.MALE) for _ in range(2)]
    born = f"{rng.randrange(1940, 2008)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    return {
        "surnames": " ".join(rng.choice(names.SURNAMES) for _ in range(2)), "given_names": " ".join(given),
        "birth_date": born if rng.random() < 0.9 else "",
    }  # fmt: skip


def write(path: Path, rng: random.Random, entries: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, tuple(COLUMNS))
        writer.writeheader()
        for number in range(entries):
            writer.writerow({"reference": f"B-{number}", "reason": "Prueba", **person(rng)})


def timed(label: str, path: Path) -> None:
    begun = time.perf_counter()
    done = loading.load_file(database(), system_actor(database()), path, list_type="INT", source="BENCHMARK")
    database.commit()
    print(f"{label}: {done.entries} entries, {done.added} new, {time.perf_counter() - begun:.1f} s")


def main(entries: int) -> None:
    engine = console.database(console.settings_or_exit(demo=True))
    migrating.migrate(engine)
    rng = random.Random(1)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        write(path, rng, entries)
        timed("first load", path)
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join([*lines[: -entries // 1000], ",Otro Nombre,Uno,1990,,,,,\n"]), encoding="utf-8")
        timed("second load", path)
    took, hits = [], []
    for _ in range(SEARCHES):
        who = person(rng) | {"birth_date": "1980-05-17"}
        begun = time.perf_counter()
        found = searching.search(
            database(), cui="6000000080101", documents=["F1234567"], surnames=who["surnames"],
            own_surnames=who["surnames"], given_names=who["given_names"], birth_date=who["birth_date"],
            on=local_date(utc_now()),
        )  # fmt: skip
        took.append((time.perf_counter() - begun) * 1000)
        hits.append(len(found))
    took.sort()
    print(f"search: median {statistics.median(took):.1f} ms, slowest of {SEARCHES} {took[-1]:.1f} ms; hits {sum(hits)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES)
