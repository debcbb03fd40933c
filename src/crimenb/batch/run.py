"""Many reports, made by Dask and entered in a ledger.

A worker is a process with one thread, because a notebook runs in a folder and a process has only
one; it has a nursery of warm kernels (see warm/kernels.py). The report of a worker that is killed
is started again by another; a batch that was stopped goes on when the same command is run again.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import shutil
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crimenb import snapshot
from crimenb.batch.index_page import write_index
from crimenb.batch.ledger import Entry, Ledger
from crimenb.batch.plan import Plan, cores
from crimenb.batch.shelf import LOG
from crimenb.batch.worker import Task, attempts_file, make, overview_json
from crimenb.buckets import is_address
from crimenb.errors import CrimenbError, ReportError, SourceUnavailable
from crimenb.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from distributed import Client, Future

    from crimenb.batch.shelf import Shelf
    from crimenb.query import Query

DEATHS = 5
"""A report is given up when this many workers have died while making it."""

UNANSWERED = 3
"""The service is asked no more after this many requests in a row without an answer."""

_log = logging.getLogger("crimenb.batch")


@dataclass(frozen=True)
class Outcome:
    """The result of a batch: numbers of reports made and unchanged, and what is missing."""

    index: Path | str
    made: int
    unchanged: int
    failed: list[Entry]
    left_out: int

    @property
    def complete(self) -> bool:
        """Whether every row of the list has its report."""
        return not self.failed and not self.left_out


def run_batch(
    plan: Plan,
    *,
    workers: int = 0,
    scheduler: str = "",
    tls: Sequence[Path | str] = (),
    collect_first: bool | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Make the reports of a plan and write the ledger, the log and the index page.

    Parameters
    ----------
    workers
        Processes of a cluster on this machine; 0 for one a core.
    scheduler
        Address of a Dask scheduler to use instead; its workers need one thread
        each, this package, and the same folders or buckets.
    tls
        Files in PEM with which to speak to a scheduler at `tls://...`: the authority that
        signed its certificate, our certificate, and its key.
    collect_first
        Whether this process alone asks the source; so it is with the live
        services, whose rate limit is one for all.
    say
        Called with a line of progress.

    Raises
    ------
    Busy
        Another batch is writing into the folder.
    ReportError
        The folder cannot be written, or no scheduler answers.
    KeyboardInterrupt
        It was stopped; the same plan made anew goes on.
    """
    first = plan.opened.name == "live" if collect_first is None else collect_first
    try:
        with plan.shelf.opened(), _logged(plan.shelf.folder / LOG), _stoppable():
            page, made = _run(plan, workers, scheduler, tls, say, collect_first=first)
    except OSError as error:
        if isinstance(error, CrimenbError):
            raise
        msg = f"Cannot write into {str(plan.shelf)!r}: {error.strerror or error}; make room, or choose another --out."
        raise ReportError(msg) from error
    failed = [e for e in made if e.status != "done"]
    left_out = sum(n.left_out for n in plan.notices)
    return Outcome(page, len(made) - len(failed), len(plan.unchanged), failed, left_out)


def _run(
    plan: Plan,
    workers: int,
    scheduler: str,
    tls: Sequence[Path | str],
    say: Callable[[str], None],
    *,
    collect_first: bool,
) -> tuple[Path | str, list[Entry]]:
    """Make what is to be made; return the index page, and the entry of each report."""
    shelf, out = plan.shelf, plan.shelf.folder
    shelf.swept()
    for counter in out.glob(".*.tries"):
        if counter.is_symlink() or not counter.is_file():  # a worker adds to it
            counter.unlink()
    ledger = shelf.ledger()
    progress = _Progress(plan, say)
    _enter_unchanged(plan, ledger)
    names = {o.query.slug: o.name for o in plan.orders}
    try:
        if plan.todo:
            with _client(workers or min(cores(), len(plan.todo)), scheduler, tls, out) as client:
                for entry in _results(plan, client, out / ".collected" if collect_first else None):
                    ledger.add(_named(entry, names.get(entry.slug, "")))
                    ledger = shelf.saved(ledger)
                    progress.tell(entry)
    finally:
        shelf.swept()
        for counter in out.glob(".*.tries"):
            counter.unlink()
        page, ledger = shelf.indexed(ledger, functools.partial(_indexed, plan))
    made = [ledger.entries[o.query.slug] for o in plan.todo]
    shutil.rmtree(out / ".collected", ignore_errors=True)
    return page, made


