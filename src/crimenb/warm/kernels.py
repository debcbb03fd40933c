"""Warm kernels: one process imports everything once, and every kernel is a fork of it.

A kernel started in the usual way spends seconds on imports. A batch starts thousands, so each
of its workers keeps a *nursery*: a process that has imported what the notebook needs, has run it
once on the demonstration, and does nothing but fork (it runs no thread of Python's, and the
libraries' own are idle then and made anew in a fork). The fork is a whole kernel of its own,
used for one report and killed afterwards; nothing of a report reaches the next one.

Kernels talk over Unix sockets with abstract names, which the system forgets with the
processes: neither a socket nor a connection file lies anywhere, also after SIGKILL. A kernel
and its owner hold the two ends of a lifeline; when one dies, the other sees it at once.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import gc
import importlib
import io
import json
import os
import signal
import socket
import sys
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import zmq
from ipykernel.iostream import IOPubThread, OutStream
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets.config import Config

from crimenb.files import notebook_path, scratch
from crimenb.warm import drawings
from crimenb.warm.process import HelperProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_client.connect import KernelConnectionInfo

_LATE = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "faulthandler",
    "ipykernel.debugger",
    "tornado.platform.asyncio",
    "zmq.utils.garbage",
)
"""Modules that a kernel imports only when it runs, and would import again in every fork."""

_CHANNELS = ("shell", "iopub", "stdin", "control", "hb")

_QUIET = ["--Application.log_level=CRITICAL"]
"""A kernel that is interrupted says so, and we have said it; what fails, whoever started it says."""

_ARGUMENTS = [*_QUIET, "--HistoryManager.enabled=False", "--Kernel._execute_sleep=0"]
"""A history of inputs in the user's home is for people, and here it would grow by every report; the
pause after each cell, in which a text that came late may still be sent, is for those that print."""

_MESSAGE = 1 << 17
_START_S = 60.0


def options(folder: Path) -> dict[str, Any]:
    """Return papermill's options for the kernel of a report made in `folder`.

    The kernel is a fork where this process has a nursery, and a new process where it has none.
    Over TCP kernels sometimes lose a race for a port, so they use it only where there is nothing
    else.
    """
    give_ipython_a_folder()
    if Nursery.started():
        return {"kernel_manager_class": WarmManager, "shutdown_kernel": "immediate"}
    connection = {"connection_file": str(folder.resolve() / "kernel.json")}
    if sys.platform != "win32":
        # In a folder that no other user can enter. A path that is too long for a socket gives way to a
        # relative one, or to a name without a file.
        own = str(_private() / uuid.uuid4().hex[:8])
        short = _abstract_name() if sys.platform == "linux" else "kernel-ipc"
        connection |= {"transport": "ipc", "ip": own if len(os.fsencode(own)) < 90 else short}
    # A kernel that is shut down gracefully may still print a traceback on our stderr.
    config = Config({"KernelManager": connection, "NotebookClient": {"extra_arguments": _QUIET}})
    return {"config": config, "shutdown_kernel": "immediate"}


def give_ipython_a_folder() -> None:
    """Where the home cannot be written, name IPython a folder that goes when this process ends.

    It would warn of the home otherwise, and leave a new folder behind each time.
    """
    usual = Path.home() / ".ipython"
    folder = usual if usual.exists() else usual.parent
    if os.environ.get("IPYTHONDIR") or (folder.is_dir() and os.access(folder, os.W_OK)):
        return
    os.environ["IPYTHONDIR"] = str(_private())


@functools.cache
def _private() -> Path:
    """Return a folder for this user alone, which goes when this process ends."""
    kept = contextlib.ExitStack()
    atexit.register(kept.close)
    return kept.enter_context(scratch())


def _abstract_name() -> str:
    return f"@crimenb-{uuid.uuid4().hex}"


# ------------------------------------------------------------- the process that forks


class Fork(NamedTuple):
    """A kernel that was forked: its sockets' name, the key to them, and our end of its lifeline."""

    name: str
    key: str
    lifeline: socket.socket

    @property
    def connection(self) -> dict[str, Any]:
        """What a client needs to talk to it, as Jupyter has it."""
        ports = {f"{channel}_port": number for number, channel in enumerate(_CHANNELS, 1)}
        address = {"transport": "ipc", "ip": self.name, "key": self.key, "signature_scheme": "hmac-sha256"}
        return address | ports


