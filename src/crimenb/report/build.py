"""From a query to a report folder: snapshot, executed notebook, one HTML file, checksums."""

from __future__ import annotations

import contextlib
import functools
import logging
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import nbformat

from crimenb import snapshot
from crimenb.buckets import Bucket, is_address
from crimenb.errors import ReportError, SnapshotError
from crimenb.files import SUMS, digest, scratch, swap, working, write_sums
from crimenb.report.execute import execute, freeze
from crimenb.report.handed_on import DOCUMENT, SUMMARY, VALUES, WORKBOOK, summary_json, workbook
from crimenb.report.html import ROLE
from crimenb.report.page import to_html
from crimenb.snapshot import DATA
from crimenb.warm import drawings, kernels_are_warm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from crimenb.data import Data
    from crimenb.query import Query

NOTEBOOK, PAGE = "report.ipynb", "report.html"
OURS = re.compile(
    rf"{NOTEBOOK}|{PAGE}|{SUMMARY}|{VALUES}|{WORKBOOK}|{DOCUMENT}|{DATA}/[a-z_]+\.(parquet|csv|json)"
)
"""Names of the files of a report that SHA256SUMS lists."""

_log = logging.getLogger(__name__)


def build_report(
    query: Query,
    source: snapshot.Source | str = "",
    out: Path | str = "reports",
    *,
    refresh: bool = False,
    allow_missing: bool = False,
    closed_ok: bool = False,
    xlsx: bool = False,
    docx: bool = False,
) -> Path | str:
    """Build one report folder and return the path of its `report.html`, or its address in a bucket.

    The folder is its own cache: where it holds a snapshot that answers the query, from the
    same source, no source is asked. It appears as a whole or stays as it was. Files of others
    in it are kept; a `report.ipynb` that was edited is kept as `report.edited.ipynb`.

    Parameters
    ----------
    query
        What is asked; months may be open.
    source
        "live", "demo", "archive:DIR", an opened source, or "" for the usual one.
    out
        Folder that the report's own folder `<slug>` goes into; in a bucket "s3://bucket/path" (az://, gs://
        likewise). It is made on this machine then, and uploaded whole.
    refresh
        Pull the data anew even if they are there.
    allow_missing, closed_ok
        See `snapshot.open_source`.
    xlsx
        Write every table of the page to `tables.xlsx` too.
    docx
        Write the page to `report.docx` too, which needs the extra `docx`.

    Raises
    ------
    SnapshotError
        The folder holds the answer to something else, or was changed.
    ReportError
        The notebook failed, another run is writing this report, or python-docx is not installed.
    SourceError
        The bucket is not there, lets nobody in or does not answer.
    """
    return make_report(
        query, source, out, refresh=refresh, xlsx=xlsx, docx=docx, allow_missing=allow_missing,
        closed_ok=closed_ok,
    ).page  # fmt: skip


class Built(NamedTuple):
    """A report that was made: its page (in a bucket the address), its data, and the hash of its SHA256SUMS."""

    page: Path | str
    data: Data
    sums: str


