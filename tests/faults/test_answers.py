"""Answers without end, bombs, redirects, certificates and proxies: one sentence each, at once."""

from __future__ import annotations

import gzip
import json
import resource
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pyrate_limiter import Limiter

from crimenb.errors import QueryError, SourceUnavailable
from crimenb.sources.api_models import Crime, Published
from crimenb.sources.http import Limits, Web
from tests.faults.misbehaving import HEAD, Server, certificate, dripping, ok, serving

GOOD = b'[{"date": "2025-12"}]'
MakeWeb = Callable[..., Web]
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_network_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *map(str.upper, PROXIES), "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def ask(web: Web, server: Server | str, shape: Any = list[Published], **options: Any) -> Any:
    url = server if isinstance(server, str) else f"http://127.0.0.1:{server.port}/api/dates"
    return web.ask(url, shape, what="the months on offer", **options)


def refused(web: Web, server: Server | str, **options: Any) -> str:
    """Return the one sentence in which it ends; whatever a limit stops is asked for once."""
    began = time.monotonic()
    with pytest.raises(SourceUnavailable) as caught:
        ask(web, server, **options)
    assert time.monotonic() - began < 10
    said = str(caught.value)
    assert said.startswith("police.uk gave no usable answer about the months on offer, asked once (")
    assert "\n" not in said
    if isinstance(server, Server):
        assert len(server.asked) == 1
    return said


SMALL = Limits(body=100_000, seconds=0.6)

# ---------------------------------------------------------------------------- bytes


def endless(connection: socket.socket, _: str) -> None:
    connection.sendall(HEAD + b"\r\n[")
    while True:
        connection.sendall(b" " * 65536)


def test_a_body_without_end_is_left_at_the_limit(client: MakeWeb) -> None:
    with serving(endless) as server:
        said = refused(client(limits=Limits(body=1024**2)), server)
    assert "the answer is larger than the limit of 1 MB" in said
    assert "try again later" in said


def test_a_length_that_is_only_claimed_costs_nothing(client: MakeWeb) -> None:
    with serving(HEAD + b"Content-Length: 500000000000\r\n\r\n[") as server, pytest.raises(SourceUnavailable):
        ask(client(limits=SMALL), server, tries=1)


@pytest.mark.parametrize("body", [b"[" + b" " * 10**7, b"[" + b"1," * 10**6], ids=["blanks", "numbers"])
def test_what_unpacks_without_end_is_left_at_the_limit(client: MakeWeb, body: bytes) -> None:
    small = gzip.compress(body)
    assert len(small) < 20_000
    with serving(ok(small, "Content-Encoding: gzip")) as server:
        assert "larger than the limit of 0.0954 MB" in refused(client(limits=SMALL), server)


@pytest.mark.parametrize("packed", ["br", "zstd", "deflate", "gzip, gzip", "gzip, br", "x"])
def test_only_what_was_asked_for_is_unpacked(client: MakeWeb, packed: str) -> None:
    with serving(ok(gzip.compress(GOOD), f"Content-Encoding: {packed}")) as server:
        assert f"packed as {packed!r}, which was not asked for" in refused(client(), server)
    assert "accept-encoding: gzip\r\n" in server.asked[0].lower()


@pytest.mark.parametrize("cut", [1, 12, 25])
def test_a_gzipped_body_that_is_cut_off_is_asked_for_again(client: MakeWeb, cut: int) -> None:
    parts = [
        ok(gzip.compress(GOOD)[:-cut], "Content-Encoding: gzip"),
        ok(gzip.compress(GOOD), "Content-Encoding: gzip"),
    ]
    with serving(lambda connection, _: connection.sendall(parts.pop(0))) as server:
        assert ask(client(), server).value[0].date == "2025-12"
    assert len(server.asked) == 2