def _indexed(plan: Plan, ledger: Ledger) -> Path:
    """Write the index page: every report in the folder, and what the list lacks."""
    names = {o.query.slug: o.name for o in plan.orders}
    entered = [e for e in ledger.entries.values() if e.status == "done"]
    hashes = plan.shelf.hashes([e.slug for e in entered])
    done = []
    for known in entered:
        if shown := _proven(known, hashes.get(known.slug, ""), plan.shelf):
            if shown is not known:
                shown = _named(shown, names.get(shown.slug, ""))
                ledger.add(shown)
            done.append(shown)
    done_slugs = {e.slug for e in done}
    entries = [ledger.entries.get(o.query.slug) for o in plan.orders]
    failed = [e for e in entries if e is not None and e.slug not in done_slugs]
    return write_index(plan.shelf.folder, done, failed, plan.notices)


def _proven(entry: Entry, sums: str, shelf: Shelf) -> Entry | None:
    """Return what the index page may say of a report: what its own data say, or nothing.

    Where the report is still the one that a sealed line was written for, that is what the line says.
    """
    try:
        if not sums or (entry.overview and sums == entry.hash):
            return entry if sums else None
        data = shelf.data(entry.slug)
        if data.query.slug != entry.slug:
            return None
        return entry._replace(postcode=data.query.postcode, hash=sums, overview=overview_json(data))
    except Exception:  # noqa: BLE001 - a folder that somebody handed over may hold anything
        _log.warning("%s is not shown: its data cannot be read", entry.slug, exc_info=True)
        return None


def _named(entry: Entry, name: str) -> Entry:
    if not name or not entry.overview:
        return entry
    return entry._replace(overview=json.dumps(entry.overview_dict | {"name": name}, ensure_ascii=False))


def _enter_unchanged(plan: Plan, ledger: Ledger) -> None:
    """Enter finished reports that have no entry because the last run was killed before it."""
    for order in plan.orders:
        query = order.query
        digest = plan.unchanged.get(query.slug, "")
        known = ledger.entries.get(query.slug)
        if digest and (known is None or (known.status, known.hash) != ("done", digest)):
            overview = overview_json(plan.shelf.data(query.slug))
            attempts = str(_attempts(plan.shelf.folder, query) or 1)
            entry = Entry(query.postcode, query.slug, "done", "", attempts, "", digest, overview)
            ledger.add(_named(entry, order.name))


def _results(plan: Plan, client: Client, collected: Path | None) -> Iterator[Entry]:
    """Submit the reports to the workers and yield their entries as they complete."""
    from distributed import as_completed

    queries: dict[str, Query] = {}
    finished = as_completed()

    where = str(plan.shelf)

    def submit(query: Query, folder: str) -> None:
        files = (
            {p.name: p.read_bytes() for p in Path(folder).iterdir()}
            if folder and is_address(where)
            else folder
        )
        task = Task(query, plan.source, where, plan.described, files, plan.force, plan.closed_ok, plan.extra)
        future = client.submit(make, task, key=f"report-{query.slug}-{time.time_ns():x}", pure=False)
        queries[str(future.key)] = query
        finished.add(future)

    unanswered = 0
    for order in plan.todo:
        folder = ""
        if collected is not None:
            try:
                folder = _collected(order.query, plan, collected, unanswered)
                unanswered = 0
            except CrimenbError as error:
                unanswered += isinstance(error, SourceUnavailable)
                yield _failed(order.query, str(error), 1)
                continue
        submit(order.query, folder)
        for future in finished.next_batch(block=False):
            yield _entry(future, queries[future.key], plan.shelf.folder)
    while not finished.is_empty():
        future = next(finished)
        yield _entry(future, queries[future.key], plan.shelf.folder)


def _collected(query: Query, plan: Plan, parent: Path, unanswered: int) -> str:
    """Pull one report's data in this process; return the folder of its snapshot."""
    folder = parent / query.slug
    if unanswered >= UNANSWERED:
        msg = f"Not asked for: the service gave no answer {UNANSWERED} times in a row; run it again later."
        raise SourceUnavailable(msg)
    try:
        snapshot.read(folder, query)  # from a run that was stopped
    except CrimenbError:
        snapshot.save(query, plan.opened, folder)
    return str(folder)


def _entry(future: Future[Entry], query: Query, out: Path) -> Entry:
    error = future.exception()
    if error is None:
        entry: Entry = future.result()
        shutil.rmtree(out / ".collected" / query.slug, ignore_errors=True)
        future.release()
        return entry
    future.release()
    died = type(error).__name__ == "KilledWorker"
    reason = "Every worker that began it died" if died else str(error)
    return _failed(query, f"{reason}; see {LOG}.", _attempts(out, query))


def _attempts(out: Path, query: Query) -> int:
    """Return how many attempts at a report ended with the death of the worker."""
    counter = attempts_file(out, query)
    times = counter.stat().st_size if counter.is_file() else 0
    counter.unlink(missing_ok=True)
    return times


def _failed(query: Query, error: str, attempts: int) -> Entry:
    return Entry(query.postcode, query.slug, "failed", "", str(attempts or ""), error)


