"""Servers that do what no server should: they say raw bytes, and remember what was asked."""

from __future__ import annotations

import contextlib
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Server(socketserver.ThreadingTCPServer):
    """Answers every request by `say(connection, request)`; over TLS where it is given a certificate."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, say: Callable[[socket.socket, str], None], certificate: Path | None = None) -> None:
        self.say, self.asked, self.sent = say, [], 0
        self.context = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: that a client hangs up is what is tested."""


class _Handler(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        if self.server.context is None:
            self._answer(self.request)
            return
        with self.server.context.wrap_socket(self.request, server_side=True) as connection:
            self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            part = connection.recv(65536)
            if not part:
                return
            request += part
        self.server.asked.append(request.decode("latin-1"))
        self.server.say(connection, request.decode("latin-1"))
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def serving(
    say: Callable[[socket.socket, str], None] | bytes, certificate: Path | None = None
) -> Iterator[Server]:
    """Run a server that says this, or the same bytes to everybody."""
    if isinstance(say, bytes):
        whole = say

        def say(connection: socket.socket, _: str) -> None:
            connection.sendall(whole)

    with Server(say, certificate) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


def ok(body: bytes, *headers: str) -> bytes:
    """Return a whole answer with this body."""
    lines = "".join(f"{h}\r\n" for h in (*headers, f"Content-Length: {len(body)}", "Connection: close"))
    return HEAD + lines.encode() + b"\r\n" + body


def dripping(whole: bytes, every: float) -> Callable[[socket.socket, str], None]:
    """Return a `say` that sends one byte at a time, for ever the last one."""

    def say(connection: socket.socket, _: str) -> None:
        for byte in whole:
            connection.sendall(bytes([byte]))
            time.sleep(every)
        while True:
            connection.sendall(whole[-1:])
            time.sleep(every)

    return say


def certificate(folder: Path, *, names: str = "IP:127.0.0.1,DNS:localhost", days: int = 2) -> Path:
    """Return a throw-away certificate that signs itself, its key beside it."""
    if shutil.which("openssl") is None:
        pytest.skip("certificates are made with openssl, which is not here")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "own.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", path.with_suffix(".key"), "-out", path, "-days", str(days), "-subj", "/CN=loopback",
         "-addext", f"subjectAltName={names}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return path
