"""The client: asks once, checks, asks again, waits, gives up with a sentence."""

from __future__ import annotations

import datetime as dt
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pyrate_limiter import Duration, Limiter, Rate, StateBucket, TokenBucket

from crimenb.errors import QueryError, SourceUnavailable
from crimenb.sources.api_models import Published
from crimenb.sources.http import AT_ONCE, BURST, RATE, TRIES, Web, cache_folder, user_agent

URL = "http://service.test/api/dates"
GOOD = b'[{"date": "2025-12"}]'
Answers = list[httpx.Response | Exception]


class Wire(httpx.MockTransport):
    """Gives the answers in turn, the last one for ever, and remembers what was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), []
        super().__init__(self._next)

    def _next(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        body, status, headers = (
            (answer, 200, {})
            if isinstance(answer, bytes)
            else (b"", answer, {})
            if isinstance(answer, int)
            else answer
        )
        return httpx.Response(status, content=body, headers=headers)


def ask(web: Web, url: str = URL, **options: Any) -> Any:
    return web.ask(url, list[Published], what="the months on offer", **options)


def test_an_answer_is_asked_for_once(client: Callable[..., Web]) -> None:
    wire = Wire(GOOD)
    first = ask(client(transport=wire))
    again = ask(client(transport=wire))  # another client over the same folder: another run
    assert first == again
    assert first.value == [Published(date="2025-12")]
    assert len(wire.asked) == 1


def test_a_new_release_is_another_question_and_an_old_one_is_kept(client: Callable[..., Web]) -> None:
    wire = Wire(GOOD)
    web = client(transport=wire)
    for release in ("2025-11", "2025-12", "2025-11", "2025-12"):
        ask(web, release=release)
    assert len(wire.asked) == 2


def test_an_answer_with_an_end_is_asked_for_again_after_it(client: Callable[..., Web]) -> None:
    wire = Wire(GOOD)
    web = client(transport=wire)
    ask(web, ttl=0.05)
    ask(web, ttl=0.05)
    assert len(wire.asked) == 1
    time.sleep(0.06)
    ask(web, ttl=0.05)
    assert len(wire.asked) == 2


def test_a_fresh_answer_replaces_the_one_that_is_kept(client: Callable[..., Web]) -> None:
    wire = Wire(GOOD, b'[{"date": "2026-01"}]')
    web = client(transport=wire)
    ask(web)
    assert ask(web, fresh=True).value[0].date == "2026-01"
    assert ask(web).value[0].date == "2026-01"
    assert len(wire.asked) == 2


DAMAGED = {
    "truncated": GOOD[:9],
    "garbled": b'[{"date": "2025\xff\x00',
    "empty": b"",
    "a web page": b"<!DOCTYPE html><html>Sorry</html>",
    "a byte-order mark and nothing": b"\xef\xbb\xbf",
    "another shape": b'{"date": "2025-12"}',
    "a broken gzip": (b"no gzip at all", 200, {"content-encoding": "gzip"}),
}


@pytest.mark.parametrize("body", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_body_is_asked_for_again_and_never_kept(client: Callable[..., Web], body: Any) -> None:
    wire = Wire(body, GOOD)
    web = client(transport=wire)
    assert ask(web).value[0].date == "2025-12"
    assert len(wire.asked) == 2
    broken = Wire(body)
    with pytest.raises(SourceUnavailable, match=rf"months on offer, asked {TRIES} times"):
        ask(client(transport=broken), URL + "/2")
    assert len(broken.asked) == TRIES
    well = Wire(GOOD)
    ask(client(transport=well), URL + "/2")
    assert len(well.asked) == 1, "the damaged body was kept"


FAILURES = [429, 500, 502, 503, 504, 404, httpx.ReadTimeout("slow"), httpx.ConnectError("refused"),
            httpx.RemoteProtocolError("Server disconnected")]  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_a_failure_is_tried_again_and_then_told_in_a_sentence(
    client: Callable[..., Web], failure: Any
) -> None:
    assert ask(client(transport=Wire(failure, failure, GOOD))).value
    with pytest.raises(SourceUnavailable) as caught:
        ask(client(transport=Wire(failure)), URL + "/2")
    error = caught.value
    assert error.attempts == TRIES
    assert error.status == (failure if isinstance(failure, int) else None)
    reached = "gave no usable answer about the months on offer, asked"
    if isinstance(failure, httpx.ConnectError):
        reached = "could not be reached, tried"
    assert str(error).startswith(f"police.uk {reached} 6 times (")
    assert "\n" not in str(error)
    assert error.exit_code == 3
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.url, copy.status, copy.attempts) == (str(error), error.url, error.status, 6)


@pytest.mark.parametrize("status", [400, 403, 301])
def test_a_refusal_is_not_tried_again(client: Callable[..., Web], status: int) -> None:
    wire = Wire(status)
    with pytest.raises(SourceUnavailable, match=f"asked once .HTTP {status}."):
        ask(client(transport=wire))
    assert len(wire.asked) == 1


def test_it_waits_longer_each_time_and_as_long_as_it_is_told(client: Callable[..., Web]) -> None:
    waits: list[float] = []
    ask(client(transport=Wire(503, 503, 503, GOOD), sleep=waits.append))
    assert waits == sorted(waits)
    assert 0.4 < waits[0] <= 1.0
    waits.clear()
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=20)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    told = [
        (b"", 429, {"retry-after": "7"}),
        (b"", 503, {"retry-after": later}),
        (b"", 503, {"retry-after": "soon"}),
    ]
    ask(client(transport=Wire(*told, GOOD), sleep=waits.append), URL + "/2")
    assert waits[0] == 7
    assert 15 < waits[1] <= 20
    assert waits[2] > 1


def test_nothing_of_the_kind_is_an_answer_once_it_stays(client: Callable[..., Web]) -> None:
    wire = Wire((b"Not Found", 404, {}), GOOD)
    assert ask(client(transport=wire), absent=True).value, "one 404 is not believed"
    wire = Wire((b"Not Found", 404, {}))
    assert ask(client(transport=wire), URL + "/2", absent=True).value is None
    asked = len(wire.asked)
    assert ask(client(transport=wire), URL + "/2", absent=True).value is None
    assert len(wire.asked) == asked == TRIES


def test_a_404_that_says_more_is_read_and_not_kept(client: Callable[..., Web]) -> None:
    wire = Wire((GOOD, 404, {}))
    web = client(transport=wire)
    assert ask(web, told=True).value[0].date == "2025-12"
    ask(web, told=True)
    assert len(wire.asked) == 2


def test_an_answer_that_cannot_be_right_is_treated_as_damaged(client: Callable[..., Web]) -> None:
    def check(value: list[Published]) -> None:
        if value[0].date != "2025-11":
            msg = "it holds records of '2025-12'"
            raise ValueError(msg)

    with pytest.raises(SourceUnavailable, match=r"\(it holds records of '2025-12'\)"):
        ask(client(transport=Wire(GOOD)), check=check)
    wire = Wire(b'[{"date": "2025-11"}]')
    ask(client(transport=wire), check=check)
    assert len(wire.asked) == 1


def test_a_schema_error_names_the_field(client: Callable[..., Web]) -> None:
    with pytest.raises(SourceUnavailable, match=r"expected 'str', got 'int' - at '\$\[1\].date'"):
        ask(client(transport=Wire(b'[{"date": "2025-12"}, {"date": 3}]')))


def test_a_long_question_is_sent_as_a_form_and_kept(client: Callable[..., Web]) -> None:
    wire = Wire(GOOD)
    web = client(transport=wire)
    long = ":".join(["52.634000,-1.130000"] * 300)
    for _ in range(2):
        ask(web, params={"poly": long, "date": "2025-12"})
    ask(web, params={"poly": long, "date": "2025-11"})
    assert [r.method for r in wire.asked] == ["POST", "POST"]
    assert wire.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert wire.asked[0].content.endswith(b"&date=2025-12")
    ask(web, params={"poly": "52,-1:52,-2:53,-2", "date": "2025-12"})
    assert wire.asked[-1].method == "GET"


def test_it_says_who_asks(client: Callable[..., Web], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRIMENB_CONTACT", "analyst@example.org\r\nX-Evil: 1 ☃")
    wire = Wire(GOOD)
    ask(client(transport=wire))
    assert wire.asked[0].headers["user-agent"] == user_agent()
    assert user_agent().startswith("crimenb/")
    assert user_agent().endswith("(+analyst@example.orgX-Evil: 1)")
    monkeypatch.delenv("CRIMENB_CONTACT")
    assert "(" not in user_agent()


def test_the_pace_and_the_number_in_flight(tmp_path: Path) -> None:
    rate, burst = 50, 10
    limiter = Limiter(
        StateBucket([Rate(rate, Duration.SECOND, burst=burst)], algorithm=TokenBucket()), buffer_ms=5
    )
    flying, most, lock = 0, 0, threading.Lock()

    def slow(request: httpx.Request) -> httpx.Response:
        nonlocal flying, most
        with lock:
            flying += 1
            most = max(most, flying)
        time.sleep(0.1)  # long enough for every thread to come
        with lock:
            flying -= 1
        return httpx.Response(200, content=GOOD)

    with Web(tmp_path, transport=httpx.MockTransport(slow), limiter=limiter) as web:
        began = time.monotonic()
        threads = [threading.Thread(target=ask, args=(web, f"{URL}/{i}")) for i in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - began
    assert most == AT_ONCE
    assert took >= (30 - burst) / rate
    assert RATE < 15
    assert BURST < 30


def test_threads_share_a_client_and_a_cache(client: Callable[..., Web]) -> None:
    web = client(transport=Wire(GOOD))
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda i=i: found.append(ask(web, f"{URL}/{i % 10}").value))
        for i in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[Published(date="2025-12")]] * 40


def test_a_cache_that_is_no_database_is_begun_anew(client: Callable[..., Web], tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "answers-1.db").write_bytes(b"this is no database" * 500)
    wire = Wire(GOOD)
    ask(client(transport=wire))
    ask(client(transport=wire))
    assert len(wire.asked) == 1


def test_a_cache_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(QueryError, match=r"file/cache.* cannot be written .*CRIMENB_CACHE_DIR"):
        Web(tmp_path / "file" / "cache")


def test_the_cache_lies_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRIMENB_CACHE_DIR", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.delenv("CRIMENB_CACHE_DIR")
    assert cache_folder().name == "crimenb"


def test_a_proxy_of_the_environment_is_used(
    tmp_path: Path, unlimited: Limiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    seen: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(GOOD)))
            self.end_headers()
            self.wfile.write(GOOD)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with Web(tmp_path, limiter=unlimited) as web:
            ask(web)
        proxy.shutdown()
    assert seen == [URL]


def test_a_certificate_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    with pytest.raises(QueryError, match="SSL_CERT_FILE"):
        Web(tmp_path)
