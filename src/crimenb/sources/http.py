"""One polite HTTP client: answers are kept, checked, asked again, and never asked for too fast.

Transports lie on each other: cache, check of the body, retries, pace, wire. What the cache holds
costs nothing; each further try costs a place in the queue. Only a whole answer of the right
shape is kept: a truncated 200 would otherwise be given back for ever. No answer is trusted to
end: its bytes, its time and the hosts it may send us on to are bounded (see `Limits`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import gzip
import hashlib
import logging
import os
import re
import socket
import sqlite3
import ssl
import sys
import threading
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self, TypeVar

import httpcore
import httpx
from hishel import SqliteStorage
from hishel.httpx import CacheTransport
from httpx_retries import Retry, RetryTransport
from pyrate_limiter import Duration, Limiter, Rate, StateBucket, TokenBucket

from crimenb.errors import CrimenbError, QueryError, SourceUnavailable
from crimenb.files import cache_folder
from crimenb.sources.api_models import read
from crimenb.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

T = TypeVar("T")
Caused = TypeVar("Caused", bound=BaseException)

# police.uk allows 15 requests a second with a burst of 30, per address, and answers 429 beyond
# (https://data.police.uk/docs/api-call-limits/); we stay below both.
RATE, BURST = 14, 28
AT_ONCE = 8

TRIES = 6
_TRIED_AGAIN = (404, 429, 500, 502, 503, 504)
_TIMEOUT = httpx.Timeout(90.0, connect=30.0, pool=None)
_TRIES_OF_A_NAME = 3
"""police.uk takes up to a minute over a month that nobody has asked for lately."""

_LARGEST_CACHE = 2 * 1024**3
_LONGEST_GET = 4094
"""Characters of address beyond which police.uk answers 400 and wants a form instead."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SENDS_ON: dict[str, tuple[str, ...]] = {
    "data.police.uk": ("policeuk-data.s3.amazonaws.com",),
    "api.os.uk": ("omseprd1stdstordownload.blob.core.windows.net",),
    "www.arcgis.com": (
        "ago-item-storage.s3.us-east-1.amazonaws.com",
        "ago-item-storage.s3.amazonaws.com",
        "ago-item-storage.s3-external-1.amazonaws.com",
    ),
}
"""Hosts that a service keeps its files on. It may send us on to these and to itself, to no other."""

_KEPT = "x-crimenb-retrieved"

# A cache that cannot be read or written means asking again; hishel logs a traceback each time.
logging.getLogger("hishel").addHandler(logging.NullHandler())
_log = logging.getLogger(__name__)

_slots = threading.BoundedSemaphore(AT_ONCE)


@functools.cache
def _process_limiter() -> Limiter:
    """Return the one limiter of this process: all clients share what the service allows."""
    rate = Rate(RATE, Duration.SECOND, burst=BURST)
    return Limiter(StateBucket([rate], algorithm=TokenBucket()), buffer_ms=5)


class Answer(NamedTuple, Generic[T]):
    """An answer in its shape, with the SHA-256 of its body and when it was given."""

    value: T
    sha256: str
    retrieved: str


class Part(NamedTuple):
    """Some bytes of a file on a server: where they stand, how long the whole is, and what marks its state."""

    body: bytes
    start: int
    total: int
    tag: str


class Limits(NamedTuple):
    """What one answer may cost. The largest real one seen has 6 MB and takes a minute."""

    body: int = 32 * 1024**2
    """Bytes, on the wire and unpacked."""
    seconds: float = 180.0
    """From the question to the last byte."""
    redirects: int = 3


class Damaged(httpx.RemoteProtocolError):
    """A body that is cut off, garbled, or not what was asked for; `status` where that alone tells."""

    status: int | None = None


