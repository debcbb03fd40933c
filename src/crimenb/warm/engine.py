"""The engine by which papermill runs a report: outputs are stored as they arrive.

Papermill's own engine validates each output when it arrives, and serialises the finished notebook
even where no file is written. A report's notebook is validated as a whole before it is written
(`report.execute.freeze`), so both would be wasted time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.log import logger

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "crimenb"
_LONGEST_CELL = 600
"""Seconds; a city's whole report over five years takes ten."""

_RESULTS = ("display_data", "execute_result")


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """Papermill's client; outputs are stored without being validated."""

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Store an output."""
        kind, content = msg["msg_type"], msg["content"]
        special = display_id or self.clear_before_next_output or any(self.output_hook_stack.values())
        if kind not in _RESULTS or special:
            other: NotebookNode | None = super().output(outs, msg, display_id, cell_index)
            return other
        out = NotebookNode(output_type=kind, metadata=content["metadata"], data=content["data"])
        if kind == "execute_result":
            out["execution_count"] = content["execution_count"]
        outs.append(out)
        return out


class _Engine(NBClientEngine):  # type: ignore[misc]
    """Papermill's engine; where no cell failed it hands over the outputs, cell by cell."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        hand_over: Callable[[list[list[NotebookNode]]], None],
        start_timeout: int = 60,
        log_output: bool = False,
        input_path: str = "",
        stdout_file: Any = None,
        stderr_file: Any = None,
        **kwargs: Any,
    ) -> None:
        """Run the cells and hand over their outputs, a list for each code cell."""
        _Client(
            nb_man, kernel_name=kernel_name, startup_timeout=start_timeout, timeout=_LONGEST_CELL, log=logger,
            log_output=log_output, stdout_file=stdout_file, stderr_file=stderr_file, **kwargs,
        ).execute()  # fmt: skip
        cells = [cell for cell in nb_man.nb["cells"] if cell["cell_type"] == "code"]
        if not any(out["output_type"] == "error" for cell in cells for out in cell["outputs"]):
            hand_over([cell["outputs"] for cell in cells])
            for cell in cells:
                cell["outputs"] = []


papermill_engines.register(NAME, _Engine)
