"""Many reports, made by Dask and written in a ledger.

A worker is a process with one thread, for a notebook runs in a folder and a process has only
one; it keeps a nursery of warm kernels (see kernels.py). A worker that is killed costs the report
it was making, which another one begins again; the same command run again goes on.
"""

from __future__ import annotations

import contextlib
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
from crimenb.batch.worker import Task, make, shown, tries
from crimenb.errors import CrimenbError, ReportError, SourceUnavailable
from crimenb.files import locked, sweep
from crimenb.snapshot import DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from distributed import Client, Future

    from crimenb.query import Query

LOG = "batch.log"
DEATHS = 5
"""So many workers may die over one report before it is given up."""

UNANSWERED = 3
"""After so many questions in a row without an answer the service is asked no more."""

_log = logging.getLogger("crimenb.batch")


@dataclass(frozen=True)
class Outcome:
    """What became of a batch."""

    index: Path
    made: int
    stood: int
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
        each, this package, and the same folders.
    collect_first
        Whether this process alone asks the source; so it is with the live
        services, whose rate limit is one for all.
    say
        Told how far it is.

    Raises
    ------
    Busy
        Another batch is writing into the folder.
    ReportError
        The folder cannot be written, or no scheduler answers.
    KeyboardInterrupt
        It was stopped; the same plan made anew goes on.
    """
    out = plan.out
    first = plan.opened.name == "live" if collect_first is None else collect_first
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"Cannot write into {str(out)!r}: {error.strerror}; choose another --out."
        raise ReportError(msg) from error
    with locked(out / ".batch.lock"), _logged(out / LOG), _stoppable():
        sweep(out)
        ledger = Ledger(out)
        progress = _Progress(plan, say)
        _note_standing(plan, ledger)
        names = {o.query.slug: o.name for o in plan.orders}
        try:
            if plan.todo:
                with _client(workers or min(cores(), len(plan.todo)), scheduler, out) as client:
                    for entry in _results(plan, client, out / ".collected" if first else None):
                        ledger.add(_named(entry, names.get(entry.slug, "")))
                        progress.tell(entry)
        finally:
            sweep(out)
            for left in out.glob(".*.tries"):
                left.unlink()
            page = _indexed(plan, ledger)
        made = [ledger.entries[o.query.slug] for o in plan.todo]
        shutil.rmtree(out / ".collected", ignore_errors=True)
    failed = [e for e in made if e.status != "done"]
    left_out = sum(n.left_out for n in plan.notices)
    return Outcome(page, len(made) - len(failed), len(plan.standing), failed, left_out)


def _indexed(plan: Plan, ledger: Ledger) -> Path:
    """Write the index page: every report in the folder, and what the list lacks."""
    done = [
        e for e in ledger.entries.values()
        if e.status == "done" and (plan.out / e.slug / "report.html").is_file()
    ]  # fmt: skip
    there = {e.slug for e in done}
    asked = [ledger.entries.get(o.query.slug) for o in plan.orders]
    failed = [e for e in asked if e is not None and e.slug not in there]
    return write_index(plan.out, done, failed, plan.notices)


def _named(entry: Entry, name: str) -> Entry:
    if not name or not entry.overview:
        return entry
    return entry._replace(overview=json.dumps(entry.shown | {"name": name}, ensure_ascii=False))


def _note_standing(plan: Plan, ledger: Ledger) -> None:
    """Enter reports that stand but were never entered: the last run was killed in between."""
    for order in plan.orders:
        query = order.query
        digest = plan.standing.get(query.slug, "")
        known = ledger.entries.get(query.slug)
        if digest and (known is None or (known.status, known.hash) != ("done", digest)):
            overview = shown(snapshot.read(plan.out / query.slug / DATA))
            begun = str(_begun(plan.out, query) or 1)
            entry = Entry(query.postcode, query.slug, "done", "", begun, "", digest, overview)
            ledger.add(_named(entry, order.name))


def _results(plan: Plan, client: Client, collected: Path | None) -> Iterator[Entry]:
    """Hand the reports to the workers, and yield what comes back in the order it comes."""
    from distributed import as_completed

    queries: dict[str, Query] = {}
    finished = as_completed()

    def submit(query: Query, kept: str) -> None:
        task = Task(query, plan.source, str(plan.out), plan.said, kept, plan.force)
        future = client.submit(make, task, key=f"report-{query.slug}-{time.time_ns():x}", pure=False)
        queries[str(future.key)] = query
        finished.add(future)

    unanswered = 0
    for order in plan.todo:
        kept = ""
        if collected is not None:
            try:
                kept = _collected(order.query, plan, collected, unanswered)
                unanswered = 0
            except CrimenbError as error:
                unanswered += isinstance(error, SourceUnavailable)
                yield _failed(order.query, str(error), 1)
                continue
        submit(order.query, kept)
        for future in finished.next_batch(block=False):
            yield _entry(future, queries[future.key], plan.out)
    while not finished.is_empty():
        future = next(finished)
        yield _entry(future, queries[future.key], plan.out)


def _collected(query: Query, plan: Plan, folder: Path, unanswered: int) -> str:
    """Pull one report's data in this process; return the folder of its snapshot."""
    kept = folder / query.slug
    if unanswered >= UNANSWERED:
        msg = f"Not asked for: the service gave no answer {UNANSWERED} times in a row; run it again later."
        raise SourceUnavailable(msg)
    try:
        snapshot.read(kept, query)  # from a run that was stopped
    except CrimenbError:
        snapshot.save(query, plan.opened, kept)
    return str(kept)


