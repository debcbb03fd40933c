"""Proof that a report is what its data give, for anyone who was handed the folder.

In this order: the notebook is the packaged one, so that a stranger's code is never run; the
files are those that were written; the notebook, run again on the snapshot without network,
gives every output again; page and summary come out byte for byte.

The folder may have been made to do harm. Only regular files of a bounded size are read of it, and
`verify_all` checks each folder in a process of its own, bounded in time and memory, so that every
folder has one verdict whatever it does.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import itertools
import multiprocessing
import os
import queue
import tempfile
import time
import warnings
from concurrent.futures.process import BrokenProcessPool
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import nbformat

from crimenb import snapshot
from crimenb.errors import QueryError, ReportError, SnapshotError
from crimenb.files import (
    MEMORY,
    SUMS,
    bounded_memory,
    listed_sums,
    read_regular,
    scratch,
    visible,
)
from crimenb.report.build import NOTEBOOK, OURS, PAGE, keep_warm, written
from crimenb.report.compare import (
    Finding,
    Versions,
    foreign_cells,
    named,
    other_outputs,
    other_page,
    other_tables,
)
from crimenb.report.execute import execute, freeze, packaged_notebook, parameters
from crimenb.report.handed_on import DOCUMENT, SUMMARY, VALUES, WORKBOOK
from crimenb.snapshot import DATA
from crimenb.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crimenb.query import Query

PRINTED = ("report.pdf", "summary.pdf")
"""What is printed holds the time it was made: no hash is of it, and nothing can be said of it."""

LONGEST = 600.0
"""Seconds that the check of one folder may take; a city's report over five years takes ten."""

_MOST, _MOST_FILES, _LONGEST_NAME = 5, 200, 120