class Refused(httpx.TransportError):
    """An answer that another try would not mend; `advice` says what may."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.advice = advice or (
            "This is not how the service answers: check the proxy in HTTPS_PROXY, or try again later."
        )


class Unknown(Refused):
    """A host whose name nobody knows, asked more than once: this machine has no network."""


def user_agent() -> str:
    """Return how we introduce ourselves: name, version, and `CRIMENB_CONTACT` where set."""
    contact = os.environ.get("CRIMENB_CONTACT", "").encode("ascii", "ignore").decode()
    contact = "".join(c for c in contact if c.isprintable()).strip()
    name = f"crimenb/{__version__}"
    return f"{name} (+{contact})" if contact else name


class Web:
    """The client. Safe under threads; one for a run is enough.

    Parameters
    ----------
    folder
        Where answers are kept; `cache_folder()` by default.
    transport
        The wire; by default the network, with the environment's proxies and
        certificates (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE, ...).
    limiter
        What sets the pace; by default the one of this process.
    sleep
        Waits between tries.
    now
        Tells the time that an answer is marked with.
    limits
        What one answer may cost.

    Raises
    ------
    QueryError
        A cache folder that was named cannot be written, or a proxy or certificate not
        be used. Where the usual cache folder cannot be written, nothing is kept after
        the run, and one sentence says so.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        limiter: Limiter | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        limits: Limits | None = None,
    ) -> None:
        bounds = limits or Limits()
        self._store = _store(folder)
        self._retry = _patient(sleep)
        paced = _Paced(transport or _Wire(bounds), limiter or _process_limiter(), bounds)
        tried = RetryTransport(paced, self._retry(TRIES, _TRIED_AGAIN))
        self._tried = tried
        kept = CacheTransport(_Checked(tried, now), self._store)
        self._client = httpx.Client(
            transport=kept,
            timeout=_TIMEOUT,
            # Only gzip is unpacked bit by bit, so that what unpacks without end is noticed.
            headers={
                "User-Agent": user_agent(),
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
            },
        )

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """Close the connections and the cache."""
        self._client.close()

    def ask(
        self,
        url: str,
        shape: type[T],
        *,
        what: str,
        service: str = "police.uk",
        params: Mapping[str, str] | None = None,
        json: object = None,
        release: str = "",
        ttl: float | None = None,
        fresh: bool = False,
        absent: bool = False,
        told: bool = False,
        tries: int = TRIES,
        check: Callable[[T], None] = lambda _: None,
    ) -> Answer[Any]:
        """Return the answer to one question, from the cache where it is kept.

        Parameters
        ----------
        url, params
            The address; sent as a form (POST) where a GET would be too long.
        shape
            What the body must be (see `answers.read`); `str` for a page as it is.
        what
            What is asked for, in the words of an error message.
        service
            Who is asked, in the same.
        json
            Sent as the body of a POST.
        release
            Part of the cache's key: another release is another question.
        ttl
            Seconds for which the answer may serve; None: for ever.
        fresh
            Ask even if an answer is kept.
        absent
            Read 404 as None, and keep that: there is nothing of the kind.
        told
            A 404 has a body of this shape that says more (postcodes.io); never kept.
        tries
            How often to ask in all, should the service fail.
        check
            Raises ValueError for an answer of the right shape that cannot be right, which
            is asked for again; or an error of ours, which ends the matter. Neither is kept.

        Raises
        ------
        SourceUnavailable
            No usable answer after all tries; says service, status, tries.
        """

        def whole(body: bytes) -> T:
            value: Any = body.decode("utf-8", "replace") if shape is str else read(body, shape)
            check(value)
            return value  # type: ignore[no-any-return]

        query = {k: str(v) for k, v in (params or {}).items()}
        target = httpx.URL(url, params=query) if query else httpx.URL(url)
        post = {"json": json} if json is not None else None
        if len(str(target)) > _LONGEST_GET:
            target, post = httpx.URL(url), {"data": query}
        key = hashlib.sha256(repr((release, str(target), post)).encode()).hexdigest()
        again = [s for s in _TRIED_AGAIN if not (told and s == 404)]
        extensions: dict[str, Any] = {
            "caching": {"key": key, "ttl": ttl}, "retry": self._retry(tries, again),
            "read": whole, "post": post, "absent": absent, "told": told, "tried": 0,
        }  # fmt: skip
        if fresh:
            self._forget(key)
        request = self._client.build_request("GET", target, extensions=extensions)
        extensions = request.extensions  # where the transports leave word
        try:
            response = self._client.send(request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unavailable(service, what, request, error) from error
        settled = response.status_code == httpx.codes.OK or (
            told and response.status_code == httpx.codes.NOT_FOUND
        )
        if not settled:
            raise _unavailable(service, what, request, None, response.status_code)
        body = response.content
        try:
            if "value" in extensions:  # read on its way here
                value = extensions["value"]
            else:
                value = None if absent and body == b"null" else whole(body)
        except CrimenbError:
            self._forget(key)
            raise
        except ValueError as error:  # kept by an earlier version, or damaged on the disk
            self._forget(key)
            raise _unavailable(service, what, request, error) from error
        when = response.headers.get(_KEPT, "")
        _log.info("%s: %s, tries: %d (0: kept from before)", service, what, extensions["tried"])
        return Answer(value, hashlib.sha256(body).hexdigest(), when)

    def part(
        self,
        url: str,
        start: int,
        length: int,
        *,
        what: str,
        service: str,
        like: Part | None = None,
        also: Sequence[str] = (),
        links: dict[str, httpx.URL] | None = None,
    ) -> Part:
        """Return some bytes of a file, which are never kept here.

        Parameters
        ----------
        url
            The file's address.
        start, length
            The bytes; a negative `start` counts from the end, as far as there are so many.
        what, service
            As of `ask`.
        like
            A part that was fetched before; the file must be as it was then.
        also
            Origins (`https://host`) that the service may send us on to, beside those known.
        links
            Where the address was sent on to is kept here for the next part. A link that has expired
            is asked for again.

        Raises
        ------
        SourceUnavailable
            No answer to the point after all tries, or the file has changed.
        """
        wanted = f"bytes={start}" if start < 0 else f"bytes={start}-{start + length - 1}"
        extensions: dict[str, Any] = {
            "retry": self._retry(TRIES, [*_TRIED_AGAIN, 401, 403, 410]), "post": None, "tried": 0,
            "begun": lambda response: _begun(response, start, length, like), "also": also, "links": links,
        }  # fmt: skip
        headers = {"Range": wanted, "Accept": "*/*", "Accept-Encoding": "identity"}
        request = self._client.build_request("GET", url, headers=headers, extensions=extensions)
        try:
            response = self._tried.handle_request(request)
            if response.status_code == httpx.codes.PARTIAL_CONTENT:
                return _part(response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unavailable(service, what, request, error, getattr(error, "status", None)) from error
        raise _unavailable(service, what, request, None, response.status_code)

    def _forget(self, key: str) -> None:
        for entry in self._store.get_entries(key):
            self._store.remove_entry(entry.id)


def _store(folder: Path | str | None) -> SqliteStorage:
    """Return the cache; in memory where the usual folder, which nobody named, cannot be written."""
    file = (Path(folder) if folder is not None else cache_folder()) / "answers-1.db"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _begin_anew_if_no_database(file)
    except (OSError, sqlite3.OperationalError) as error:
        if folder is not None or os.environ.get("CRIMENB_CACHE_DIR"):
            msg = (
                f"The cache folder {str(file.parent)!r} cannot be written ({error}); "
                "name another one in CRIMENB_CACHE_DIR."
            )
            raise QueryError(msg) from error
        _say_once(f"No answer is kept after this run: {str(file.parent)!r} cannot be written.")
        memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        return SqliteStorage(connection=memory)
    return SqliteStorage(database_path=file, max_size=_LARGEST_CACHE)


def _begin_anew_if_no_database(file: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(file)) as db:
            db.execute("PRAGMA user_version = 1")
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        file.unlink()  # not a database (any more): it held only what can be asked again


@functools.cache
def _say_once(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # noqa: T201


def _patient(sleep: Callable[[float], None]) -> Callable[[int, Any], Retry]:
    """Return a maker of retry rules that wait with `sleep`."""

    class Patient(Retry):
        def sleep(self, response: httpx.Response | Exception) -> None:
            wait = self.backoff_strategy()
            if isinstance(response, httpx.Response):
                if response.status_code == httpx.codes.NOT_FOUND:
                    wait = 0.2  # it may be the answer; it is believed once it stays
                if after := response.headers.get("Retry-After", ""):
                    with contextlib.suppress(ValueError):
                        wait = self.parse_retry_after(after)
            sleep(min(wait, self.max_backoff_wait))

    def rules(tries: int, statuses: Any) -> Retry:
        return Patient(
            total=tries - 1,
            allowed_methods=["GET"],
            status_forcelist=statuses,
            retry_on_exceptions=(
                httpx.TimeoutException,
                httpx.NetworkError,
                httpx.RemoteProtocolError,
                httpx.DecodingError,
            ),
            backoff_factor=0.5,
            backoff_jitter=0.5,
            max_backoff_wait=60.0,
            validate_response=_check,
        )

    return rules


def _check(response: httpx.Response) -> None:
    """Raise Damaged unless the body is whole and what was asked for."""
    asked = response.request.extensions
    if "begun" in asked:
        if response.status_code == httpx.codes.PARTIAL_CONTENT:
            _part(response)
        return
    told = asked["told"] and response.status_code == httpx.codes.NOT_FOUND
    if response.status_code == httpx.codes.OK or told:
        try:
            asked["value"] = asked["read"](response.content)
        except ValueError as error:
            raise Damaged(str(error), request=response.request) from error
        asked["whole"] = response


_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")


def _begun(response: httpx.Response, start: int, length: int, like: Part | None) -> None:
    """Raise unless an answer's head promises the bytes asked for; nothing of its body has been read."""
    status, headers = response.status_code, response.headers
    if status == httpx.codes.OK:
        size = headers.get("content-length", "?")
        error = Damaged(
            f"it answers the question for some bytes with HTTP 200 and {size} bytes, the whole or a text"
        )
        error.status = status
        raise error
    if status != httpx.codes.PARTIAL_CONTENT:
        return
    told = _RANGE.fullmatch(headers.get("content-range", ""))
    first, last, total = map(int, told.groups()) if told else (0, -1, 0)
    wanted = max(0, total + start) if start < 0 else start
    end = total - 1 if start < 0 else start + length - 1
    size = headers.get("content-length", str(last - first + 1))
    if (first, last, size) != (wanted, end, str(end - wanted + 1)):
        shown = f"{headers.get('content-range', '')[:60]!r}, {size[:20]} bytes"
        msg = f"it gives other bytes than were asked for ({shown})"
        raise Damaged(msg, request=response.request)
    if like is not None and (total, _tag(response)) != (like.total, like.tag):
        msg = "the file was changed while it was being fetched"
        raise Refused(msg, "What was fetched before is kept; run it again.")


def _tag(response: httpx.Response) -> str:
    return str(response.headers.get("etag", "") or response.headers.get("last-modified", ""))


def _part(response: httpx.Response) -> Part:
    """Return the bytes of an answer whose head was found right; they must be as many as it says."""
    told = _RANGE.fullmatch(response.headers["content-range"])
    first, last, total = map(int, told.groups()) if told else (0, -1, 0)
    body = response.content
    if len(body) != last - first + 1:
        msg = f"{len(body):,} bytes came where {last - first + 1:,} were asked for"
        raise Damaged(msg, request=response.request)
    return Part(body, first, total, _tag(response))


class _Checked(httpx.BaseTransport):
    """Lets only whole answers through to the cache, gzipped and marked with the time."""

    def __init__(self, inner: httpx.BaseTransport, now: Callable[[], dt.datetime]) -> None:
        self.inner, self.now = inner, now

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.inner.handle_request(request)
        response.request = request
        if request.extensions.get("whole") is not response:  # the last try comes unchecked
            _check(response)
        body, status = response.content, response.status_code
        if request.extensions["absent"] and status == httpx.codes.NOT_FOUND:
            body, status = b"null", httpx.codes.OK
        if status not in (httpx.codes.OK, httpx.codes.NOT_FOUND):
            return httpx.Response(status)
        marks = {
            "content-type": "application/json",
            "content-encoding": "gzip",
            _KEPT: self.now().isoformat(timespec="seconds"),
        }
        small = gzip.compress(body, compresslevel=1, mtime=0)
        return httpx.Response(status, headers=marks, stream=httpx.ByteStream(small))

    def close(self) -> None:
        self.inner.close()


class _Paced(httpx.BaseTransport):
    """Keeps to the pace and to eight requests in flight, and each answer to its limits.

    Long questions become forms. A redirect is a request like any other, and is followed here.
    """

    def __init__(self, wire: httpx.BaseTransport, limiter: Limiter, limits: Limits) -> None:
        self.wire, self.limiter, self.limits = wire, limiter, limits

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = request
        if request.extensions["post"] is not None:
            asked = _rebuilt(request, "POST", request.url, **request.extensions["post"])
        request.extensions["tried"] += 1
        links = request.extensions.get("links")
        if links and request.extensions["tried"] > 1:  # it may have expired
            links.pop(str(request.url), None)
        if links and (link := links.get(str(request.url))) is not None:
            asked = _rebuilt(request, "GET", link)
        for _ in range(self.limits.redirects + 1):
            with _slots:
                self.limiter.try_acquire("services")
                response = self._one(asked)
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                if links is not None and response.is_success and asked.url != request.url:
                    links[str(request.url)] = asked.url
                return response
            asked = _rebuilt(asked, asked.method, _onward(asked, response), content=asked.read())
        msg = f"it sends us on more than {self.limits.redirects} times"
        raise Refused(msg)

    def _one(self, request: httpx.Request) -> httpx.Response:
        """Return one answer with its body, unpacked, if it keeps to the limits."""
        until = time.monotonic() + self.limits.seconds
        try:
            response = self.wire.handle_request(request)
        except httpx.ConnectError as error:
            if request.extensions["tried"] < _TRIES_OF_A_NAME or not _caused(error, socket.gaierror):
                raise
            msg = f"no connection: {error}"
            raise Unknown(msg) from error
        try:
            if (begun := request.extensions.get("begun")) is not None:
                response.request = request
                begun(response)
            if response.is_stream_consumed:  # it was never on a wire
                return response
            body = _bounded(_unpacked(response, self.limits.body), self.limits, until)
        finally:
            response.close()
        headers = [(k, v) for k, v in response.headers.multi_items() if k not in _OF_THE_WIRE]
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)

    def close(self) -> None:
        self.wire.close()


_OF_THE_WIRE = ("content-encoding", "content-length", "transfer-encoding")


def _rebuilt(request: httpx.Request, method: str, url: httpx.URL, **body: Any) -> httpx.Request:
    """Return a request with another method, address or body."""
    headers = {k: v for k, v in request.headers.items() if k != "host"}
    return httpx.Request(method, url, headers=headers, extensions=request.extensions, **body)


def _onward(asked: httpx.Request, response: httpx.Response) -> httpx.URL:
    """Return where a redirect leads, if that is a host of the same service."""
    here = asked.url
    try:
        url = here.join(response.headers["location"])
    except (httpx.InvalidURL, ValueError) as error:
        msg = f"it sends us on to {response.headers['location'][:80]!r}, which is no address"
        raise Refused(msg) from error
    same = (url.scheme, url.host, url.port) == (here.scheme, here.host, here.port)
    secured = (url.scheme, here.scheme, url.host, url.port) == ("https", "http", here.host, None)
    known = url.scheme == "https" and url.port is None and url.host in _SENDS_ON.get(here.host, ())
    named = f"{url.scheme}://{url.netloc.decode('ascii')}" in asked.extensions.get("also", ())
    if not (same or secured or known or named):
        msg = f"it sends us on to {str(url)[:80]!r}, which is no host of this service"
        raise Refused(msg)
    return url


def _bounded(chunks: Iterable[bytes], limits: Limits, until: float) -> bytes:
    whole = bytearray()
    for chunk in chunks:
        whole += chunk
        if len(whole) > limits.body:
            raise _too_large(limits.body)
        if time.monotonic() > until:
            raise _too_slow(limits.seconds)
    return bytes(whole)


def _too_large(most: int) -> Refused:
    return Refused(f"the answer is larger than the limit of {most / 1024**2:,.3g} MB")


def _too_slow(seconds: float) -> Refused:
    return Refused(f"the answer was not whole after the limit of {seconds:,.3g} seconds")


def _unpacked(response: httpx.Response, most: int) -> Iterator[bytes]:
    """Yield the body bit by bit; no bit that is gzipped grows beyond what may be left."""
    how = response.headers.get("content-encoding", "").strip().lower()
    if how in ("", "identity"):
        yield from response.iter_raw()
        return
    if how not in ("gzip", "x-gzip"):
        msg = f"the answer is packed as {how[:40]!r}, which was not asked for"
        raise Refused(msg)
    unpack, sent = zlib.decompressobj(wbits=31), 0
    try:
        for chunk in response.iter_raw():
            sent += len(chunk)
            if sent > most:
                raise _too_large(most)
            yield unpack.decompress(chunk, most + 1)
            if unpack.unconsumed_tail:
                raise _too_large(most)
    except zlib.error as error:
        msg = f"the answer cannot be unpacked: {error}"
        raise Damaged(msg, request=response.request) from error
    if sent and not unpack.eof:
        msg = "the answer is cut off"
        raise Damaged(msg)


class _Wire(httpx.BaseTransport):
    """The network.

    A client beneath the client, because only a client without a transport of its own reads the
    environment's proxies.
    """

    def __init__(self, limits: Limits) -> None:
        most = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        self.seconds, self.clock = limits.seconds, threading.local()
        try:
            self.client = httpx.Client(limits=most, follow_redirects=False)
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
            msg = (
                "The network settings of the environment cannot be used "
                f"({error}); check SSL_CERT_FILE, SSL_CERT_DIR and HTTPS_PROXY."
            )
            raise QueryError(msg) from error
        # Each read has a time limit of its own, so that one byte a second would never meet it, and
        # httpx has no limit for all of them. Its connections read through this.
        for transport in [self.client._transport, *self.client._mounts.values()]:
            if isinstance(transport, httpx.HTTPTransport):
                transport._pool._network_backend = _Clocked(self.clock)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.clock.until = time.monotonic() + self.seconds
        try:
            return self.client.send(request, stream=True)
        except httpx.TimeoutException as error:
            if time.monotonic() >= self.clock.until:
                raise _too_slow(self.seconds) from error
            raise
        except httpx.ConnectError as error:
            if (untrusted := _no_trust(error)) is not None:
                raise untrusted from error
            raise

    def close(self) -> None:
        self.client.close()


class _Clocked(httpcore.SyncBackend):
    """Connects as usual; no read outlasts the time that is left of its thread's question."""

    def __init__(self, clock: threading.local) -> None:
        self.clock = clock

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _ClockedStream(super().connect_tcp(*args, **kwargs), self.clock)


class _ClockedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, clock: threading.local) -> None:
        self.stream, self.clock = stream, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self.clock.until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return self.stream.read(max_bytes, min(left, timeout if timeout is not None else left))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, timeout)

    def close(self) -> None:
        self.stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _ClockedStream(self.stream.start_tls(*args, **kwargs), self.clock)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def _caused(error: BaseException | None, kind: type[Caused]) -> Caused | None:
    """Return what of this kind an error comes from."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def _no_trust(error: BaseException) -> Refused | None:
    """Return what to raise where a secure connection cannot be had, which no other try mends."""
    cause = _caused(error, ssl.SSLError)
    if cause is None or isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError):
        return None
    why = getattr(cause, "verify_message", "") or cause.reason or str(cause)
    return Refused(
        f"no secure connection: {why}",
        "Where your network signs with a certificate of its own, name the file that holds it in SSL_CERT_FILE.",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, Damaged | Refused | ValueError):
        return str(error)
    if isinstance(error, httpx.TimeoutException):
        return "it took too long"
    if isinstance(error, httpx.ProxyError):
        return f"the proxy of the environment (HTTPS_PROXY) refused: {error}"
    if isinstance(error, httpx.ConnectError):
        return f"no connection: {error}"
    return f"the connection broke: {error or type(error).__name__}"


def _unavailable(
    service: str, what: str, request: httpx.Request, error: Exception | None, status: int | None = None
) -> SourceUnavailable:
    tried = int(request.extensions["tried"])
    times = "once" if tried <= 1 else f"{tried} times"
    reason = f"HTTP {status}" if error is None else _reason(error)
    msg = f"{service} gave no usable answer about {what}, asked {times} ({reason})"
    advice = "; what it did answer is kept, so try again later."
    if isinstance(error, httpx.ConnectError | Unknown):
        msg = f"{service} could not be reached, tried {times} ({reason})"
        advice = (
            ". Check this machine's network, and a proxy if your office has one, then try again. "
            "An archive (--source archive:DIR) needs no network."
        )
    elif isinstance(error, Refused):
        advice = f". {error.advice}"
    return SourceUnavailable(f"{msg}{advice}", str(request.url)[:500], status, tried)
