"""From a question to a folder: snapshot, executed notebook, one HTML file, hashes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import nbformat

from crimenb import drawings, snapshot
from crimenb.errors import NotReproducible, ReportError, SnapshotError
from crimenb.folders import swap, working
from crimenb.lab import notebook_path
from crimenb.page import expect, to_html
from crimenb.pieces import ROLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from crimenb.query import Query
    from crimenb.tables import Data

DATA = "data"
SUMS = "SHA256SUMS"
_ATTEMPTS = 3


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

    Parameters:
        query: What is asked; months may be open.
        source: "live", "demo", "archive:DIR", an opened source, or "" for the usual one.
        out: Folder that the report's own folder `<slug>` goes into.
        refresh: Pull the data anew even if they are there.
        allow_missing, closed_ok: See `snapshot.open_source`.

    Raises:
        SnapshotError: The folder holds the answer to something else, or was changed.
        ReportError: The notebook failed, or another run is writing this report.
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

    Raises:
        SnapshotError: The snapshot answers something else, or was changed.
        ReportError: The notebook failed, or another run is writing this report.
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


def parameters(query: Query) -> dict[str, str]:
    """Return the notebook's parameters for a settled query on the snapshot beside it."""
    # A custom area is read from the snapshot, which keeps it: the report needs no other file.
    place = ("", DATA) if query.area else (query.postcode, "")
    said = {"postcode": place[0], "start": query.start, "end": query.end}
    return said | {"compare_with": ", ".join(query.compare_with), "area": place[1], "snapshot": DATA}


def keep_warm() -> None:
    """Keep beside this process what makes its next reports quicker, where kernels can be forked."""
    from crimenb import kernels  # noqa: PLC0415

    if kernels.FORKS:
        kernels.Nursery.here().ready()
        drawings.Painter.here()


def execute(folder: Path, query: Query, notebook: Path | None = None) -> nbformat.NotebookNode:
    """Run the packaged notebook (or another) in `folder` by papermill; return it with outputs.

    Raises:
        ReportError: A cell failed; the partial notebook is kept beside the folder.
    """
    # Imported here: it costs a second, and reading a snapshot needs none of it.
    import papermill as pm  # noqa: PLC0415

    from crimenb import engine, kernels  # noqa: PLC0415

    logging.getLogger("papermill").setLevel(logging.ERROR)
    drawings.forget()
    started: list[nbformat.NotebookNode] = []
    shown: list[list[nbformat.NotebookNode]] = []
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            # Kept in memory: written after every cell it would cost more than the kernel.
            nb = pm.execute_notebook(
                str(notebook or notebook_path()), None, parameters=parameters(query), cwd=str(folder),
                progress_bar=False, log_output=False, engine_name=engine.NAME, hand_over=shown.extend,
                on_cell_executed=expect,
                on_notebook_start=lambda notebook: started.append(notebook),  # noqa: PLW0108
                **kernels.options(folder),
            )  # fmt: skip
            break
        except pm.PapermillExecutionError as error:
            kept = folder.parent / f"{query.slug}.failed.ipynb"
            kept.write_text(nbformat.writes(started[-1]), "utf-8")
            msg = (
                f"Cell {error.exec_count} of the report notebook failed with {error.ename}: "
                f"{error.evalue}; the partial notebook is {str(kept)!r}."
            )
            raise ReportError(msg) from error
        except RuntimeError as error:  # the kernel did not start or died, which is worth another try
            if attempt == _ATTEMPTS:
                msg = f"No kernel could be kept running for the notebook: {error}."
                raise ReportError(msg) from error
    for litter in folder.glob("kernel*"):
        litter.unlink(missing_ok=True)
    cells = [cell for cell in nb["cells"] if cell["cell_type"] == "code"]
    for cell, outputs in zip(cells, shown, strict=True):
        cell["outputs"] = outputs
    return nb


_VOLATILE = re.compile(r"\b0x[0-9a-f]{6,}\b|\bat 0x|/(home|root|tmp|Users)/\w")


def freeze(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the executed notebook without anything that changes from run to run.

    Raises:
        NotReproducible: An output is a bitmap, a warning, or holds an address or a path.
    """
    kept = nbformat.from_dict({"cells": [], "nbformat": 4, "nbformat_minor": 5})
    kept["metadata"] = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    })  # fmt: skip
    for i, cell in enumerate(nb["cells"]):
        tags = cell["metadata"].get("tags", [])
        clean = nbformat.from_dict({
            "id": "injected" if "injected-parameters" in tags else cell["id"],
            "cell_type": cell["cell_type"],
            "metadata": {"tags": tags} if tags else {},
            "source": cell["source"],
        })  # fmt: skip
        if cell["cell_type"] == "code":
            clean["execution_count"] = cell.get("execution_count")
            clean["outputs"] = [_checked(out, i, str(cell["id"])) for out in cell["outputs"]]
        kept["cells"].append(clean)
    # In the order in which the file has its keys: the page is the same from either.
    kept = nbformat.from_dict(json.loads(json.dumps(kept, sort_keys=True)))
    nbformat.validate(kept)
    return kept


def _checked(out: Any, number: int, cell_id: str) -> Any:
    where = f"Cell {number} ({cell_id}) of the notebook"
    if out["output_type"] == "stream" and out["name"] == "stderr":
        msg = f"{where} wrote to stderr: {out['text'][:120]!r}; mend what it warns of."
        raise NotReproducible(msg)
    data = out.get("data", {})
    if any(kind.startswith("image/") and kind != "image/svg+xml" for kind in data):
        msg = f"{where} shows a bitmap, which cannot be checked; draw it with Altair."
        raise NotReproducible(msg)
    text = "".join(str(v) for k, v in data.items() if k.startswith("text/")) + out.get("text", "")
    if found := _VOLATILE.search(text):
        msg = f"{where} shows {found[0]!r}, which changes from run to run; show a value instead."
        raise NotReproducible(msg)
    return out


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
