"""What a worker of a batch does: one report, and an entry for the ledger whatever happens."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from crimenb import snapshot
from crimenb.batch.index_page import overview
from crimenb.batch.ledger import Entry
from crimenb.batch.shelf import shelf
from crimenb.buckets import is_address
from crimenb.errors import Busy, CrimenbError
from crimenb.files import scratch
from crimenb.query import Query
from crimenb.report.build import keep_warm, make_report
from crimenb.report.handed_on import DOCUMENT, WORKBOOK

if TYPE_CHECKING:
    from crimenb.data import Data

_WAIT_S = 300.0
_log = logging.getLogger("crimenb.batch")


class Task(NamedTuple):
    """One report to make, as it travels to a worker.

    source: as `open_source` takes it, with a full path; out: a folder, or an address in a bucket; described:
    what the source says of itself; collected: a snapshot collected before, as its folder, or as its files by
    name where no disk is shared; extra: files besides those of every report.
    """

    query: Query
    source: str
    out: str
    described: dict[str, str]
    collected: str | Mapping[str, bytes] = ""
    force: bool = False
    closed_ok: bool = False
    extra: tuple[str, ...] = ()


def attempts_file(out: Path, query: Query) -> Path:
    """Return the file with a byte for each attempt at a report; removed when an attempt ends."""
    return out / f".{query.slug}.tries"


def make(task: Task) -> Entry:
    """Make one report; what goes wrong becomes an entry, never an exception."""
    started, query = time.monotonic(), task.query
    sums, row, error, attempts = "", "", "", ""
    counter = None if is_address(task.out) else attempts_file(Path(task.out), query)
    if counter is not None:  # a worker that is killed returns no entry; its attempt is still counted
        with counter.open("ab") as file:
            file.write(b".")
            attempts = str(file.tell())
    try:
        with contextlib.ExitStack() as stack:
            collected: Path | None = None
            if isinstance(task.collected, str):
                collected = Path(task.collected) if task.collected else None
            else:
                collected = stack.enter_context(scratch())
                for name, raw in task.collected.items():
                    (collected / name).write_bytes(raw)
            sums, row = _made(task, collected)
    except CrimenbError as raised:
        error = str(raised)
    except Exception as raised:  # noqa: BLE001
        # A fault of ours with one place must not stop the others.
        _log.warning("%s", query.slug, exc_info=True)
        error = f"{type(raised).__name__}: {raised} (a fault of the program; see the worker's output)."
    if counter is not None:
        counter.unlink(missing_ok=True)
    seconds = f"{time.monotonic() - started:.2f}"
    status = "failed" if error else "done"
    return Entry(query.postcode, query.slug, status, seconds, attempts, error, sums, row)


def _made(task: Task, collected: Path | None) -> tuple[str, str]:
    keep_warm()
    until, place, slug = time.monotonic() + _WAIT_S, shelf(task.out), task.query.slug
    while True:
        # A worker may have finished it and died before its entry was returned.
        if not task.force and (found := place.unchanged([task.query], task.described, task.extra)):
            return found[slug], overview_json(place.data(slug))
        try:
            described = sorted(task.described.items())
            source = task.source if collected else _opened(task.source, *described, closed_ok=task.closed_ok)
            built = make_report(
                task.query, source, task.out, refresh=True, collected=collected, xlsx=WORKBOOK in task.extra,
                docx=DOCUMENT in task.extra,
            )  # fmt: skip
        except Busy:  # a worker that Dask took for dead is still running
            if time.monotonic() > until:
                raise
            time.sleep(1)
            continue
        return built.sums, overview_json(built.data)


def overview_json(data: Data) -> str:
    """Return what the index page shows of a report, as JSON."""
    return json.dumps(overview(data), ensure_ascii=False)


@functools.lru_cache(maxsize=1)
def _opened(source: str, *_: tuple[str, str], closed_ok: bool) -> snapshot.Source:
    """Open a source and cache it; one that describes itself otherwise now is opened again."""
    return snapshot.open_source(source, Query(""), closed_ok=closed_ok)
