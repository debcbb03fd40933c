"""From a question to a folder: snapshot, executed notebook, one HTML file, hashes."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import nbformat

from crimenb import snapshot
from crimenb.errors import ReportError, SnapshotError
from crimenb.files import swap, working
from crimenb.report.execute import execute, freeze
from crimenb.report.html import ROLE
from crimenb.report.page import to_html
from crimenb.snapshot import DATA
from crimenb.warm import drawings, is_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from crimenb.data import Data
    from crimenb.query import Query

SUMS = "SHA256SUMS"


def build_report(
    query: Query,
    source: snapshot.Source | str = "",
    out: Path | str = "reports",
    *,
    refresh: bool = False,
    allow_missing: bool = False,
    closed_ok: bool = False,
) -> Path:
    """Build one report folder and return the path of its `report.html`.

    The folder is its own cache: where it holds a snapshot that answers the query, from the
    same source, no source is asked. It appears as a whole or stays as it was.

    Parameters
    ----------
    query
        What is asked; months may be open.
    source
        "live", "demo", "archive:DIR", an opened source, or "" for the usual one.
    out
        Folder that the report's own folder `<slug>` goes into.
    refresh
        Pull the data anew even if they are there.
    allow_missing, closed_ok
        See `snapshot.open_source`.

    Raises
    ------
    SnapshotError
        The folder holds the answer to something else, or was changed.
    ReportError
        The notebook failed, or another run is writing this report.
    """
    return build(query, source, out, refresh=refresh, allow_missing=allow_missing, closed_ok=closed_ok).page


class Built(NamedTuple):
    """A report that was made: its page, and the data it was made of."""

    page: Path
    data: Data


def build(
    query: Query,
    source: snapshot.Source | str = "",
    out: Path | str = "reports",
    *,
    refresh: bool = False,
    allow_missing: bool = False,
    closed_ok: bool = False,
) -> Built:
    """Build one report folder as `build_report` does, and return its data too."""
    with contextlib.ExitStack() as kept:

        def ask() -> snapshot.Source:
            if not isinstance(source, str):
                return source
            found = snapshot.open_source(source, query, allow_missing=allow_missing, closed_ok=closed_ok)
            kept.callback(found.close)
            return found

        return _build(query, source, out, ask, refresh=refresh)


def _build(
    query: Query,
    source: snapshot.Source | str,
    out: Path | str,
    ask: Callable[[], snapshot.Source],
    *,
    refresh: bool,
) -> Built:
    opened = None if isinstance(source, str) else source
    if not query.settled:
        opened = opened or ask()
        query = query.within(opened.months())
    target = Path(out) / query.slug
    with working(target) as work:
        if (target / DATA).is_dir() and not refresh:
            _check_source(target / DATA, opened or str(source), query)
            data = snapshot.read(target / DATA, query)
            shutil.copytree(target / DATA, work / DATA)
        else:
            opened = opened or ask()
            settled = query.within(opened.months())
            if settled != query:
                msg = f"{query!r} could not be settled"
                raise ReportError(msg)
            data = snapshot.save(query, opened, work / DATA)
        return _finished(work, target, query, data)


def build_on(query: Query, kept: Path, out: Path | str) -> Built:
    """Build one report folder on a snapshot that was collected before.

    Raises
    ------
    SnapshotError
        The snapshot answers something else, or was changed.
    ReportError
        The notebook failed, or another run is writing this report.
    """
    target = Path(out) / query.slug
    with working(target) as work:
        data = snapshot.read(kept, query)
        shutil.copytree(kept, work / DATA)
        return _finished(work, target, query, data)


def _finished(work: Path, target: Path, query: Query, data: Data) -> Built:
    render(work, query)
    swap(work, target)
    (target.parent / f"{target.name}.failed.ipynb").unlink(missing_ok=True)
    return Built(target / "report.html", data)


def render(folder: Path, query: Query) -> None:
    """Run the notebook on the folder's snapshot and write the report's files beside it."""
    for name, text in written(freeze(execute(folder, query))).items():
        (folder / name).write_text(text, "utf-8")
    write_sums(folder)


def written(nb: nbformat.NotebookNode) -> dict[str, str]:
    """Return the files that an executed notebook gives, by name: itself, its page, its summary."""
    files = {"report.ipynb": nbformat.writes(nb) + "\n", "report.html": to_html(nb)}
    outputs = [out for cell in nb["cells"] for out in cell.get("outputs", [])]
    said = [out.get("metadata", {}).get(ROLE, {}).get("summary") for out in outputs]
    if text := "".join(filter(None, said)):
        files["summary.md"] = text
    return files


def keep_warm() -> None:
    """Keep beside this process what makes its next reports quicker, where kernels can be forked."""
    from crimenb.warm import kernels

    if kernels.FORKS and is_on():
        kernels.Nursery.here().ready()
        drawings.Painter.here()


def _check_source(folder: Path, source: snapshot.Source | str, query: Query) -> None:
    """Raise SnapshotError where the folder's snapshot came from another source."""
    manifest = snapshot.read_manifest(folder)
    kept = {name: value for kind, name, value in manifest["provenance"] if kind == "source"}
    usual = "demo" if query.postcode.startswith("ZZ") else "live"
    asked = (source or usual).partition(":")[0] if isinstance(source, str) else source.name
    same = kept.get("name") == asked
    if same and asked == "archive":
        opened = snapshot.open_source(source, query) if isinstance(source, str) else source
        said = opened.describe()
        same = all(kept.get(k) == said.get(k) for k in ("release", "retrieved"))
    if not same:
        msg = (
            f"{str(folder.parent)!r} was made from another source ({kept.get('name')}, release "
            f"{kept.get('release')}); give another --out, or pull anew with --refresh."
        )
        raise SnapshotError(msg)


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS over every file of a report folder, as sha256sum -c reads it."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != SUMS)
    lines = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n" for p in files
    ]
    (folder / SUMS).write_text("".join(lines), "utf-8")