class Nursery(HelperProcess):
    """The process that forks kernels. Kernels still running when it ends keep running."""

    socket_kind = socket.SOCK_SEQPACKET

    def command(self, fd: int) -> list[str]:
        """Return the command of the nursery."""
        give_ipython_a_folder()
        # As a usual kernel is started, and no folder of ours on the path of modules.
        code = f"import crimenb; from crimenb.warm.kernels import serve; serve({fd}, crimenb.draw_offline)"
        return [sys.executable, "-P", "-Xfrozen_modules=off", "-c", code]

    spare: Fork | None = None

    def ready(self) -> None:
        """Start a kernel while its report's data are still collected."""
        self.spare = self.spare or self.fork()

    def take(self) -> Fork:
        """Return a kernel that no other report uses."""
        taken, self.spare = self.spare or self.fork(), None
        return taken

    def close(self) -> None:
        """End the process, and the kernel that was not used."""
        if self.spare is not None:
            self.spare.lifeline.close()
        super().close()

    def fork(self) -> Fork:
        """Start a kernel.

        Raises
        ------
        RuntimeError
            The process that forks has died.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kernel = Fork(_abstract_name(), uuid.uuid4().hex, ours)
        with theirs:
            try:
                socket.send_fds(self.line, [json.dumps(kernel.connection).encode()], [theirs.fileno()])
            except OSError as error:
                ours.close()
                msg = f"the process that forks kernels has died ({error})"
                raise RuntimeError(msg) from error
        return kernel


def serve(fd: int, begin: Callable[[], None]) -> None:
    """Import what the report needs, then fork a kernel for each request until the owner ends.

    Parameters
    ----------
    begin
        Called in each fork once it is a kernel: the package was imported before there was a notebook.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner handles Ctrl-C
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps the children
    for name in _LATE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    drawings.OWNER_DRAWS = True  # before the rehearsal: a process whose drawing threads run cannot fork
    _rehearse()
    gc.collect()
    gc.freeze()  # or the first collection in a child copies every page
    with socket.socket(fileno=fd) as line:
        while True:
            message, fds, _, _ = socket.recv_fds(line, _MESSAGE, 1)
            if not message:
                os._exit(0)  # skips the exit handlers of libraries, which have nothing to do here
            if os.fork() == 0:
                line.close()
                _be_kernel(json.loads(message), socket.socket(fileno=fds[0]), begin)
            os.close(fds[0])


def _rehearse() -> None:
    """Run the report's cells on the demonstration, so that forks inherit filled caches.

    What pandas, Altair, shapely and this package cache at first use would otherwise be computed
    again in every fork, which takes a fifth of a report's time.
    """
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in json.loads(notebook_path().read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)


class Stream(OutStream):
    """A kernel's stdout or stderr, flushed only when something was written.

    A kernel flushes both before every output and around every cell, and each time waits for
    another thread: two hundred times a report, which writes to neither.
    """

    unsent = False

    def write(self, string: str) -> int | None:  # type: ignore[override]
        """Write, and note that there is something to flush."""
        self.unsent = True
        return super().write(string)

    def flush(self) -> None:
        """Send what was written."""
        if self.unsent:
            self.unsent = False
            super().flush()  # type: ignore[no-untyped-call]


class _Kernel(IPKernelApp):
    """A kernel whose sockets and key are set in the process, without a connection file."""

    def _bind_socket(self, s: zmq.Socket[Any], port: int) -> Any:
        """Bind a socket that takes no other user of this machine, to whom its name is no secret."""
        with contextlib.suppress(zmq.ZMQError):  # where the system does not tell who connects
            s.setsockopt(zmq.IPC_FILTER_UID, os.getuid())
        return super()._bind_socket(s, port)  # type: ignore[no-untyped-call]

    def init_connection_file(self) -> None:
        """Do nothing: `load_connection_info` was called."""

    def write_connection_file(self, **_: Any) -> None:
        """Write nothing."""

    def log_connection_info(self) -> None:
        """Log nothing: no other client is to connect."""