def make_report(
    query: Query,
    source: snapshot.Source | str = "",
    out: Path | str = "reports",
    *,
    refresh: bool = False,
    collected: Path | None = None,
    xlsx: bool = False,
    docx: bool = False,
    finish: Callable[[Path], None] = lambda _: None,
    **how: bool,
) -> Built:
    """Build one report folder as `build_report` does, and return its data too.

    Parameters
    ----------
    collected
        Folder of a snapshot that was collected before; then no source is asked.
    xlsx, docx
        Write `tables.xlsx` or `report.docx` too.
    finish
        Called with the page's path when the folder is whole; what it adds there goes to the bucket too.
    how
        See `snapshot.open_source`.
    """
    if docx:
        word()
    with contextlib.ExitStack() as stack:

        @functools.cache
        def opened() -> snapshot.Source:
            if not isinstance(source, str):
                return source
            return stack.enter_context(contextlib.closing(snapshot.open_source(source, query, **how)))

        settled = query if query.settled else query.within(opened().months())
        bucket = Bucket(out) / settled.slug if is_address(out) else None
        target = (Path(out) if bucket is None else stack.enter_context(_staged(Bucket(out)))) / settled.slug
        if bucket is not None and collected is None and not refresh and SUMS in (there := bucket.sizes()):
            bucket.fetch(target, [name for name in there if name.startswith(f"{DATA}/")])
        with working(target) as work:
            stored = target / DATA if (target / DATA).is_dir() and not refresh else None
            if collected is None and stored is not None:
                _check_source(stored, source, opened, settled)
            if folder := collected or stored:
                _log.info("Read the data from %s", folder)
                data = snapshot.read(folder, settled)
                (work / DATA).mkdir()
                for name in snapshot.files_of(folder):
                    shutil.copyfile(folder / name, work / DATA / name)
            else:
                _log.info("Collect the data of %s from %s", settled.slug, opened().name)
                data = snapshot.save(settled, opened(), work / DATA)
            _log.info("Run the notebook and write the page")
            for name, raw in written(freeze(execute(work, settled)), xlsx=xlsx, docx=docx).items():
                (work / name).write_bytes(raw)
            write_sums(work)
            swap(work, target)
            _log.info("The report is in %s", target)
            (target.parent / f"{target.name}.failed.ipynb").unlink(missing_ok=True)
        finish(target / PAGE)
        built = Built(target / PAGE, data, digest(target / SUMS))
        if bucket is None:
            return built
        bucket.upload(target, OURS.fullmatch)
        return built._replace(page=f"{bucket}/{PAGE}")


@contextlib.contextmanager
def _staged(bucket: Bucket) -> Iterator[Path]:
    """Yield a temporary folder for what goes into a bucket; of a notebook that fails, what there is goes too."""
    with scratch() as folder:
        try:
            yield folder
        except ReportError as error:
            for partial in folder.glob("*.failed.ipynb"):
                bucket.write(partial.name, partial.read_bytes())
            raise type(error)(str(error).replace(str(folder), str(bucket))) from error


def written(nb: nbformat.NotebookNode, *, xlsx: bool = False, docx: bool = False) -> dict[str, bytes]:
    """Return the files made from an executed notebook, by name: notebook, page, summaries, and what is asked."""
    files = {NOTEBOOK: nbformat.writes(nb) + "\n", PAGE: to_html(nb)}
    outputs = [out for cell in nb["cells"] for out in cell.get("outputs", [])]
    summaries = [out.get("metadata", {}).get(ROLE, {}).get("summary") for out in outputs]
    files |= {SUMMARY: "".join(filter(None, summaries)), VALUES: summary_json(nb)}
    made = {name: text.encode() for name, text in files.items() if text}
    made |= {WORKBOOK: workbook(nb)} if xlsx else {}
    return made | ({DOCUMENT: word().document(nb, files[PAGE])} if docx else {})


def word() -> ModuleType:
    """Return the module that writes a Word file, which needs an extra.

    Raises
    ------
    ReportError
        python-docx is not installed.
    """
    try:
        from crimenb.report import word as found
    except ImportError as error:
        msg = (
            f"A Word file needs python-docx ({error}); install crimenb with its extra 'docx': crimenb[docx]."
        )
        raise ReportError(msg) from error
    return found


def keep_warm() -> None:
    """Start the helper processes that make the next reports quicker, where kernels can be forked."""
    if kernels_are_warm():
        from crimenb.warm import kernels

        kernels.Nursery.here().ready()
        drawings.Painter.here()


def _check_source(
    folder: Path, source: snapshot.Source | str, opened: Callable[[], snapshot.Source], query: Query
) -> None:
    """Raise SnapshotError where the folder's snapshot came from another source.

    An archive is opened to compare its release; no request is made to the live services.
    """
    name = (
        (source or snapshot.usual_source(query)).partition(":")[0] if isinstance(source, str) else source.name
    )
    manifest = snapshot.read_manifest(folder)
    if not snapshot.is_from(manifest, opened().describe() if name == "archive" else {"name": name}):
        stored = snapshot.source_of(manifest)
        other = (
            "another version of the archive, or another one"
            if stored.get("name") == name
            else "another source"
        )
        msg = (
            f"{str(folder.parent)!r} was made from {other} ({stored.get('name')}, release "
            f"{stored.get('release', 'not known')}); give another --out, or pull anew with --refresh."
        )
        raise SnapshotError(msg)
