"""Run the report notebook by papermill, and drop what differs from run to run."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from crimenb.charts.display import add_drawing, begin_drawing
from crimenb.charts.theme import VEGALITE
from crimenb.errors import NotReproducible, ReportError
from crimenb.files import notebook_path
from crimenb.report.html import ROLE
from crimenb.snapshot import DATA
from crimenb.warm import drawings, is_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crimenb.query import Query
_ATTEMPTS = 3


def parameters(query: Query) -> dict[str, str | bool]:
    """Return the notebook's parameters for a settled query on the snapshot beside it."""
    # A custom area is read from the snapshot, so that the report needs no other file.
    place = ("", DATA) if query.area else (query.postcode, "")
    values = {"postcode": place[0], "start": query.start, "end": query.end}
    values |= {"compare_with": ", ".join(query.compare_with), "area": place[1], "snapshot": DATA}
    return values | {name: True for name in ("like", "stops") if getattr(query, name)}


_OF_SEARCHES = re.compile(r"^stops: .*\n|, stops=stops", re.MULTILINE)


def packaged_notebook(query: Query) -> nbformat.NotebookNode:
    """Return the packaged notebook as a question runs it: without the cells on searches where none are asked for."""
    from papermill.iorw import load_notebook_node

    nb: nbformat.NotebookNode = load_notebook_node(str(notebook_path()))
    if not query.stops:
        nb["cells"] = [c for c in nb["cells"] if "stops" not in c["metadata"]["tags"]]
        for cell in nb["cells"]:
            cell["source"] = _OF_SEARCHES.sub("", cell["source"])
    return nb


def execute(folder: Path, query: Query, notebook: Path | None = None) -> nbformat.NotebookNode:
    """Run the packaged notebook (or another) in `folder` by papermill; return it with outputs.

    Raises
    ------
    ReportError
        A cell failed; the partial notebook is written beside the folder.
    """
    # Imported here: it costs a second, and reading a snapshot needs none of it.
    import papermill as pm

    from crimenb.warm import engine, kernels

    logging.getLogger("papermill").setLevel(logging.ERROR)
    drawings.forget()
    started: list[nbformat.NotebookNode] = []
    outputs_by_cell: list[list[nbformat.NotebookNode]] = []
    quicker: dict[str, Any] = {}
    if is_on():
        quicker = {
            "engine_name": engine.NAME,
            "hand_over": outputs_by_cell.extend,
            "on_cell_executed": _begin_drawings,
        }
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            # In memory: writing the file after every cell takes longer than the kernel.
            nb: nbformat.NotebookNode = pm.execute_notebook(
                str(notebook) if notebook else packaged_notebook(query), None,
                parameters=parameters(query), cwd=str(folder), progress_bar=False, log_output=False,
                on_notebook_start=lambda notebook: started.append(notebook),  # noqa: PLW0108
                **kernels.options(folder), **quicker,
            )  # fmt: skip
            break
        except pm.PapermillExecutionError as error:
            partial = folder.parent / f"{query.slug}.failed.ipynb"
            partial.write_text(nbformat.writes(started[-1]), "utf-8")
            msg = (
                f"Cell {error.exec_count} of the report notebook failed with {error.ename}: "
                f"{error.evalue}; the partial notebook is {str(partial)!r}."
            )
            raise ReportError(msg) from error
        except RuntimeError as error:  # the kernel did not start or died, which is worth another try
            if attempt == _ATTEMPTS:
                msg = f"No kernel could be kept running for the notebook: {error}."
                raise ReportError(msg) from error
    for socket_file in folder.glob("kernel*"):
        socket_file.unlink(missing_ok=True)
    cells = [cell for cell in nb["cells"] if cell["cell_type"] == "code"]
    for cell, outputs in zip(cells, outputs_by_cell, strict=is_on()):
        cell["outputs"] = outputs
    for cell in cells:
        for name, chart in _figures(cell):
            add_drawing(chart, name)
    return nb


def _begin_drawings(cell: nbformat.NotebookNode, **_: Any) -> None:
    for _name, chart in _figures(cell):
        begin_drawing(chart)


def _figures(cell: nbformat.NotebookNode) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the chart of each figure that a cell has shown."""
    for out in cell.get("outputs", []):
        role = out.get("metadata", {}).get(ROLE, {})
        if role.get("role") == "chart" and VEGALITE in out["data"]:
            yield role["name"], out["data"]


# What changes from run to run is known by where it stands: an object that shows itself by its
# address or path, and what is printed. Text that our own objects show comes from the data, and is
# the same whatever it says.
_NAMELESS = re.compile(r"\bat 0x[0-9a-f]{6,}>|\b(?:Posix|Windows)Path\(")
_PRINTED = re.compile(r"\b0x[0-9a-f]{6,}\b|\bat 0x|/(home|root|tmp|Users)/\w")


def freeze(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the executed notebook without anything that changes from run to run.

    Raises
    ------
    NotReproducible
        An output is a bitmap, a warning, or holds an address or a path.
    """
    frozen = nbformat.from_dict({"cells": [], "nbformat": 4, "nbformat_minor": 5})
    frozen["metadata"] = nbformat.from_dict({
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
        frozen["cells"].append(clean)
    # In the order in which the file has its keys: the page is the same from either.
    ordered: nbformat.NotebookNode = nbformat.from_dict(json.loads(json.dumps(frozen, sort_keys=True)))
    nbformat.validate(ordered)
    return ordered


def _checked(out: Any, number: int, cell_id: str) -> Any:
    where = f"Cell {number} ({cell_id}) of the notebook"
    if out["output_type"] == "stream" and out["name"] == "stderr":
        msg = f"{where} wrote to stderr: {out['text'][:120]!r}; mend what it warns of."
        raise NotReproducible(msg)
    data = out.get("data", {})
    if any(kind.startswith("image/") and kind != "image/svg+xml" for kind in data):
        msg = f"{where} shows a bitmap, which cannot be checked; draw it with Altair."
        raise NotReproducible(msg)
    volatile = _PRINTED.search(out.get("text", ""))
    if set(data) == {"text/plain"} and ROLE not in out.get("metadata", {}):
        volatile = _NAMELESS.search(data["text/plain"])
    if volatile:
        msg = f"{where} shows {volatile[0]!r}, which changes from run to run; show a value instead."
        raise NotReproducible(msg)
    return out
