"""Processes that a worker keeps beside itself; each ends when its keeper does, however that ends."""

from __future__ import annotations

import atexit
import socket
import subprocess
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from typing import Self


class Kept:
    """A process at the other end of a socket, at most one of each kind to a keeper."""

    socket_kind: ClassVar[socket.SocketKind] = socket.SOCK_STREAM
    _here: ClassVar[Any] = None

    @classmethod
    def kept(cls) -> Self | None:
        """Return the one this process keeps (a dead one counts: it is replaced), or None."""
        found: Self | None = cls._here
        return found

    @classmethod
    def here(cls) -> Self:
        """Return this process's own, a new one where there is none or the last has died."""
        if cls._here is None or cls._here.process.poll() is not None:
            cls.dismiss()
            cls._here = cls()
            atexit.register(cls.dismiss)
        kept: Self = cls._here
        return kept

    @classmethod
    def dismiss(cls) -> None:
        """End this process's own, if it keeps one."""
        if cls._here is not None:
            cls._here.close()
        cls._here = None
        atexit.unregister(cls.dismiss)

    def __init__(self) -> None:
        self.start()

    def command(self, fd: int) -> list[str]:
        """Return the command whose process talks over this file descriptor."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the process; `line` is this end of the socket."""
        self.line, theirs = socket.socketpair(socket.AF_UNIX, self.socket_kind)
        with theirs:
            self.process = subprocess.Popen(
                self.command(theirs.fileno()), pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
            )

    def close(self) -> None:
        """End the process."""
        self.line.close()
        self.process.wait()