def _entry(future: Future[Entry], query: Query, out: Path) -> Entry:
    error = future.exception()
    if error is None:
        entry: Entry = future.result()
        shutil.rmtree(out / ".collected" / query.slug, ignore_errors=True)
        future.release()
        return entry
    future.release()
    said = "Every worker that began it died" if type(error).__name__ == "KilledWorker" else str(error)
    return _failed(query, f"{said}; see {LOG}.", _begun(out, query))


def _begun(out: Path, query: Query) -> int:
    """Return how often workers began a report that none of them could tell of."""
    counter = tries(out, query)
    times = counter.stat().st_size if counter.is_file() else 0
    counter.unlink(missing_ok=True)
    return times


def _failed(query: Query, error: str, attempts: int) -> Entry:
    return Entry(query.postcode, query.slug, "failed", "", str(attempts), error)


@contextlib.contextmanager
def _client(workers: int, scheduler: str, out: Path) -> Iterator[Client]:
    """Yield a client of the scheduler named, or of a cluster on this machine."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        msg = f"A batch needs Dask ({error}); install crimenb with its extra 'batch': crimenb[batch]."
        raise ReportError(msg) from error
    if scheduler:
        try:
            client = Client(scheduler, timeout="10s")
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
    told = {
        "distributed.scheduler.allowed-failures": DEATHS,
        # One at a time, so that a death costs one; the profiler costs more than it tells.
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.worker.profile.enabled": False,
    }
    space = out / ".dask"
    shutil.rmtree(space, ignore_errors=True)
    try:
        with (
            dask.config.set(told),
            LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1",
                dashboard_address="127.0.0.1:0", local_directory=str(space), silence_logs=logging.ERROR,
            ) as cluster,
            Client(cluster) as client,
        ):  # fmt: skip
            client.register_plugin(_ready())
            yield client
    finally:
        shutil.rmtree(space, ignore_errors=True)


def _ready() -> Any:
    """Return a plugin that makes a worker ready for its first report."""
    from distributed import WorkerPlugin

    class Ready(WorkerPlugin):
        def setup(self, worker: Any) -> None:
            import signal

            from crimenb.report.build import keep_warm

            # A terminal's Ctrl-C reaches the workers too; it is for their owner to end them.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            keep_warm()  # what it starts imports while this process does

    return Ready()


# ------------------------------------------------------------------------ around it


class _Progress:
    """Tells how many are done, how fast, and how long the rest will take."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self.total, self.say = len(plan.todo), say
        self.done = self.failed = 0
        self.begun = time.monotonic()

    def tell(self, entry: Entry) -> None:
        """Count one result, log it, and say how far it is."""
        self.done += 1
        self.failed += entry.status != "done"
        told = f"{entry.slug} {entry.status}, {entry.seconds or 0} s, attempt {entry.attempts}"
        _log.info("%s%s", told, f": {entry.error}" if entry.error else "")
        rate = self.done / max(time.monotonic() - self.begun, 1e-3)
        left = (self.total - self.done) / rate
        failed = f" ({self.failed:,} failed)" if self.failed else ""
        self.say(
            f"{self.done:,} of {self.total:,} reports{failed}, {rate * 60:,.0f} a minute, "
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
    """Write our own log into a file beside the reports."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level, propagate = _log.level, _log.propagate
    _log.addHandler(handler)
    _log.propagate = False
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
