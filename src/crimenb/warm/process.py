"""Helper processes beside a worker; each ends when its owner does, however that ends."""

from __future__ import annotations

import atexit
import socket
import subprocess
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from typing import Self


class HelperProcess:
    """A process at the other end of a socket; a process has at most one of each kind."""

    socket_kind: ClassVar[socket.SocketKind] = socket.SOCK_STREAM
    _here: ClassVar[Any] = None

    @classmethod
    def started(cls) -> Self | None:
        """Return this process's own if it was started (a dead one too: it will be replaced), or None."""
        helper: Self | None = cls._here
        return helper

    @classmethod
    def here(cls) -> Self:
        """Return this process's own; start one where there is none or the last has died."""
        if cls._here is None or cls._here.process.poll() is not None:
            cls.dismiss()
            cls._here = cls()
            atexit.register(cls.dismiss)
        helper: Self = cls._here
        return helper

    @classmethod
    def dismiss(cls) -> None:
        """End this process's own, if it was started."""
        if cls._here is not None:
            cls._here.close()
        cls._here = None
        atexit.unregister(cls.dismiss)

    def __init__(self) -> None:
        self.start()

    def command(self, fd: int) -> list[str]:
        """Return the command to run; its process talks over this file descriptor."""
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
