"""What a worker of a batch does: one report, and an entry for the ledger whatever happens."""

from __future__ import annotations

import functools
import json
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from crimenb import snapshot
from crimenb.batch.index_page import overview
from crimenb.batch.ledger import Entry, standing
from crimenb.errors import Busy, CrimenbError
from crimenb.files import SUMS, digest
from crimenb.query import Query
from crimenb.report.build import keep_warm, make_report
from crimenb.snapshot import DATA

if TYPE_CHECKING:
    from crimenb.data import Data

_WAIT_S = 300.0
_log = logging.getLogger("crimenb.batch")


class Task(NamedTuple):
    """One report to make, as it travels to a worker.

    source: as `open_source` takes it, with a full path; said: what it says of itself;
    kept: folder of a snapshot collected before, or "".
    """

    query: Query
    source: str
    out: str
    said: dict[str, str]
    kept: str = ""
    force: bool = False

    @property
    def folder(self) -> Path:
        """Where the report goes."""
        return Path(self.out) / self.query.slug


def tries(out: Path, query: Query) -> Path:
    """Return the file that counts how often a report was begun; gone once it is finished."""
    return out / f".{query.slug}.tries"


def make(task: Task) -> Entry:
    """Make one report; what goes wrong becomes an entry, never an exception."""
    begun, query = time.monotonic(), task.query
    counter = tries(Path(task.out), query)
    # A worker that is killed tells nobody; what it began is still written there.
    with counter.open("ab") as file:
        file.write(b".")
        attempts = file.tell()
    sums, row, error = "", "", ""
    try:
        sums, row = _made(task)
    except CrimenbError as found:
        error = str(found)
    except Exception as found:  # noqa: BLE001
        # A fault of ours with one place must not cost the others.
        _log.warning("%s", query.slug, exc_info=True)
        error = f"{type(found).__name__}: {found} (a fault of the program; see the worker's output)."
    counter.unlink(missing_ok=True)
    seconds = f"{time.monotonic() - begun:.2f}"
    status = "failed" if error else "done"
    return Entry(query.postcode, query.slug, status, seconds, str(attempts), error, sums, row)


def _made(task: Task) -> tuple[str, str]:
    keep_warm()
    until = time.monotonic() + _WAIT_S
    while True:
        # Finished, perhaps, by a worker that died before it could say so.
        if not task.force and (unchanged := standing(task.folder, task.query, task.said)):
            return unchanged, shown(snapshot.read(task.folder / DATA))
        try:
            collected = Path(task.kept) if task.kept else None
            source = task.source if collected else _opened(task.source, *sorted(task.said.items()))
            built = make_report(task.query, source, task.out, refresh=True, collected=collected)
        except Busy:  # a worker that was thought dead is still at it
            if time.monotonic() > until:
                raise
            time.sleep(1)
            continue
        return digest(task.folder / SUMS), shown(built.data)


def shown(data: Data) -> str:
    """Return what the index page shows of a report, as JSON."""
    return json.dumps(overview(data), ensure_ascii=False)


@functools.lru_cache(maxsize=1)
def _opened(source: str, *_: tuple[str, str]) -> snapshot.Source:
    """Open a source and keep it; one that says something else of itself now is opened anew."""
    return snapshot.open_source(source, Query(""))
