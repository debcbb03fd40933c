"""Nobody else on the machine gets into a batch: every port and every socket of its processes is tried."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from crimenb.files import scratch
from tests.faults.misbehaving import certificate
from tests.processes import COMMAND

MONTHS = ["--from", "2025-12", "--to", "2025-12"]
HTTP = b"GET /json/identity.json HTTP/1.1\r\nHost: x\r\n\r\n"


@contextlib.contextmanager
def batch(folder: Path, *options: str, reports: int = 4) -> Iterator[subprocess.Popen[str]]:
    """Run a batch on the demonstration; at the end it has made every report."""
    places = ["ZZ1 1AA", "ZZ9 9ZZ", "ZZ1 3AE", "ZZ1 3AP", "ZZ1 3BF", "ZZ1 3BX"][:reports]
    (folder / "list.txt").write_text("\n".join(places))
    command = [COMMAND, "batch", str(folder / "list.txt"), "--out", str(folder / "out"), *MONTHS, *options]
    (folder / "tmp").mkdir()
    where = {"cwd": folder / "tmp", "env": os.environ | {"TMPDIR": str(folder / "tmp")}}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, **where) as running:
        try:
            yield running
            said = running.communicate(timeout=300)
        finally:
            running.kill()
    assert running.returncode == 0, said
    assert len(list((folder / "out").glob("[!.]*/report.html"))) == reports
    assert list((folder / "tmp").iterdir()) == []  # no dask-scratch-space, no key, no kernel's folder
    assert list((folder / "out").glob(".*")) == []


def family(parent: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [psutil.Process(parent), *psutil.Process(parent).children(recursive=True)]
    return []


def ports(parent: int) -> set[int]:
    """Return every TCP port on which a process of a batch listens; each must be of this machine alone."""
    found = set()
    for process in family(parent):
        with contextlib.suppress(psutil.NoSuchProcess):
            for c in process.net_connections(kind="inet"):
                if c.status == psutil.CONN_LISTEN:
                    assert c.laddr.ip == "127.0.0.1"
                    found.add(c.laddr.port)
    return found


def answer(port: int, context: ssl.SSLContext | None, words: bytes = HTTP) -> bytes:
    """Return what a port says to these words, b"" where it says nothing or hangs up."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=2) as plain,
        context.wrap_socket(plain) if context else contextlib.nullcontext(plain) as connection,
    ):
        connection.sendall(words)
        return bytes(connection.recv(4096))
    return b""


def no_certificate(own: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if own is not None:
        context.load_cert_chain(own, own.with_suffix(".key"))
    return context


def test_nobody_without_the_certificate_gets_into_a_batch(tmp_path: Path) -> None:
    """Tried at every port found while it runs: HTTP, Dask's own greeting, TLS without and with another certificate."""
    other = certificate(tmp_path / "other")
    clients = {"plain": None, "no certificate": no_certificate(), "another's": no_certificate(other)}
    # How Dask greets: the number of frames, their lengths, and a message that asks who is there.
    dask = b"".join(n.to_bytes(8, "little") for n in (24, 2, 0)) + b"\x80\xa2op\xa8identity"
    tried: dict[tuple[int, str, bytes], bytes] = {}
    with batch(tmp_path, "--workers", "2") as running:
        while running.poll() is None:
            for port in ports(running.pid):
                for name, context in clients.items():
                    for words in (HTTP, dask):
                        if (port, name, words) not in tried:
                            tried[port, name, words] = answer(port, context, words)
            time.sleep(0.05)
    said = {key: heard for key, heard in tried.items() if heard and b"404: Not Found" not in heard}
    assert not said
    assert len({port for port, _, _ in tried}) >= 5  # scheduler, two nannies, two workers


HOLDER = """
import time
from crimenb.files import scratch
with scratch() as folder:
    (folder / "x").write_text("x")
    print(folder.name, flush=True)
    time.sleep(60)
"""


def test_temporary_folders_of_dead_runs_go_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "crimenb-link.lock").symlink_to("elsewhere")
    (tmp_path / "crimenb-mine").mkdir()
    holders = [
        subprocess.Popen(
            [sys.executable, "-c", HOLDER],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": str(tmp_path)},
        )
        for _ in range(2)
    ]
    try:
        dead, alive = (h.stdout.readline().strip() for h in holders)
        holders[0].kill()
        holders[0].wait()
        assert (tmp_path / dead / "x").is_file()
        with scratch() as own:
            assert own.stat().st_mode & 0o77 == 0
        left = {p.name for p in tmp_path.iterdir()}
        assert left == {"elsewhere", "crimenb-link.lock", "crimenb-mine", alive, f"{alive}.lock"}
    finally:
        for holder in holders:
            holder.kill()
            holder.communicate()


INTRUDER = """
import os, sys, zmq
os.setuid(65534)
context = zmq.Context()
for name in sys.argv[1:]:
    poller, sockets = zmq.Poller(), [context.socket(kind) for kind in (zmq.SUB, zmq.DEALER)]
    for s in sockets:
        s.linger = 0
        s.connect(f"ipc://{name}")
        poller.register(s, zmq.POLLIN)
    sockets[0].subscribe(b"")
    sockets[1].send_multipart([b"<IDS|MSG>", b"", b"{}", b"{}", b"{}", b"{}"])
    print(len(poller.poll(700)))
"""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_hears_nothing_of_a_kernel(tmp_path: Path) -> None:
    """The sockets of a kernel have names that anybody can read; the kernel takes its own user alone."""
    from jupyter_client.blocking.client import BlockingKernelClient

    from crimenb.warm.kernels import Nursery

    fork = Nursery.here().take()
    try:
        fork.lifeline.settimeout(120)
        fork.lifeline.send(str(tmp_path).encode())
        assert fork.lifeline.recv(32)
        client = BlockingKernelClient()
        client.load_connection_info(fork.connection)
        names = [f"{fork.name}-{n}" for n in range(1, 5)]
        with subprocess.Popen(
            [sys.executable, "-c", INTRUDER, *names], stdout=subprocess.PIPE, text=True
        ) as intruder:
            client.start_channels()
            while intruder.poll() is None:
                client.execute_interactive("1 + 1", timeout=60, output_hook=lambda _: None)
            assert intruder.stdout.read().split() == ["0"] * 4
        client.stop_channels()
    finally:
        fork.lifeline.close()
        Nursery.dismiss()


def test_the_kernel_of_one_report_has_its_sockets_where_nobody_else_comes(tmp_path: Path) -> None:
    code = """
import os, pathlib, sys
from crimenb.query import Query
from crimenb.report.build import build_report
from crimenb.warm.kernels import options

build_report(Query.parse("ZZ9 9ZZ", "2025-12", "2025-12"), "demo", sys.argv[1])
ip = options(pathlib.Path(sys.argv[1]))["config"].KernelManager.ip
print(oct(os.stat(os.path.dirname(ip)).st_mode & 0o777), len(os.listdir(os.path.dirname(ip))))
"""
    with tempfile.TemporaryDirectory(prefix="t") as short:
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            env=os.environ | {"TMPDIR": short},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split()[0] == "0o700"
        assert list(Path(short).iterdir()) == []
