"""Replacing is one step: whenever it is stopped, one whole version is under the name."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from crimenb.errors import Busy, SnapshotError
from crimenb.files import locked, swap, working, write_sums
from crimenb.query import Query
from crimenb.report.build import build_report
from crimenb.snapshot import collect, write
from tests.real import ROOT

QUICK = ("report:9", "archive:5", "anotherarchive:5", "book", "index")
SLOW = ("report", "reportintwo", "snapshot", "archive", "anotherarchive")
"""What is replaced; after a colon: die at every so many steps only."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing can be forked here")
@pytest.mark.parametrize(
    "kinds", [QUICK, pytest.param(SLOW, marks=pytest.mark.slow_faults)], ids=["quick", "slow"]
)
def test_a_death_at_any_step_leaves_one_whole_version(kinds: list[str], record_property) -> None:
    """See dying.py: at every file-system call of a replacement, for each kind of thing that is replaced."""
    command = [sys.executable, "-m", "tests.faults.dying", *kinds]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [t["kind"] for t in told] == [k.partition(":")[0] for k in kinds]
    for one in told:
        record_property(one["kind"], one["steps"])
        assert one["steps"] >= (3 if one["kind"] == "book" else 8), one
        assert one["old"] > 0
    print(told)


def test_what_somebody_put_into_a_report_is_kept(tmp_path: Path) -> None:
    """Notes, a printed PDF, a folder, an edited notebook, odd files: each is there after the report is made anew."""
    query = Query.parse("ZZ9 9ZZ", "2025-12", "2025-12")
    folder = build_report(query, "demo", tmp_path).parent
    before = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    (folder / "notes.txt").write_text("mine")
    (folder / "report.pdf").write_bytes(b"%PDF")
    (folder / "figures" / "deep").mkdir(parents=True)
    (folder / "figures" / "deep" / "one.txt").write_text("one")
    (folder / "data" / "own.csv").write_text("x")
    (folder / "loop").symlink_to(".")
    os.mkfifo(folder / "pipe")
    edited = (folder / "report.ipynb").read_text().replace("Python 3", "Python 3, mine", 1)
    for n, name in enumerate(["report.edited.ipynb", "report.edited1.ipynb"]):
        (folder / "report.ipynb").write_text(f"{edited}{' ' * n}")
        assert build_report(query, "demo", tmp_path, refresh=bool(n)).parent == folder
        assert (folder / name).read_text() == f"{edited}{' ' * n}"
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "report.pdf").read_bytes() == b"%PDF"
    assert (folder / "figures" / "deep" / "one.txt").read_text() == "one"
    assert (folder / "data" / "own.csv").read_text() == "x"
    assert (folder / "loop").is_symlink()
    assert (folder / "pipe").is_fifo()
    assert {n: (folder / n).read_bytes() for n in before} == before  # and the sums name none of the others
    assert [p.name for p in tmp_path.iterdir()] == [folder.name]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755  # and not the sticky bit that Jupyter gives


@pytest.mark.parametrize("what", ["a link to a folder", "a link to nothing", "a file"])
def test_whatever_had_the_name_a_whole_folder_has_it(tmp_path: Path, what: str) -> None:
    target, elsewhere = tmp_path / "out" / "x", tmp_path / "elsewhere"
    target.parent.mkdir()
    elsewhere.mkdir()
    (elsewhere / "notes.txt").write_text("mine")
    if what == "a file":
        target.write_text("x")
    else:
        target.symlink_to(elsewhere if "folder" in what else "nothing")
    with working(target) as work:
        (work / "report.html").write_text("new")
        write_sums(work)
        swap(work, target)
    assert (target / "report.html").read_text() == "new"
    assert [p.name for p in target.parent.iterdir()] == ["x"]
    assert (elsewhere / "notes.txt").read_text() == "mine"
    assert (target / "notes.txt").exists() == (what == "a link to a folder")


def test_hidden_folders_of_others_are_not_swept(tmp_path: Path) -> None:
    """Only names that a run gives are taken for what a dead run has left."""
    mine = [".x.backup", ".x.old", ".x.abcd1234", ".x.abcd1234.new.zip", ".xy.abcd1234.new"]
    for name in mine:
        (tmp_path / name).mkdir()
    for name in (".x.abcd1234.new", ".x.abc_1234.new"):
        (tmp_path / name / "data").mkdir(parents=True)
    with working(tmp_path / "x") as work:
        assert sorted(p.name for p in tmp_path.glob(".x*")) == sorted([*mine, work.name, ".x.lock"])


def test_two_do_not_write_one_snapshot_at_once(tmp_path: Path) -> None:
    data = collect("ZZ9 9ZZ", "2025-12", "2025-12", source="demo")
    with locked(tmp_path / ".x.lock"), pytest.raises(Busy, match="Another run is writing"):
        write(data, tmp_path / "x")
    (tmp_path / "file").touch()
    with pytest.raises(SnapshotError, match="Cannot write the data into"):
        write(data, tmp_path / "file" / "x")