def _be_kernel(connection: dict[str, Any], lifeline: socket.socket, begin: Callable[[], None]) -> None:
    """Turn this fork into a kernel; never returns."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir("/")  # where no settings for a kernel lie
        # It would open a TCP port, for what processes that a cell starts print.
        IOPubThread._setup_pipe_in = lambda _: None  # type: ignore[method-assign]
        app: Any = _Kernel.instance(outstream_class=f"{Stream.__module__}.{Stream.__name__}")
        app.load_connection_info(connection)
        app.initialize(_ARGUMENTS)
        begin()
        folder = lifeline.recv(_MESSAGE)
        if not folder:
            return  # the owner died, or did not need it
        os.chdir(folder)
        threading.Thread(target=_die_with_owner, args=[lifeline], daemon=True).start()
        # Only now can a client connect; one that tried too early would retry after 0.1 s.
        lifeline.send(str(os.getpid()).encode())
        app.start()
        code = 0
    finally:
        os._exit(code)


def _die_with_owner(lifeline: socket.socket) -> None:
    try:
        lifeline.recv(1)
    finally:
        os._exit(1)  # also where the owner died with a message unread, which is an error here


# ----------------------------------------------------------- what Jupyter asks for


class Forked(KernelProvisionerBase):
    """Provide kernels that are forks of the nursery."""

    lifeline: socket.socket | None = None
    pid = 0

    @property
    def has_process(self) -> bool:
        """Whether a kernel was started and not yet seen to end."""
        return self.lifeline is not None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Take a fork, set its folder, and return its connection info."""
        fork = Nursery.here().take()
        manager: Any = self.parent
        manager.load_connection_info(fork.connection)
        self.lifeline = fork.lifeline
        self.lifeline.settimeout(_START_S)
        try:
            self.lifeline.send(str(kwargs.get("cwd") or Path.cwd()).encode())
            self.pid = int(self.lifeline.recv(32) or 0)
        except OSError as error:
            self.lifeline.close()
            msg = f"a forked kernel did not answer ({error})"
            raise RuntimeError(msg) from error
        if not self.pid:
            self.lifeline.close()
            msg = "a forked kernel died at its start"
            raise RuntimeError(msg)
        self.lifeline.settimeout(0)
        return cast("KernelConnectionInfo", manager.get_connection_info())

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Return no command: a fork has none."""
        return await super().pre_launch(cmd=[], **kwargs)

    async def poll(self) -> int | None:
        """Return None while the kernel lives."""
        if self.lifeline is not None:
            try:
                if self.lifeline.recv(1):
                    return None
            except BlockingIOError:
                return None
            except OSError:
                pass
            self.lifeline.close()
            self.lifeline = None
        return 0

    async def wait(self) -> int | None:
        """Wait until the kernel has ended; its end of the lifeline closes with it."""
        while await self.poll() is None:
            await asyncio.sleep(0.005)
        return 0

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel and what it started."""
        if self.lifeline is not None:
            try:
                os.killpg(self.pid, signum)
            except ProcessLookupError:
                await self.wait()

    async def kill(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002
        """End the kernel now."""
        await self.send_signal(signal.SIGKILL)
        await self.wait()

    async def terminate(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002
        """End the kernel."""
        await self.kill(restart=restart)

    async def cleanup(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002
        """Do nothing: a fork has no files."""


class WarmClient(AsyncKernelClient):
    """A client that is ready as soon as the kernel answers on both channels."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait for the welcome message of the subscription and the answer to a request.

        The usual client then waits another fifth of a second for further messages; those that
        come here belong to another request and are ignored.
        """
        self.kernel_info()
        await self.iopub_channel.get_msg(timeout=timeout)
        self._handle_kernel_info_reply(await self.shell_channel.get_msg(timeout=timeout))


class WarmManager(AsyncKernelManager):
    """A manager whose kernels come from the nursery."""

    client_class = "crimenb.warm.kernels.WarmClient"
    client_factory = WarmClient

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.provisioner = Forked(kernel_id="", kernel_spec=self.kernel_spec, parent=self)

    def write_connection_file(self, **_: Any) -> None:
        """Write nothing: the fork has its connection info."""