class Verdict(NamedTuple):
    """What verification found of one report folder, and how long it took."""

    folder: Path | str
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether nothing grave was found; a warning alone does not fail a report."""
        return not any(f.grave for f in self.findings)


def verify(folder: Path | str, *, trust: bool = False) -> Verdict:
    """Check one report folder against itself; nothing in it is changed or trusted.

    It runs in this process, whose memory is bounded meanwhile (on Linux), and a cell of the notebook
    may take ten minutes. `crimenb verify` bounds the whole, in a process of its own.

    Parameters
    ----------
    folder
        A report's folder, as `build_report` makes it.
    trust
        Run the folder's own notebook where it is not the packaged one. That is code
        of whoever made the folder; without `trust` it is named and not run.

    Returns
    -------
    Verdict
        Verdict with its findings; a step that fails ends the checks.

    Examples
    --------
    >>> verify("reports/zz1-1aa_2025-01_2025-12").holds  # doctest: +SKIP
    True
    """
    began = time.monotonic()
    findings: list[Finding] = []
    try:
        with bounded_memory():
            for step in _steps(Path(folder), trust=trust):
                findings += step
                if any(f.grave for f in findings):
                    break
    except Exception as error:  # noqa: BLE001 - a stranger's folder may make anything go wrong
        reason = f"it cannot be checked ({type(error).__name__}: {_one_line(error)})"
        findings.append(Finding("files", reason))
    return Verdict(Path(folder), tuple(findings), time.monotonic() - began)


def verify_all(
    folders: Sequence[Path], *, trust: bool = False, jobs: int | None = None, seconds: float = LONGEST
) -> Iterator[Verdict]:
    """Verify report folders, a process a core, and yield the verdicts in their order.

    Parameters
    ----------
    folders, trust
        See `verify`.
    jobs
        How many processes; one a core by default.
    seconds
        A folder whose check takes longer does not hold; its process is ended.
    """
    jobs = max(1, min(jobs or os.cpu_count() or 1, len(folders)))
    with (
        scratch() as quiet,
        _offline(quiet),  # which the workers, and the kernels they keep warm, inherit
        concurrent.futures.ThreadPoolExecutor(jobs) as threads,
    ):
        checkers = [_Checker(str(quiet)) for _ in range(jobs)]
        free: queue.SimpleQueue[_Checker] = queue.SimpleQueue()
        for checker in checkers:
            free.put(checker)

        def check(folder: Path) -> Verdict:
            checker = free.get()
            try:
                return checker.verdict(folder, trust=trust, seconds=seconds)
            finally:
                free.put(checker)

        waiting = [threads.submit(check, f) for f in folders]
        try:
            yield from (w.result() for w in waiting)
        finally:
            for w in waiting:
                w.cancel()
            for checker in checkers:
                checker.end()


class _Checker:
    """A process that checks one folder after the other; a new one follows one that died or was ended."""

    def __init__(self, scratch: str) -> None:
        self.scratch = scratch
        self.pool: concurrent.futures.ProcessPoolExecutor | None = None

    def verdict(self, folder: Path, *, trust: bool, seconds: float) -> Verdict:
        """Return a verdict whatever the folder does to the process."""
        began = time.monotonic()
        if self.pool is None:
            # Spawned, not forked: papermill changes the directory of its whole process.
            context = multiprocessing.get_context("spawn")
            self.pool = concurrent.futures.ProcessPoolExecutor(1, context, _begin, (self.scratch,))
        try:
            return self.pool.submit(verify, folder, trust=trust).result(seconds)
        except concurrent.futures.TimeoutError:
            reason = f"the check took longer than the limit of {seconds:,.0f} seconds and was ended"
        except BrokenProcessPool:
            reason = "the process that checked it died, as one does that asks for too much memory"
        except concurrent.futures.CancelledError:
            reason = "the check was stopped"
        self.end()
        return Verdict(folder, (Finding("limits", reason),), time.monotonic() - began)

    def end(self) -> None:
        """End the process now; its kernels see that and end too."""
        pool, self.pool = self.pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(cancel_futures=True)


def _begin(scratch: str) -> None:
    """Bound this process and the kernels it keeps, and have all that they leave in one folder."""
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        # Memory that is asked for, not addresses: the drawing library reserves far more of those.
        for kind, most in ((resource.RLIMIT_DATA, MEMORY), (resource.RLIMIT_FSIZE, MEMORY)):
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    keep_warm()


def report_folders(paths: Iterable[Path]) -> list[Path]:
    """Return the report folders named, and those directly inside the folders named.

    Raises
    ------
    QueryError
        A path is no folder, or there is no report in it.
    """
    folders: list[Path] = []
    for path in paths:
        try:
            inside = sorted(p for p in path.iterdir() if _is_report(p)) if path.is_dir() else []
        except OSError as error:
            msg = f"{str(path)!r} cannot be read ({error.strerror}); name a report's folder."
            raise QueryError(msg) from error
        if not inside and not _is_report(path):
            msg = f"{str(path)!r} holds no report; name a report's folder, or the folder of several."
            raise QueryError(msg)
        folders += [path] if _is_report(path) else inside
    return list(dict.fromkeys(folders))


def _is_report(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return path.is_dir() and any(os.path.lexists(path / name) for name in (NOTEBOOK, PAGE, SUMS))
    return False


def _steps(folder: Path, *, trust: bool) -> Iterator[list[Finding]]:
    """Yield the findings of one step after the other; later steps build on earlier ones."""
    try:
        query = snapshot.stored_query(folder / DATA)
        manifest = snapshot.read_manifest(folder / DATA)
        stored = _read(folder / NOTEBOOK)
    except SnapshotError as error:
        yield [Finding("files", _short(error, folder))]
        return
    others = other_versions(manifest)
    foreign = list(_foreign(stored, query, manifest))
    if foreign and trust:
        text = f"an analyst's own notebook, run because it is trusted: {foreign[0]}"
        yield [Finding("notebook", text, grave=False)]
    else:
        yield [Finding("notebook", f"{f}; it was not run") for f in foreign[:_MOST]]
    yield [Finding("hashes", text) for text in itertools.islice(_changed_files(folder), 4 * _MOST)]
    printed = [name for name in PRINTED if os.path.lexists(folder / name)]
    yield [Finding("files", f"{name} is not checked: print the page anew", grave=False) for name in printed]
    own = folder / NOTEBOOK if foreign else None
    yield list(_other_outputs(folder, stored, query, others, own))
    yield list(_other_pages(folder, stored, others))


def _short(error: Exception, folder: Path) -> str:
    """Return what an error says of a file in the folder, without the path and the advice."""
    sentence = str(error).partition("; ")[0].replace(f"{folder}{os.sep}", "").rstrip(".")
    return f"{_one_line(sentence)}."


def _one_line(message: object) -> str:
    text = visible(str(message))
    return text if len(text) <= 2 * _LONGEST_NAME else f"{text[: 2 * _LONGEST_NAME]}…"


def other_versions(manifest: Mapping[str, Any]) -> Versions:
    """Return the packages whose versions are not those the report was made with."""
    packages = manifest.get("packages")
    pairs = packages.items() if isinstance(packages, dict) else ()
    here = {name: metadata.version(name) for name in snapshot.PACKAGES}
    return {n: (str(v), here[n]) for n, v in pairs if n in here and v != here[n]}


# ------------------------------------------------------------------ the notebook


def _read(path: Path) -> nbformat.NotebookNode:
    try:
        raw = read_regular(path)
    except OSError as error:
        msg = f"{path.name} is missing."
        raise SnapshotError(msg) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nb: nbformat.NotebookNode = nbformat.reads(raw.decode(), as_version=4)
            nbformat.validate(nb)
    except Exception as error:
        msg = f"{path.name} is not a notebook that can be read."
        raise SnapshotError(msg) from error
    return nb


def _foreign(stored: Any, query: Query, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Say where the notebook is not the packaged one of the version that made the report."""
    version = __version__
    if manifest.get("crimenb") != version:
        made = f"the notebook is of crimenb {manifest.get('crimenb')!r} and this is {version}"
        yield f"{made}: install that version to verify it"
        return
    yield from foreign_cells(stored, expected_notebook(query))


