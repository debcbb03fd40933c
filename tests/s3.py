"""An S3 server on the loopback: moto's, one request at a time, with faults on purpose, stopped and started again."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "no-real-secret", "AWS_DEFAULT_REGION": "eu-west-2",
}  # fmt: skip


class S3:
    """The server. `fault(environ)` is asked before each request: "drop", "cut", a status, or None.

    "drop" ends the connection before the request is done, "cut" after it, before the answer.
    """

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._app = DomainDispatcherApplication(create_backend_app)
        self._one = threading.Lock()  # moto looks and puts in two steps; S3 does in one
        self.fault: Callable[[dict[str, Any]], str | int | None] = lambda _: None
        self.asked: list[tuple[str, str]] = []
        self._server: Any = None
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        from moto.moto_server.werkzeug_app import MotoRequestHandler
        from werkzeug.serving import make_server

        class Quiet(MotoRequestHandler):
            def log(self, *_: Any) -> None:
                """Say nothing."""

        self._server = make_server(
            "127.0.0.1", self._port, self._answer, threaded=True, request_handler=Quiet
        )
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop to listen; what is in the buckets stays."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        fault = self.fault(environ)
        if isinstance(fault, int):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start(f"{fault} Fault", [("Content-Length", "0")])
            return [b""]
        if fault == "drop":
            return self._hang_up(environ)
        with self._one:
            answer = list(self._app(environ, start))
        return self._hang_up(environ) if fault == "cut" else answer

    def _hang_up(self, environ: dict[str, Any]) -> Iterable[bytes]:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError


@contextmanager
def running() -> Iterator[S3]:
    """Start a server with an empty bucket "reports"; the environment names it meanwhile."""
    import boto3
    from moto.backends import get_backend

    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        for name in ("HTTP_PROXY", "http_proxy"):
            patch.delenv(name, raising=False)
        get_backend("s3").reset()
        server = S3()
        patch.setenv("AWS_ENDPOINT_URL", server.url)
        boto3.client("s3").create_bucket(
            Bucket="reports", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
        )
        try:
            yield server
        finally:
            server.stop()