@contextlib.contextmanager
def _client(workers: int, scheduler: str, tls: Sequence[Path | str], out: Path) -> Iterator[Client]:
    """Yield a client of the scheduler named, or of a cluster on this machine, which lets nobody else in."""
    try:
        import dask
        from distributed import Client, LocalCluster, Security

        # For one batch: made now, kept in memory, told to our workers alone.
        security = None if scheduler else Security.temporary()
    except ImportError as error:
        msg = f"A batch needs Dask ({error}); install crimenb with its extra 'batch': crimenb[batch]."
        raise ReportError(msg) from error
    if scheduler:
        try:
            if tls:
                names = ("tls_ca_file", "tls_client_cert", "tls_client_key")
                files = dict(zip(names, map(str, tls), strict=True))
                security = Security(require_encryption=True, **files)
            client = Client(scheduler, timeout="10s", security=security)
            client.wait_for_workers(1, timeout=30)
        except (OSError, TimeoutError, ValueError) as error:
            msg = f"No Dask scheduler with workers answers at {scheduler!r} ({error})."
            raise ReportError(msg) from error
        with client:
            if max(client.nthreads().values()) > 1:
                msg = f"The workers of {scheduler!r} have several threads; start them with --nthreads 1."
                raise ReportError(msg)
            yield client
        return
    space = out / ".dask"
    settings = {
        "temporary-directory": str(space),  # the scheduler's too
        "distributed.scheduler.allowed-failures": DEATHS,
        # One at a time, so that a death costs one report; the profiler costs time and nobody reads it.
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.worker.profile.enabled": False,
        # Nothing to read at the HTTP servers, which cannot be left out, until they are stopped below.
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
    }
    shutil.rmtree(space, ignore_errors=True)
    told = logging.getLogger("distributed.scheduler")
    level = told.level
    try:
        with (
            dask.config.set(settings),
            LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1",
                dashboard_address="127.0.0.1:0", silence_logs=logging.ERROR,
                security=security,
            ) as cluster,
            Client(cluster) as client,
        ):  # fmt: skip
            cluster.loop.add_callback(cluster.scheduler.http_server.stop)
            client.register_plugin(_ready())
            try:
                yield client
            finally:  # the client goes first; of a batch that is stopped the scheduler would print that, as critical
                told.setLevel(logging.CRITICAL + 1)
    finally:
        told.setLevel(level)
        shutil.rmtree(space, ignore_errors=True)


def _ready() -> Any:
    """Return a plugin that makes a worker ready for its first report."""
    from distributed import WorkerPlugin

    class Ready(WorkerPlugin):
        def setup(self, worker: Any) -> None:
            import atexit
            import os
            import signal

            from crimenb.report.build import keep_warm

            worker.http_server.stop()
            # Of a batch that is stopped a worker may print that its scheduler went first; the batch says so itself.
            logging.getLogger("distributed.worker").addFilter(lambda r: "heartbeat" not in r.getMessage())
            # One that is ended in the middle of a report ends at once: DuckDB writes to stderr what it
            # finds open. Registered first, so that what is registered from here on still runs.
            atexit.register(os._exit, 0)
            # Ctrl-C reaches the workers too; the parent process ends them.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            keep_warm()  # its processes import while this one does

    return Ready()


# ------------------------------------------------------------------------ around it


class _Progress:
    """Counts the results, and reports how many are done, how fast, and how long the rest will take."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self.total, self.say = len(plan.todo), say
        self.done = self.failed = 0
        self.begun = time.monotonic()

    def tell(self, entry: Entry) -> None:
        """Count one result, log it, and report the progress."""
        self.done += 1
        self.failed += entry.status != "done"
        attempt = f", attempt {entry.attempts}" if entry.attempts else ""
        result = f"{entry.slug} {entry.status}, {entry.seconds or 0} s{attempt}"
        _log.info("%s%s", result, f": {entry.error}" if entry.error else "")
        rate = self.done / max(time.monotonic() - self.begun, 1e-3)
        left = (self.total - self.done) / rate
        failed = f" ({self.failed:,} failed)" if self.failed else ""
        self.say(
            f"{self.done:,} of {counted(self.total, 'report')}{failed}, {rate * 60:,.0f} a minute, "
            f"{_duration(left)} left"
        )


def _duration(seconds: float) -> str:
    """Write a time as a reader counts it: "40 s", "12 min", "3 h 5 min"."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


@contextlib.contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Write the log of this package into a file beside the reports."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.handleError = lambda record: None  # type: ignore[method-assign] # a full disk is said once
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level, propagate = _log.level, _log.propagate
    _log.addHandler(handler)
    _log.propagate = _log.isEnabledFor(logging.INFO)  # --verbose
    _log.setLevel(logging.INFO)
    try:
        yield
    finally:
        _log.removeHandler(handler)
        _log.propagate = propagate
        _log.setLevel(level)
        handler.close()


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM stop a batch as cleanly as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
