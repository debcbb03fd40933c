"""Locks: one writer at a time, at once refused, free again however the holder ended."""

import subprocess
import sys
import time

import pytest

from crimenb.errors import Busy
from crimenb.files import locked

HOLDER = """
import pathlib, sys, time
from crimenb.files import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
WRITER = """
import os, pathlib, sys, time
from crimenb.errors import Busy
from crimenb.files import locked
folder = pathlib.Path(sys.argv[1])
got, until = 0, time.monotonic() + 2
while time.monotonic() < until:
    try:
        with locked(folder / ".x.lock"):
            os.close(os.open(folder / "writing", os.O_CREAT | os.O_EXCL))  # fails beside another writer
            time.sleep(0.0005)
            os.unlink(folder / "writing")
            got += 1
    except Busy:
        pass
print(got)
"""


def start(code, path):
    return subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_lock_is_refused_at_once_and_free_after_a_kill(tmp_path):
    path = tmp_path / ".x.lock"
    with start(HOLDER, path) as holder:
        assert holder.stdout.readline() == "held\n"
        begun = time.monotonic()
        with pytest.raises(Busy, match="Another run is writing"), locked(path):
            pass
        assert time.monotonic() - begun < 1
        holder.kill()
    with locked(path):
        assert path.is_file()
    assert not path.exists()


def test_two_never_write_at_once(tmp_path):
    """Also where one has opened the file that another, done with it, removes."""
    writers = [start(WRITER, tmp_path) for _ in range(3)]
    results = [writer.communicate(timeout=60) for writer in writers]
    assert [err for _, err in results] == ["", "", ""]
    assert sum(int(out) for out, _ in results) > 50
    assert list(tmp_path.iterdir()) == []
