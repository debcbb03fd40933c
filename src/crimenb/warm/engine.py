"""How papermill runs a report: its own engine, with the outputs kept as they come.

The stock engine checks each output against the notebook format when it arrives, and papermill
writes the finished notebook out once more even where no file is wanted. A report's notebook is
checked as a whole before it is kept (`report.freeze`); in a batch both would be paid for nothing.
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
_RESULTS = ("display_data", "execute_result")


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """Papermill's client; what a cell shows is kept without a look at its shape."""

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Keep an output."""
        kind, content = msg["msg_type"], msg["content"]
        special = display_id or self.clear_before_next_output or any(self.output_hook_stack.values())
        if kind not in _RESULTS or special:
            found: NotebookNode | None = super().output(outs, msg, display_id, cell_index)
            return found
        out = NotebookNode(output_type=kind, metadata=content["metadata"], data=content["data"])
        if kind == "execute_result":
            out["execution_count"] = content["execution_count"]
        outs.append(out)
        return out


class _Engine(NBClientEngine):  # type: ignore[misc]
    """Papermill's engine; where no cell failed it hands the outputs over, cell by cell."""

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
        """Run the cells and hand over what they showed, one list a code cell."""
        _Client(
            nb_man, kernel_name=kernel_name, startup_timeout=start_timeout, timeout=None, log=logger,
            log_output=log_output, stdout_file=stdout_file, stderr_file=stderr_file, **kwargs,
        ).execute()  # fmt: skip
        cells = [cell for cell in nb_man.nb["cells"] if cell["cell_type"] == "code"]
        if not any(out["output_type"] == "error" for cell in cells for out in cell["outputs"]):
            hand_over([cell["outputs"] for cell in cells])
            for cell in cells:
                cell["outputs"] = []


papermill_engines.register(NAME, _Engine)
