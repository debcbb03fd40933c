"""Proof that a report is what its data give, for anyone who was handed the folder.

In this order: the notebook is the packaged one, so that a stranger's code is never run; the
files are those that were written; the notebook, run again on the snapshot without network,
gives every output again; page and summary come out byte for byte.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import re
import shutil
import tempfile
import time
import warnings
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import nbformat

from crimenb import snapshot
from crimenb.errors import QueryError, ReportError, SnapshotError
from crimenb.files import SUMS, digest, listed_sums, notebook_path
from crimenb.report.build import keep_warm, written
from crimenb.report.compare import Finding, Versions, foreign_cells, other_outputs, other_page
from crimenb.report.execute import execute, freeze, parameters
from crimenb.snapshot import DATA
from crimenb.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crimenb.query import Query

NOTEBOOK, PAGE, SUMMARY = "report.ipynb", "report.html", "summary.md"

_MOST = 5
_OURS = re.compile(rf"{NOTEBOOK}|{PAGE}|{SUMMARY}|{DATA}/[a-z]+\.(parquet|csv|json)")
_DAMAGED = (ValueError, KeyError, TypeError, AttributeError, RecursionError, nbformat.ValidationError)


class Verdict(NamedTuple):
    """What verification found of one report folder, and how long it took."""

    folder: Path
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether nothing grave was found; a warning alone does not fail a report."""
        return not any(f.grave for f in self.findings)