def expected_notebook(query: Query) -> nbformat.NotebookNode:
    """Return the packaged notebook with the parameters of a query, not run."""
    from papermill.parameterize import parameterize_notebook

    return freeze(parameterize_notebook(packaged_notebook(query), parameters(query)))


# --------------------------------------------------------------------- the hashes


def _changed_files(folder: Path) -> Iterator[str]:
    """Say which files are missing, changed or beside those that were written."""
    try:
        listed = listed_sums(folder)
    except (OSError, ValueError, SnapshotError):
        yield f"{SUMS} is missing or damaged"
        return
    present = _files(folder)
    if len(present) > _MOST_FILES:
        yield f"the folder holds more than {_MOST_FILES} files, and no report does"
        return
    for name in (SUMS, *PRINTED):
        present.pop(name, None)
    for name in sorted({*listed, *present}):
        if fault := _fault(name, present.get(name), listed.get(name)):
            yield f"{visible(name)[:_LONGEST_NAME]} {fault}"
    for name in (NOTEBOOK, PAGE):
        if name not in listed:
            yield f"{name} is missing"
    try:
        snapshot.read(folder / DATA)
    except SnapshotError as error:
        yield _short(error, folder)


def _fault(name: str, path: Path | None, digest: str | None) -> str:
    """Say what is wrong with one file, "" where nothing is."""
    if path is None:
        return "is missing"
    if digest is None:
        return f"is not in {SUMS}"
    if path.is_symlink() or not OURS.fullmatch(name):
        return "is no part of a report"
    try:
        same = hashlib.sha256(read_regular(path)).hexdigest() == digest
    except (OSError, SnapshotError) as error:
        return _short(error, path.parent).removeprefix(f"{path.name!r} ").rstrip(".")
    return "" if same else f"was changed after {SUMS} was written"


