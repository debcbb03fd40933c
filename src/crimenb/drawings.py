"""Static drawings of charts: here, or in a process of their own while the cells still run.

vl-convert never gives back the memory that a drawing took, about a megabyte a report; a process
that draws for a batch is therefore replaced now and then. One report draws its charts here.
"""

from __future__ import annotations

import atexit
import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar

from crimenb import painter

if TYPE_CHECKING:
    from concurrent.futures import Future

MOST = 1500
"""Drawings by one process, some two hundred reports."""


class Painter:
    """A process that draws, kept by a worker of a batch; it ends when its owner does."""

    _here: ClassVar[Painter | None] = None

    @classmethod
    def keep(cls) -> None:
        """Keep such a process from now on."""
        if cls._here is None:
            cls._here = cls()
            atexit.register(cls.dismiss)

    @classmethod
    def dismiss(cls) -> None:
        """End it; charts are drawn here again."""
        if cls._here is not None:
            cls._here.close()
        cls._here = None
        atexit.unregister(cls.dismiss)

    @classmethod
    def kept(cls) -> Painter | None:
        """Return this process's painter, if it keeps one."""
        return cls._here

    def __init__(self) -> None:
        # One thread: it waits for the process, and asks in the order of the charts.
        self.thread = ThreadPoolExecutor(1, "crimenb-drawings")
        self.begun: dict[str, Future[str]] = {}
        self.start()

    def start(self) -> None:
        """Start the process."""
        self.line, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", painter.__file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self.drawn = 0

    def stop(self) -> None:
        """End the process."""
        self.line.close()
        self.process.wait()

    def close(self) -> None:
        """End the process and the thread."""
        self.thread.shutdown(cancel_futures=True)
        self.stop()

    def begin(self, said: str) -> None:
        """Begin a drawing."""
        self.begun[said] = self.thread.submit(self._ask, said)

    def _ask(self, said: str) -> str:
        if self.drawn == MOST:
            self.stop()
            self.start()
        try:
            painter.send(self.line, said)
            answer = painter.receive(self.line)
        except OSError:
            answer = None
        if answer is None:  # it was killed
            self.stop()
            self.start()
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