def verify(folder: Path | str, *, trust: bool = False) -> Verdict:
    """Check one report folder against itself; nothing in it is changed or trusted.

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
    for step in _steps(Path(folder), trust=trust):
        findings += step
        if any(f.grave for f in findings):
            break
    return Verdict(Path(folder), tuple(findings), time.monotonic() - began)


def verify_all(folders: Sequence[Path], *, trust: bool = False, jobs: int | None = None) -> Iterator[Verdict]:
    """Verify many report folders, a process a core, and yield the verdicts in their order."""
    if len(folders) < 2:
        yield from (verify(f, trust=trust) for f in folders)
        return
    jobs = min(jobs or os.cpu_count() or 1, len(folders))
    # Spawned, not forked: papermill changes the directory of its whole process.
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="crimenb-") as quiet,
        _offline(Path(quiet)),  # which the workers, and the kernels they keep warm, inherit
        concurrent.futures.ProcessPoolExecutor(jobs, context, keep_warm) as pool,
    ):
        waiting = [pool.submit(verify, f, trust=trust) for f in folders]
        try:
            yield from (w.result() for w in waiting)
        finally:
            pool.shutdown(cancel_futures=True)


def report_folders(paths: Iterable[Path]) -> list[Path]:
    """Return the report folders named, and those directly inside the folders named.

    Raises
    ------
    QueryError
        A path is no folder, or there is no report in it.
    """
    found: list[Path] = []
    for path in paths:
        inside = sorted(p for p in path.iterdir() if _is_report(p)) if path.is_dir() else []
        if not inside and not _is_report(path):
            msg = f"{str(path)!r} holds no report; name a report's folder, or the folder of several."
            raise QueryError(msg)
        found += [path] if _is_report(path) else inside
    return list(dict.fromkeys(found))


def _is_report(path: Path) -> bool:
    return path.is_dir() and any((path / name).exists() for name in (NOTEBOOK, PAGE, SUMS))


def _steps(folder: Path, *, trust: bool) -> Iterator[list[Finding]]:
    """Yield the findings of one step after the other; later steps build on earlier ones."""
    try:
        query = snapshot.kept_query(folder / DATA)
        manifest = snapshot.read_manifest(folder / DATA)
        stored = _read(folder / NOTEBOOK)
    except SnapshotError as error:
        yield [Finding("files", _short(error, folder))]
        return
    others = other_versions(manifest)
    foreign = list(_foreign(stored, query, manifest))
    if foreign and trust:
        said = f"an analyst's own notebook, run because it is trusted: {foreign[0]}"
        yield [Finding("notebook", said, grave=False)]
    else:
        yield [Finding("notebook", f"{f}; it was not run") for f in foreign[:_MOST]]
    yield [Finding("hashes", said) for said in _changed_files(folder)]
    own = folder / NOTEBOOK if foreign else None
    yield list(_other_outputs(folder, stored, query, others, own))
    yield list(_other_pages(folder, stored, others))


def _short(error: Exception, folder: Path) -> str:
    """Return what an error says of a file in the folder, without the path and the advice."""
    said = str(error).partition("; ")[0].replace(f"{folder}{os.sep}", "").rstrip(".")
    return f"{said}."


def other_versions(manifest: Mapping[str, Any]) -> Versions:
    """Return the packages whose versions are not those the report was made with."""
    kept = manifest.get("packages")
    pairs = kept.items() if isinstance(kept, dict) else ()
    here = {name: metadata.version(name) for name in snapshot.PACKAGES}
    return {n: (str(v), here[n]) for n, v in pairs if n in here and v != here[n]}


# ------------------------------------------------------------------ the notebook


def _read(path: Path) -> nbformat.NotebookNode:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        msg = f"{path.name} is missing."
        raise SnapshotError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path.name} is not a notebook."
        raise SnapshotError(msg) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nb: nbformat.NotebookNode = nbformat.reads(text, as_version=4)
            nbformat.validate(nb)
    except _DAMAGED as error:
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
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    nb = load_notebook_node(str(notebook_path()))
    return freeze(parameterize_notebook(nb, parameters(query)))


# --------------------------------------------------------------------- the hashes


def _changed_files(folder: Path) -> Iterator[str]:
    """Say which files are missing, changed or beside those that were written."""
    try:
        kept = listed_sums(folder)
    except (OSError, ValueError):
        yield f"{SUMS} is missing or damaged"
        return
    found = {
        p.relative_to(folder).as_posix(): p
        for p in sorted(folder.rglob("*"))
        if (p.is_symlink() or not p.is_dir()) and ".ipynb_checkpoints" not in p.parts
    }
    found.pop(SUMS, None)
    for name in sorted({*kept, *found}):
        if name not in found:
            yield f"{name} is missing"
        elif name not in kept:
            yield f"{name} is not in {SUMS}"
        elif found[name].is_symlink() or not _OURS.fullmatch(name):
            yield f"{name} is no part of a report"
        elif digest(found[name]) != kept[name]:
            yield f"{name} was changed after {SUMS} was written"
    for name in (NOTEBOOK, PAGE):
        if name not in kept:
            yield f"{name} is missing"
    try:
        snapshot.read(folder / DATA)
    except SnapshotError as error:
        yield _short(error, folder)


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
    closed |= {"no_proxy": "", "NO_PROXY": "", "IPYTHONDIR": str(folder / "ipython")}
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
    with tempfile.TemporaryDirectory(prefix="crimenb-") as tmp:
        work = Path(tmp) / "report"
        work.mkdir()
        shutil.copytree(folder / DATA, work / DATA)
        try:
            with _offline(Path(tmp)):
                fresh = freeze(execute(work, query, own))
        except ReportError as error:
            yield Finding("outputs", f"the notebook does not run on this snapshot: {_short(error, work)}")
            return
    found = list(other_outputs(stored["cells"], fresh["cells"], others))
    yield from found[:_MOST]
    if (
        not found
        and own is None
        and (folder / NOTEBOOK).read_bytes() != (nbformat.writes(fresh) + "\n").encode()
    ):
        yield Finding("outputs", f"{NOTEBOOK} is not written as crimenb writes it")


def _other_pages(folder: Path, stored: Any, others: Versions) -> Iterator[Finding]:
    """Make the page and the summary of the notebook again and say where the kept ones differ."""
    made = written(stored)
    for name in sorted({PAGE, SUMMARY, *made} - {NOTEBOOK}):
        file, new = folder / name, made.get(name)
        kept = file.read_bytes() if file.exists() else None
        if new is None and kept is not None:
            yield Finding("page", f"{name} does not come from this notebook")
        elif new is not None and kept is None:
            yield Finding("page", f"{name} is missing")
        elif new is not None and kept is not None and kept != new.encode():
            yield other_page(name, kept.decode("utf-8", errors="replace"), new, others)
