"""Static drawings: the same here and in a process of their own, whatever happens to that."""

import json
import socket
import subprocess
import sys
import time

import psutil
import pytest

from crimenb.warm import drawings, painter
from crimenb.warm.drawings import Painter

SPEC = {
    "mark": "bar",
    "data": {"values": [{"a": 1}]},
    "encoding": {"x": {"field": "a", "type": "quantitative"}},
}


@pytest.fixture
def helper():
    """Start a painter for one test, a new one: another test's may be at work in this process."""
    Painter.dismiss()
    Painter.here()
    yield Painter.started()
    Painter.dismiss()


def test_a_drawing_is_the_same_from_another_process(helper):
    drawings.expect(SPEC)
    elsewhere = drawings.draw(SPEC)
    assert not helper.begun
    assert helper.drawn == 1
    assert elsewhere == painter.draw(json.dumps(SPEC, sort_keys=True))
    assert elsewhere.startswith("<svg")


def test_a_drawing_that_was_not_begun_is_made_here(helper):
    assert drawings.draw(SPEC).startswith("<svg")
    assert helper.drawn == 0


def test_a_killed_painter_is_replaced_and_nothing_is_lost(helper):
    first = helper.process
    first.kill()
    first.wait()
    drawings.expect(SPEC)
    assert drawings.draw(SPEC).startswith("<svg")
    assert helper.process is not first
    assert helper.process.poll() is None


def test_a_painter_is_replaced_before_it_grows(helper, monkeypatch):
    monkeypatch.setattr(drawings, "MOST", 2)
    first = helper.process
    for width in range(100, 103):
        drawings.expect(SPEC | {"width": width})
        assert drawings.draw(SPEC | {"width": width}).startswith("<svg")
    assert first.poll() is not None
    assert helper.drawn == 1


def test_what_cannot_be_drawn_is_an_error_here_too(helper):
    drawings.expect({"mark": "no such mark"})
    with pytest.raises(ValueError, match="conversion failed"):
        drawings.draw({"mark": "no such mark"})


def test_a_painter_ends_with_its_owner():
    code = (
        "from crimenb.warm.drawings import Painter; import time; Painter.here();"
        "print(Painter.started().process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        pid = int(owner.stdout.readline())
        owner.kill()
    end = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_messages_of_any_length_arrive_whole():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for text in ("", "é", "x" * 100_000):
            painter.send(ours, text)
            assert painter.receive(theirs) == text
        ours.close()
        assert painter.receive(theirs) is None
