"""One polite HTTP client: answers are kept, checked, asked again, and never asked for too fast.

Transports lie on each other: cache, check of the body, retries, pace, wire. What the cache holds
costs nothing; each further try costs a place in the queue. Only a whole answer of the right
shape is kept: a truncated 200 would otherwise be given back for ever.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import gzip
import hashlib
import logging
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self, TypeVar

import httpx
import platformdirs
from hishel import SqliteStorage
from hishel.httpx import CacheTransport
from httpx_retries import Retry, RetryTransport
from pyrate_limiter import Duration, Limiter, Rate, StateBucket, TokenBucket

from crimenb.errors import QueryError, SourceUnavailable
from crimenb.sources.api_models import read
from crimenb.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

# police.uk allows 15 requests a second with a burst of 30, per address, and answers 429 beyond
# (https://data.police.uk/docs/api-call-limits/); we stay below both.
RATE, BURST = 14, 28
AT_ONCE = 8

TRIES = 6
_AGAIN = (404, 429, 500, 502, 503, 504)
_TIMEOUT = httpx.Timeout(90.0, connect=30.0, pool=None)
"""police.uk takes up to a minute over a month that nobody has asked for lately."""

_LARGEST_CACHE = 2 * 1024**3
_LONGEST_GET = 4094
"""Characters of address beyond which police.uk answers 400 and wants a form instead."""

_KEPT = "x-crimenb-retrieved"

# A cache that cannot be read or written means asking again; hishel logs a traceback each time.
logging.getLogger("hishel").addHandler(logging.NullHandler())

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


class Damaged(httpx.RemoteProtocolError):
    """A body that is cut off, garbled, or not what was asked for."""


def user_agent() -> str:
    """Return how we introduce ourselves: name, version, and `CRIMENB_CONTACT` where set."""
    contact = os.environ.get("CRIMENB_CONTACT", "").encode("ascii", "ignore").decode()
    contact = "".join(c for c in contact if c.isprintable()).strip()
    name = f"crimenb/{__version__}"
    return f"{name} (+{contact})" if contact else name


def cache_folder() -> Path:
    """Return `CRIMENB_CACHE_DIR`, or the platform's folder for such things."""
    named = os.environ.get("CRIMENB_CACHE_DIR", "")
    return Path(named) if named else platformdirs.user_cache_path("crimenb")


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

    Raises
    ------
    QueryError
        The cache folder cannot be written, or a proxy or certificate not be used.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        limiter: Limiter | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._store = _open_store(Path(folder) if folder is not None else cache_folder())
        self._retry = _patient(sleep)
        paced = _Paced(transport or _Wire(), limiter or _process_limiter())
        tried = RetryTransport(paced, self._retry(TRIES, _AGAIN))
        kept = CacheTransport(_Checked(tried, now), self._store)
        self._client = httpx.Client(
            transport=kept,
            timeout=_TIMEOUT,
            headers={"User-Agent": user_agent(), "Accept": "application/json"},
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
            What the body must be (see `answers.read`).
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
            Raises ValueError for an answer of the right shape that cannot be right.

        Raises
        ------
        SourceUnavailable
            No usable answer after all tries; says service, status, tries.
        """

        def whole(body: bytes) -> T:
            value = read(body, shape)
            check(value)
            return value

        query = {k: str(v) for k, v in (params or {}).items()}
        target = httpx.URL(url, params=query) if query else httpx.URL(url)
        post = {"json": json} if json is not None else None
        if len(str(target)) > _LONGEST_GET:
            target, post = httpx.URL(url), {"data": query}
        key = hashlib.sha256(repr((release, str(target), post)).encode()).hexdigest()
        again = [s for s in _AGAIN if not (told and s == 404)]
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
            raise _unavailable(service, what, request, _reason(error)) from error
        settled = response.status_code == httpx.codes.OK or (
            told and response.status_code == httpx.codes.NOT_FOUND
        )
        if not settled:
            reason = f"HTTP {response.status_code}"
            raise _unavailable(service, what, request, reason, response.status_code)
        body = response.content
        try:
            if "value" in extensions:  # read on its way here
                value = extensions["value"]
            else:
                value = None if absent and body == b"null" else whole(body)
        except ValueError as error:  # kept by an earlier version, or damaged on the disk
            self._forget(key)
            raise _unavailable(service, what, request, str(error)) from error
        when = response.headers.get(_KEPT, "")
        return Answer(value, hashlib.sha256(body).hexdigest(), when)

    def _forget(self, key: str) -> None:
        for entry in self._store.get_entries(key):
            self._store.remove_entry(entry.id)


def _open_store(folder: Path) -> SqliteStorage:
    file = folder / "answers-1.db"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with contextlib.closing(sqlite3.connect(file)) as db:
                db.execute("PRAGMA user_version = 1")
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            file.unlink()  # not a database (any more): it held only what can be asked again
    except (OSError, sqlite3.OperationalError) as error:
        msg = (
            f"The cache folder {str(folder)!r} cannot be written ({error}); "
            "name another one in CRIMENB_CACHE_DIR."
        )
        raise QueryError(msg) from error
    return SqliteStorage(database_path=file, max_size=_LARGEST_CACHE)


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
    told = asked["told"] and response.status_code == httpx.codes.NOT_FOUND
    if response.status_code == httpx.codes.OK or told:
        try:
            asked["value"] = asked["read"](response.content)
        except ValueError as error:
            raise Damaged(str(error), request=response.request) from error
        asked["whole"] = response


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
    """Keeps to the pace and to eight requests in flight; turns long questions into forms."""

    def __init__(self, wire: httpx.BaseTransport, limiter: Limiter) -> None:
        self.wire, self.limiter = wire, limiter

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = request
        if request.extensions["post"] is not None:
            headers = {k: v for k, v in request.headers.items() if k != "host"}
            asked = httpx.Request(
                "POST",
                request.url,
                headers=headers,
                extensions=request.extensions,
                **request.extensions["post"],
            )
        with _slots:
            self.limiter.try_acquire("services")
            request.extensions["tried"] += 1
            response = self.wire.handle_request(asked)
            response.read()
        return response

    def close(self) -> None:
        self.wire.close()


class _Wire(httpx.BaseTransport):
    """The network.

    A client beneath the client, because only a client without a transport of its own reads the
    environment's proxies.
    """

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        try:
            self.client = httpx.Client(limits=limits, follow_redirects=True)
        except (OSError, ValueError, ImportError) as error:
            msg = (
                "The network settings of the environment cannot be used "
                f"({error}); check SSL_CERT_FILE, SSL_CERT_DIR and HTTPS_PROXY."
            )
            raise QueryError(msg) from error

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.client.send(request)

    def close(self) -> None:
        self.client.close()


def _reason(error: Exception) -> str:
    if isinstance(error, Damaged):
        return str(error)
    if isinstance(error, httpx.TimeoutException):
        return "it took too long"
    if isinstance(error, httpx.ConnectError):
        return f"no connection: {error}"
    return f"the connection broke: {error or type(error).__name__}"


def _unavailable(
    service: str, what: str, request: httpx.Request, reason: str, status: int | None = None
) -> SourceUnavailable:
    tried = int(request.extensions["tried"])
    times = "once" if tried <= 1 else f"{tried} times"
    msg = (
        f"{service} gave no usable answer about {what}, asked {times} ({reason}); "
        "what it did answer is kept, so try again later."
    )
    return SourceUnavailable(msg, str(request.url)[:500], status, tried)
