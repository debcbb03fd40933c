"""Static drawings of charts: in this process, or in a helper process while the cells still run.

vl-convert never frees the memory of a drawing, about a megabyte a report; the helper process of a
batch is therefore replaced from time to time. A single report draws its charts in this process.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from crimenb.warm import painter
from crimenb.warm.process import HelperProcess

if TYPE_CHECKING:
    from concurrent.futures import Future

MOST = 1500
"""Drawings after which the process is replaced, some two hundred reports."""


OWNER_DRAWS = False
"""Whether this is a kernel of a process that draws: its figures' drawings are added there."""


class Painter(HelperProcess):
    """The process that draws, and the thread that waits for its answers."""

    def __init__(self) -> None:
        # One thread, so that requests and answers stay in order.
        self.thread = ThreadPoolExecutor(1, "crimenb-drawings")
        self.begun: dict[str, Future[str]] = {}
        super().__init__()

    def command(self, fd: int) -> list[str]:
        """Return the command of the painter."""
        return [sys.executable, "-P", painter.__file__, str(fd)]

    def start(self) -> None:
        """Start the process."""
        super().start()
        self.drawn = 0

    def close(self) -> None:
        """End the process and the thread."""
        self.thread.shutdown(cancel_futures=True)
        super().close()

    def _replace(self) -> None:
        super().close()
        self.start()

    def begin(self, spec_json: str) -> None:
        """Begin a drawing."""
        self.begun[spec_json] = self.thread.submit(self._ask, spec_json)

    def _ask(self, spec_json: str) -> str:
        if self.drawn == MOST:
            self._replace()
        try:
            painter.send(self.line, spec_json)
            answer = painter.receive(self.line)
        except OSError:
            answer = None
        if answer is None:  # the process was killed
            self._replace()
            return painter.draw(spec_json)
        self.drawn += 1
        if answer.startswith("!"):
            raise ValueError(answer[1:])
        return answer


def expect(spec: dict[str, Any]) -> None:
    """Begin a drawing that a page will need, where this process has a painter."""
    if process := Painter.started():
        process.begin(_as_json(spec))


def forget() -> None:
    """Drop the drawings of a notebook that never became a page."""
    if process := Painter.started():
        process.begun.clear()


def draw(spec: dict[str, Any]) -> str:
    """Return a chart's drawing as SVG, begun or not."""
    spec_json = _as_json(spec)
    process = Painter.started()
    begun = process.begun.pop(spec_json, None) if process else None
    return begun.result() if begun else painter.draw(spec_json)


def _as_json(spec: dict[str, Any]) -> str:
    return json.dumps(spec, sort_keys=True)