BOMB = """
    import sys
    from crimenb.sources.api_models import Published
    from crimenb.sources.http import Web

    try:
        Web(sys.argv[1]).ask(sys.argv[2], list[Published], what="the months on offer")
    except Exception as error:
        print(error)
    # Not the figure of getrusage: that begins with what the parent had.
    print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow_faults
@pytest.mark.parametrize("kind", ["a gzip bomb of 4 GB", "a body without end"])
def test_memory_stays_bounded_at_the_usual_limits(tmp_path: Path, kind: str) -> None:
    if kind == "a body without end":
        context = serving(endless)
    else:
        pack = __import__("zlib").compressobj(9, wbits=31)
        small = b"".join([pack.compress(b" " * 2**24) for _ in range(256)]) + pack.flush()
        context = serving(ok(small, "Content-Encoding: gzip"))
    with context as server:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(BOMB), str(tmp_path), f"http://127.0.0.1:{server.port}/"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    said, megabytes = done.stdout.splitlines()
    assert "larger than the limit of 32 MB" in said
    assert int(megabytes) < 400


# ---------------------------------------------------------------------------- time


@pytest.mark.parametrize(
    "whole",
    [HEAD + b"\r\n[ ", b"HTTP/1.1 200 OK\r\nX-Slow: aaaa", b"H"],
    ids=["body", "headers", "first line"],
)
def test_one_byte_at_a_time_meets_the_limit_of_the_whole_answer(client: MakeWeb, whole: bytes) -> None:
    """Each byte comes well within the time limit of one read."""
    with serving(dripping(whole, 0.02)) as server:
        began = time.monotonic()
        said = refused(client(limits=SMALL), server)
        assert time.monotonic() - began < 3
    assert "the answer was not whole after the limit of 0.6 seconds" in said


def test_a_server_that_says_nothing_meets_the_same_limit(client: MakeWeb) -> None:
    with serving(lambda *_: time.sleep(5)) as server:
        assert "not whole after the limit of 0.6 seconds" in refused(client(limits=SMALL), server)


def test_the_clock_of_one_question_is_not_that_of_the_next(client: MakeWeb) -> None:
    """A connection that is kept open is asked again with all its time."""

    def twice(connection: socket.socket, _: str) -> None:
        for _ in range(2):
            time.sleep(0.4)
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD)
            connection.recv(65536)

    web = client(limits=SMALL)
    with serving(twice) as server:
        for n in range(2):
            assert ask(web, f"http://127.0.0.1:{server.port}/{n}").value
    assert len(server.asked) == 1, "the connection was not kept open"


# ---------------------------------------------------------------------------- depth


@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["lists", "objects"])
@pytest.mark.parametrize("depth", [5_000, 1_000_000])
def test_an_answer_nested_without_end_is_refused(client: MakeWeb, opening: bytes, depth: int) -> None:
    body = b'[{"category": "burglary", "month": "2025-12", "new": ' + opening * depth
    with (
        serving(ok(body)) as server,
        pytest.raises(SourceUnavailable, match=r"nested deeper|truncated"),
    ):
        ask(client(), server, list[Crime], tries=1)


# ---------------------------------------------------------------------------- redirects


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize(
    "location",
    ["http://localhost:{port}/", "http://127.0.0.1:{other}/", "//elsewhere.example/x", "https://elsewhere.example/",
     "http://127.0.0.1:{port}@elsewhere.example/", "file:///etc/passwd", "ftp://127.0.0.1:{port}/", "http://[::1]:{port}/",
     "http://169.254.169.254/latest/meta-data/"],
)  # fmt: skip
def test_no_other_host_is_ever_asked(client: MakeWeb, location: str) -> None:
    with serving(ok(GOOD)) as other:
        places: dict[str, int] = {"other": other.port}

        def say(connection: socket.socket, _: str) -> None:
            connection.sendall(redirect(location.format(**places)))

        with serving(say) as server:
            places["port"] = server.port
            said = refused(client(), server)
    assert other.asked == []
    assert "it sends us on to" in said
    assert "which is no host of this service" in said


def test_a_redirect_within_the_host_is_followed_and_paced(client: MakeWeb) -> None:
    waited: list[str] = []

    class Counting(Limiter):
        def try_acquire(self, name: str = "", *args: Any, **kwargs: Any) -> Any:
            waited.append(name)
            return True

    def say(connection: socket.socket, request: str) -> None:
        connection.sendall(ok(GOOD) if " /there" in request else redirect("/there"))

    from pyrate_limiter import Duration, Rate

    with serving(say) as server:
        assert ask(client(limiter=Counting(Rate(1000, Duration.SECOND))), server).value
    assert len(server.asked) == len(waited) == 2


def test_a_circle_of_redirects_is_left(client: MakeWeb) -> None:
    with serving(redirect("/again")) as server, pytest.raises(SourceUnavailable, match="more than 3 times"):
        ask(client(), server)
    assert len(server.asked) == 4


def test_a_redirect_of_a_form_stays_a_form(client: MakeWeb) -> None:
    def say(connection: socket.socket, request: str) -> None:
        connection.sendall(ok(GOOD) if " /there" in request else redirect("/there", 307))

    with serving(say) as server:
        assert ask(client(), server, params={"poly": "x" * 5000}).value
    assert [a.split()[0] for a in server.asked] == ["POST", "POST"]


@pytest.mark.parametrize(
    ("here", "there", "follows"),
    [
        ("https://data.police.uk/x", "https://policeuk-data.s3.amazonaws.com/x", True),
        ("https://api.os.uk/x", "https://omseprd1stdstordownload.blob.core.windows.net/x", True),
        ("https://data.police.uk/x", "http://policeuk-data.s3.amazonaws.com/x", False),
        ("https://data.police.uk/x", "https://omseprd1stdstordownload.blob.core.windows.net/x", False),
        ("https://api.postcodes.io/x", "https://policeuk-data.s3.amazonaws.com/x", False),
        ("https://data.police.uk/x", "http://data.police.uk/y", False),
        ("https://data.police.uk/x", "https://data.police.uk:8443/y", False),
        ("http://data.police.uk/x", "https://data.police.uk/y", True),
        ("https://data.police.uk/x", "https://data.police.uk.elsewhere.example/", False),
    ],
)
def test_a_service_may_send_on_to_its_own_storage_alone(
    client: MakeWeb, here: str, there: str, *, follows: bool
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if str(request.url) == here:
            return httpx.Response(302, headers={"location": there})
        return httpx.Response(200, content=GOOD)

    web = client(transport=httpx.MockTransport(answer))
    if follows:
        assert ask(web, here).value
    else:
        assert "no host of this service" in refused(web, here)
    assert asked == [here, there] if follows else [here]


# ---------------------------------------------------------------------------- certificates


def secure(server: Server, host: str = "127.0.0.1") -> str:
    return f"https://{host}:{server.port}/"


@pytest.mark.parametrize("fault", ["not trusted", "another name", "plain text"])
def test_a_connection_that_is_not_secure_names_the_variable_at_once(
    client: MakeWeb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    names = "DNS:elsewhere.example" if fault == "another name" else "IP:127.0.0.1"
    own = certificate(tmp_path / "tls", names=names)
    if fault == "another name":
        monkeypatch.setenv("SSL_CERT_FILE", str(own))
    waits: list[float] = []
    with serving(ok(GOOD), None if fault == "plain text" else own) as server:
        if fault == "plain text":
            server.say = lambda *_: None
        web = client(sleep=waits.append)
        if fault == "plain text":
            with socket.create_server(("127.0.0.1", 0)) as plain:
                import threading

                def greet() -> None:
                    with plain.accept()[0] as connection:
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                        connection.recv(65536)

                threading.Thread(target=greet, daemon=True).start()
                said = refused(web, f"https://127.0.0.1:{plain.getsockname()[1]}/")
        else:
            said = refused(web, secure(server))
    assert waits == []
    assert "no secure connection: " in said
    assert "SSL_CERT_FILE" in said
    assert "try again later" not in said
    assert server.asked == []


def test_a_certificate_that_is_named_is_trusted(
    client: MakeWeb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = certificate(tmp_path / "tls")
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    with serving(ok(GOOD), own) as server:
        assert ask(client(), secure(server)).value
        assert ask(client(), secure(server, "localhost")).value


# ---------------------------------------------------------------------------- proxies


def tunnel(connection: socket.socket, request: str) -> None:
    """Do what a proxy does: connect, then pass bytes to and fro; or fetch and pass on."""
    import threading

    target = request.split()[1]
    if not request.startswith("CONNECT"):
        connection.sendall(ok(GOOD))
        return
    host, _, port = target.rpartition(":")
    with socket.create_connection((host, int(port))) as far:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

        def back() -> None:
            while part := far.recv(65536):
                connection.sendall(part)

        threading.Thread(target=back, daemon=True).start()
        while part := connection.recv(65536):
            far.sendall(part)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_carries_a_secure_connection_it_cannot_read(
    client: MakeWeb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    own = certificate(tmp_path / "tls")
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    with serving(ok(GOOD), own) as server, serving(tunnel) as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert ask(client(), secure(server)).value
    assert [a.split("\r\n")[0] for a in proxy.asked] == [f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"]
    assert len(server.asked) == 1


def test_a_slow_byte_through_a_proxy_meets_the_limit_too(
    client: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(dripping(HEAD + b"\r\n[ ", 0.02)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert "limit of 0.6 seconds" in refused(client(limits=SMALL), "http://service.example/")


def test_no_proxy_is_asked_for_a_host_that_is_excepted(
    client: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(ok(GOOD)) as server, serving(tunnel) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert ask(client(), server).value
    assert proxy.asked == []
    assert len(server.asked) == 1


def test_a_proxy_that_refuses_is_named(client: MakeWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with serving(answer) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        said = refused(client(), "https://service.example/")
    assert "the proxy of the environment (HTTPS_PROXY) refused: 407 Proxy Authentication Required" in said


@pytest.mark.parametrize("proxy", ["gopher://x.example", "http://x.example:port", "::::"])
def test_a_proxy_that_cannot_be_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(QueryError, match="HTTPS_PROXY"):
        Web(tmp_path)


def test_what_this_process_used(record_property: Callable[[str, object], None]) -> None:
    """All of this in a bounded memory, whatever was sent."""
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    record_property("megabytes", megabytes)
    assert megabytes < 2000, json.dumps(megabytes)
