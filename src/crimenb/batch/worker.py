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
from crimenb.batch.ledger import Entry, unchanged_hash
from crimenb.errors import Busy, CrimenbError
from crimenb.files import SUMS, digest
from crimenb.query import Query
from crimenb.report.build import keep_warm, make_report
from crimenb.report.handed_on import WORKBOOK
from crimenb.snapshot import DATA

if TYPE_CHECKING:
    from crimenb.data import Data

_WAIT_S = 300.0
_log = logging.getLogger("crimenb.batch")


class Task(NamedTuple):
    """One report to make, as it travels to a worker.

    source: as `open_source` takes it, with a full path; described: what it says of itself;
    collected: folder of a snapshot collected before, or ""; extra: files besides those of every report.
    """

    query: Query
    source: str
    out: str
    described: dict[str, str]
    collected: str = ""
    force: bool = False
    closed_ok: bool = False
    extra: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the report goes."""
        return Path(self.out) / self.query.slug


def attempts_file(out: Path, query: Query) -> Path:
    """Return the file with a byte for each attempt at a report; removed when an attempt ends."""
    return out / f".{query.slug}.tries"


def make(task: Task) -> Entry:
    """Make one report; what goes wrong becomes an entry, never an exception."""
    started, query = time.monotonic(), task.query
    counter = attempts_file(Path(task.out), query)
    # A worker that is killed returns no entry; its attempt is still counted in the file.
    with counter.open("ab") as file:
        file.write(b".")
        attempts = file.tell()
    sums, row, error = "", "", ""
    try:
        sums, row = _made(task)
    except CrimenbError as raised:
        error = str(raised)
    except Exception as raised:  # noqa: BLE001
        # A fault of ours with one place must not stop the others.
        _log.warning("%s", query.slug, exc_info=True)
        error = f"{type(raised).__name__}: {raised} (a fault of the program; see the worker's output)."
    counter.unlink(missing_ok=True)
    seconds = f"{time.monotonic() - started:.2f}"
    status = "failed" if error else "done"
    return Entry(query.postcode, query.slug, status, seconds, str(attempts), error, sums, row)


def _made(task: Task) -> tuple[str, str]:
    keep_warm()
    until = time.monotonic() + _WAIT_S
    while True:
        # A worker may have finished it and died before its entry was returned.
        if not task.force and (sums := _unchanged(task)):
            return sums, overview_json(snapshot.read(task.folder / DATA))
        try:
            collected = Path(task.collected) if task.collected else None
            described = sorted(task.described.items())
            source = task.source if collected else _opened(task.source, *described, closed_ok=task.closed_ok)
            built = make_report(
                task.query, source, task.out, refresh=True, collected=collected, xlsx=WORKBOOK in task.extra
            )
        except Busy:  # a worker that Dask took for dead is still running
            if time.monotonic() > until:
                raise
            time.sleep(1)
            continue
        return digest(task.folder / SUMS), overview_json(built.data)


def _unchanged(task: Task) -> str:
    return unchanged_hash(task.folder, task.query, task.described, wanted=task.extra)


def overview_json(data: Data) -> str:
    """Return what the index page shows of a report, as JSON."""
    return json.dumps(overview(data), ensure_ascii=False)


@functools.lru_cache(maxsize=1)
def _opened(source: str, *_: tuple[str, str], closed_ok: bool) -> snapshot.Source:
    """Open a source and cache it; one that describes itself otherwise now is opened again."""
    return snapshot.open_source(source, Query(""), closed_ok=closed_ok)