def _files(folder: Path) -> dict[str, Path]:
    """Return what lies in a report's folder by its name, and no more than tells a report from another.

    What is beside our own folders is named and not entered; an editor's checkpoints are passed over.
    """
    files: dict[str, Path] = {}
    for base in (folder, folder / DATA):
        with contextlib.suppress(OSError), os.scandir(base) as entries:
            for entry in itertools.islice(entries, _MOST_FILES + 1):
                name = Path(entry.path).relative_to(folder).as_posix()
                ours = name in (DATA, ".ipynb_checkpoints", f"{DATA}/.ipynb_checkpoints")
                if not (ours and entry.is_dir(follow_symlinks=False)):
                    files[name] = Path(entry.path)
    return files


# -------------------------------------------------------------------- the outputs

_NO_NETWORK = """\
import sys

def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        raise OSError("There is no network while a report is verified.")

sys.addaudithook(refuse)
"""


@contextlib.contextmanager
def _offline(folder: Path) -> Iterator[None]:
    """Start kernels without network: sockets refuse, proxies and services lead nowhere."""
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-no-network.py").write_text(_NO_NETWORK, "utf-8")
    nowhere = "http://127.0.0.1:9"
    names = ("http_proxy", "https_proxy", "all_proxy")
    closed = dict.fromkeys([*names, *map(str.upper, names), "CRIMENB_POLICE_URL",
                            "CRIMENB_POSTCODES_URL"], nowhere)  # fmt: skip
    # A module beside the reader, or in a folder that was handed over, is never imported.
    closed |= {"no_proxy": "", "NO_PROXY": "", "IPYTHONDIR": str(folder / "ipython"), "PYTHONSAFEPATH": "1"}
    before = {name: os.environ.get(name) for name in closed}
    os.environ.update(closed)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _other_outputs(
    folder: Path, stored: Any, query: Query, others: Versions, own: Path | None
) -> Iterator[Finding]:
    """Run the notebook again on a copy of the snapshot; name the outputs that differ."""
    with scratch() as tmp:
        work = tmp / "report"
        work.mkdir()
        (work / DATA).mkdir()
        for name in snapshot.files_of(folder / DATA):
            (work / DATA / name).write_bytes(read_regular(folder / DATA / name))
        try:
            with _offline(tmp):
                fresh = freeze(execute(work, query, own))
        except ReportError as error:
            yield Finding("outputs", f"the notebook does not run on this snapshot: {_short(error, work)}")
            return
    differences = list(other_outputs(stored["cells"], fresh["cells"], others))
    yield from differences[:_MOST]
    if (
        not differences
        and own is None
        and read_regular(folder / NOTEBOOK) != (nbformat.writes(fresh) + "\n").encode()
    ):
        yield Finding("outputs", f"{NOTEBOOK} is not written as crimenb writes it")


def _other_pages(folder: Path, stored: Any, others: Versions) -> Iterator[Finding]:
    """Make page, summaries and what was asked of the notebook again and say where those in the folder differ."""
    asked = {kind: os.path.lexists(folder / name) for kind, name in (("xlsx", WORKBOOK), ("docx", DOCUMENT))}
    made = written(stored, **asked)
    for name in sorted({PAGE, SUMMARY, VALUES, *made} - {NOTEBOOK}):
        file, new = folder / name, made.get(name)
        old = read_regular(file) if file.exists() else None
        if new is None and old is not None:
            yield Finding("page", f"{name} does not come from this notebook")
        elif new is not None and old is None:
            yield Finding("page", f"{name} is missing")
        elif new is not None and old is not None and old != new:
            if name in (WORKBOOK, DOCUMENT):
                hint = f" (made with {named(others)})" if others else ""
                yield Finding("page", f"{name} {other_tables(old, new)}{hint}")
            else:
                yield other_page(name, old.decode("utf-8", errors="replace"), new.decode(), others)
