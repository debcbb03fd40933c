"""A full disk: a sentence, what could be written is whole, and answers that cannot be kept are used all the same."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.misbehaving import ok, serving

# No file may grow beyond this: what a write then gets is what it gets from a full disk.
BOUND = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)\n"
BATCH = "from crimenb.cli import main; main()"
ASK = """
from crimenb.sources.api_models import Published
from crimenb.sources.http import Web
web = Web(sys.argv[1])
for n in range(5):
    print(len(web.ask(f"{sys.argv[2]}{n}", list[Published], what="the months on offer").value))
"""


def bounded(size: int, code: str, *args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BOUND + code, str(size), *map(str, args)]
    # What measures the coverage writes a file too, and would fail first.
    own = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=own)


@pytest.mark.parametrize("size", [0, 3_000, 12_000, 40_000])
def test_a_full_disk_under_the_cache_costs_the_cache(tmp_path: Path, size: int) -> None:
    body = json.dumps([{"date": "2025-12"}] * 2000).encode()
    with serving(ok(body)) as server:
        done = bounded(size, ASK, tmp_path, f"http://127.0.0.1:{server.port}/")
    if size < 4_096:  # the first page of the database
        assert f"The cache folder {str(tmp_path)!r} cannot be written" in done.stderr.splitlines()[-1]
    else:
        assert done.stdout.split() == ["2000"] * 5, done.stderr[-800:]
        assert done.stderr == ""


@pytest.mark.parametrize("size", [0, 100])
def test_a_full_disk_under_a_batch_is_a_sentence(tmp_path: Path, size: int) -> None:
    (tmp_path / "list.txt").write_text("ZZ9 9ZZ\n")
    done = bounded(
        size,
        BATCH,
        "batch",
        tmp_path / "list.txt",
        "--out",
        tmp_path / "out",
        "--to",
        "2025-12",
        "--workers",
        "1",
    )
    assert done.returncode == 5
    assert done.stderr.splitlines()[-1].startswith(
        f"Cannot write into {str(tmp_path / 'out')!r}: File too large; "
    )
    assert "Traceback" not in done.stderr
    assert {p.name for p in (tmp_path / "out").iterdir()} <= {"batch.csv", "batch.log"}


def test_a_report_that_finds_no_room_costs_its_row(tmp_path: Path) -> None:
    """And neither ledger nor index page tells where on this machine that was."""
    (tmp_path / "list.txt").write_text("ZZ9 9ZZ\n")
    done = bounded(
        120_000,
        BATCH,
        "batch",
        tmp_path / "list.txt",
        "--out",
        tmp_path / "out",
        "--to",
        "2025-12",
        "--workers",
        "1",
    )
    assert done.returncode == 1, done.stderr
    with (tmp_path / "out" / "batch.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert (row["status"], row["hash"]) == ("failed", "")
    assert "File too large" in row["error"]
    for name in ("batch.csv", "index.html"):
        assert str(tmp_path) not in (tmp_path / "out" / name).read_text()
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"batch.csv", "batch.log", "index.html"}
