"""An S3 server on the loopback: moto's, one request at a time, with faults on purpose, stopped and started again."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

BUCKET = "reports"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "no-real-secret", "AWS_DEFAULT_REGION": "eu-west-2",
}  # fmt: skip


class S3:
    """The server. `fault(environ)` is asked before each request for what goes wrong with it: None, a status or

    "drop" (the connection ends before the request is done), "cut" (after it, before the answer), "half" (in the
    middle of the answer). After each request that changes something `changed` holds the state against the promise.
    """

    def __init__(self) -> None:
        from moto.backends import get_backend
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._app = DomainDispatcherApplication(create_backend_app)
        self._one = threading.Lock()  # moto looks and puts in two steps; S3 does in one
        self.backend = get_backend("s3")["123456789012"]["aws"]
        self.fault: Callable[[dict[str, Any]], str | int | None] = lambda _: None
        self.asked: list[tuple[str, str]] = []
        self.broken: list[str] = []
        self.seen_whole: set[str] = set()
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

    def names(self, under: str = "") -> list[str]:
        """Return the names of what is in the bucket below a folder, at one moment."""
        with self._one:
            keys = list(self.backend.buckets[BUCKET].keys)
        return [name.removeprefix(under) for name in keys if name.startswith(under)]

    def objects(self, under: str = "") -> dict[str, bytes]:
        """Return what is in the bucket below a folder, as it is at one moment."""
        with self._one:
            return self._objects(under)

    def _objects(self, under: str) -> dict[str, bytes]:
        keys = self.backend.buckets[BUCKET].keys
        return {name.removeprefix(under): key.value for name, key in keys.items() if name.startswith(under)}

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
            if self._is_other_source(environ):
                start("412 Precondition Failed", [("Content-Type", "application/xml")])
                return [
                    b"<Error><Code>PreconditionFailed</Code><Message>x-amz-copy-source-If-Match</Message></Error>"
                ]
            answer = list(self._app(environ, start))
            if environ["REQUEST_METHOD"] in {"PUT", "DELETE"} and BUCKET in self.backend.buckets:
                self._look(environ["PATH_INFO"])
        if fault == "half":
            return self._half(environ, answer)
        return self._hang_up(environ) if fault == "cut" else answer

    def _is_other_source(self, environ: dict[str, Any]) -> bool:
        """Whether a copy is asked for of an object in a certain state, and it is in another; moto does not look."""
        wanted, source = (
            environ.get("HTTP_X_AMZ_COPY_SOURCE_IF_MATCH"),
            environ.get("HTTP_X_AMZ_COPY_SOURCE", ""),
        )
        key = self.backend.buckets[BUCKET].keys.get(source.removeprefix(f"{BUCKET}/")) if wanted else None
        return key is not None and key.etag.strip('"') != wanted.strip('"')

    def _half(self, environ: dict[str, Any], answer: list[bytes]) -> Iterator[bytes]:
        whole = b"".join(answer)
        yield whole[: len(whole) // 2]
        self._hang_up(environ)

    def _hang_up(self, environ: dict[str, Any]) -> Iterable[bytes]:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError

    def _look(self, path: str) -> None:
        """Note a report that has SHA256SUMS and lacks a file listed there, or has it otherwise."""
        folder = (
            path.removeprefix(f"/{BUCKET}/").rpartition("/data/")[0]
            or path.removeprefix(f"/{BUCKET}/").rpartition("/")[0]
        )
        held = self._objects(f"{folder}/")
        if (sums := held.get("SHA256SUMS")) is None:
            return
        listed = dict(reversed(line.split("  ", 1)) for line in sums.decode().splitlines())
        wrong = [n for n, h in listed.items() if hashlib.sha256(held.get(n, b"")).hexdigest() != h]
        if wrong or not listed:
            self.broken.append(f"{folder}: {wrong}")
        self.seen_whole.add(folder)


@contextmanager
def running() -> Iterator[S3]:
    """Start a server with an empty bucket; the environment names it meanwhile."""
    import boto3
    import fsspec
    from moto.backends import get_backend

    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        get_backend("s3").reset()
        server = S3()
        patch.setenv("AWS_ENDPOINT_URL", server.url)
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        boto3.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
        )
        server.asked.clear()
        try:
            yield server
        finally:
            server.stop()
            fsspec.get_filesystem_class("s3").clear_instance_cache()
