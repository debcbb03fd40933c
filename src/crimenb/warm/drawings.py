"""Static drawings of charts: here, or in a process of their own while the cells still run.

vl-convert never gives back the memory that a drawing took, about a megabyte a report; a process
that draws for a batch is therefore replaced now and then. One report draws its charts here.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from crimenb.warm import painter
from crimenb.warm.process import Kept

if TYPE_CHECKING:
    from concurrent.futures import Future

MOST = 1500
"""Drawings by one process, some two hundred reports."""


class Painter(Kept):
    """The process that draws, and the thread that waits for it."""

    def __init__(self) -> None:
        # One thread: it asks in the order of the charts.
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

    def begin(self, said: str) -> None:
        """Begin a drawing."""
        self.begun[said] = self.thread.submit(self._ask, said)

    def _ask(self, said: str) -> str:
        if self.drawn == MOST:
            self._replace()
        try:
            painter.send(self.line, said)
            answer = painter.receive(self.line)
        except OSError:
            answer = None
        if answer is None:  # it was killed
            self._replace()
            return painter.draw(said)
        self.drawn += 1
        if answer.startswith("!"):
            raise ValueError(answer[1:])
        return answer


def expect(spec: dict[str, Any]) -> None:
    """Begin a drawing that a page will ask for, where this process keeps a painter."""
    if kept := Painter.kept():
        kept.begin(_said(spec))


def forget() -> None:
    """Forget the drawings of a notebook that never became a page."""
    if kept := Painter.kept():
        kept.begun.clear()


def draw(spec: dict[str, Any]) -> str:
    """Return a chart's drawing as SVG, begun or not."""
    said = _said(spec)
    kept = Painter.kept()
    begun = kept.begun.pop(said, None) if kept else None
    return begun.result() if begun else painter.draw(said)


def _said(spec: dict[str, Any]) -> str:
    return json.dumps(spec, sort_keys=True)
