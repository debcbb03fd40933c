"""Report folders made to do harm: one verdict a folder, in bounded time, whatever is in them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from crimenb import snapshot
from crimenb.cli import main
from crimenb.errors import QueryError, SnapshotError
from crimenb.files import visible, write_sums
from crimenb.query import Query
from crimenb.report.execute import execute, freeze
from crimenb.report.page import to_html
from crimenb.report.verify import report_folders, verify, verify_all
from tests.processes import COMMAND
from tests.report.test_verify import refit

Harm = Callable[[Path], None]
HARM: dict[str, Harm] = {}
PARTS = (
    "report.ipynb",
    "report.html",
    "SHA256SUMS",
    "summary.md",
    "summary.json",
    "data/manifest.json",
    "data/crimes.parquet",
    "data/months.csv",
)


def harm(name: str) -> Callable[[Harm], Harm]:
    """Keep a way to make a folder hostile under its name."""

    def keep(do: Harm) -> Harm:
        HARM[name] = do
        return do

    return keep


def _instead(part: str, make: Harm) -> Harm:
    def do(folder: Path) -> None:
        (folder / part).unlink()
        make(folder / part)

    return do


def _sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(50 * 1024**3)


for _part in PARTS:
    HARM[f"a pipe as {_part}"] = _instead(_part, os.mkfifo)
    HARM[f"an endless device as {_part}"] = _instead(_part, lambda p: p.symlink_to("/dev/zero"))
    HARM[f"a folder as {_part}"] = _instead(_part, Path.mkdir)
    HARM[f"a link to itself as {_part}"] = _instead(_part, lambda p: p.symlink_to(p.name))
    HARM[f"50 GB of nothing as {_part}"] = _instead(_part, _sparse)
    HARM[f"no text as {_part}"] = _instead(_part, lambda p: p.write_bytes(b"\xff\x00\xfe" * 1000))


@harm("a pipe among the checkpoints of the data")
def _(folder: Path) -> None:
    (folder / "data" / ".ipynb_checkpoints").mkdir()
    os.mkfifo(folder / "data" / ".ipynb_checkpoints" / "pipe")
    (folder / "data" / "stray.csv").write_text("")


@harm("a pipe that nobody lists")
def _(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


@harm("the data as a link to a folder elsewhere")
def _(folder: Path) -> None:
    shutil.move(folder / "data", folder.parent / "elsewhere")
    (folder / "data").symlink_to(folder.parent / "elsewhere")


@harm("a folder within itself")
def _(folder: Path) -> None:
    (folder / "again").symlink_to(folder)


@harm("ten thousand files")
def _(folder: Path) -> None:
    for n in range(10_000):
        (folder / "data" / f"x{n}.csv").touch()


@harm("names that speak to the terminal")
def _(folder: Path) -> None:
    (folder / "\x1b]0;owned\x07\x1b[2J\u202egnp.\r\nholds 1.0 s").touch()
    (folder / os.fsdecode(b"\xff\xfe")).touch()


@harm("sums that speak to the terminal")
def _(folder: Path) -> None:
    lines = "".join(f"{'0' * 64}  \x1b[31m{n}{'x' * 5000}\n" for n in range(1000))
    (folder / "SHA256SUMS").write_text(lines)


# ---------------------------------------------------------------------------- odd manifests

ODD: dict[str, object] = {
    "nothing": b"", "a list": [], "a number": 1, "null": None, "text": "x", "nested": b"[" * 100_000,
    "nested objects": b'{"format":' * 100_000, "a huge number": b'{"format": ' + b"1" * 100_000 + b"}",
    "a format that is a list": {"format": [[1]] * 1000}, "no number": b'{"format": NaN}', "no part": {"format": 1},
}  # fmt: skip
SET: dict[str, tuple[tuple[str, ...], object]] = {
    "files is a list": (("files",), []),
    "a file is text": (("files", "crimes.parquet"), "x"),
    "a file is null": (("files", "months.csv"), None),
    "no query": (("query",), None),
    "a query is a list": (("query",), []),
    "no months": (("query", "start"), ""),
    "months are numbers": (("query", "start"), 202501),
    "ten thousand years": (("query", "end"), "9999-12"),
    "a month of letters": (("query", "end"), "20xx-yy"),
    "the end before the start": (("query", "end"), "2011-01"),
    "a postcode is a path": (("query", "postcode"), "../../../../tmp/owned"),
    "a postcode speaks to the terminal": (("query", "postcode"), "\x1b[2J"),
    "a postcode is a list": (("query", "postcode"), ["x"]),
    "a million to compare with": (("query", "compare_with"), ["ZZ9 9ZZ"] * 1_000_000),
    "compared with null": (("query", "compare_with"), None),
    "an area is text": (("query", "area"), "x"),
    "an area without shape": (("query", "area"), {"name": "x", "geometry": None}),
    "a shape that is none": (("query", "area"), {"name": "x", "geometry": "{}"}),
    "a shape that is no JSON": (("query", "area"), {"name": "x", "geometry": "[["}),
    "a shape of NaN": (("query", "area"), {"name": "x", "geometry": '{"type":"Point","coordinates":[NaN,1]}'}),
    "a shape of two corners": (("query", "area"), {"name": "x", "geometry": '{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}'}),
    "an open ring": (("query", "area"), {"name": "x", "geometry": '{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[5,5]]]}'}),
    "no provenance": (("provenance",), None),
    "provenance of numbers": (("provenance",), [[1, 2, 3]]),
    "provenance that is short": (("provenance",), [["source"]]),
    "packages are a list": (("packages",), ["pandas"]),
    "versions are lists": (("packages",), {"pandas": [1]}),
    "another version that speaks": (("crimenb",), "\x1b[31m"),
}  # fmt: skip


def _manifest(change: Callable[[Path], None]) -> Harm:
    def do(folder: Path) -> None:
        change(folder / "data" / "manifest.json")
        write_sums(folder)

    return do


def _put(value: object) -> Callable[[Path], None]:
    return lambda path: (
        path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode()) and None
    )


def _set(keys: tuple[str, ...], value: object) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        manifest = json.loads(path.read_text())
        at = manifest
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value
        path.write_text(json.dumps(manifest))

    return do


HARM |= {f"a manifest: {name}": _manifest(_put(value)) for name, value in ODD.items()}
HARM |= {f"a manifest: {name}": _manifest(_set(*where)) for name, where in SET.items()}


# ---------------------------------------------------------------------------- frames, their hashes made to fit


def _frame(name: str, change: Callable[[pa.Table], pa.Table | bytes]) -> Harm:
    def do(folder: Path) -> None:
        path = folder / "data" / f"{name}.parquet"
        changed = change(pq.read_table(path))
        if isinstance(changed, bytes):
            path.write_bytes(changed)
        else:
            pq.write_table(changed, path)
        refit(folder)

    return do


def _column(name: str, values: Callable[[int], object]) -> Callable[[pa.Table], pa.Table]:
    return lambda t: t.set_column(t.schema.get_field_index(name), name, pa.array(values(len(t))))


def _thirty_million(table: pa.Table) -> bytes:
    out = io.BytesIO()
    schema = pa.schema([("postcode", pa.string())])
    with pq.ParquetWriter(out, schema) as writer:
        part = pa.table(
            {"postcode": pa.DictionaryArray.from_arrays(pa.array([0] * 3_000_000), ["x"]).cast(pa.string())}
        )
        for _ in range(10):
            writer.write_table(part)
    return out.getvalue()


FRAMES: dict[str, tuple[str, Callable[[pa.Table], pa.Table | bytes]]] = {
    "no Parquet": ("crimes", lambda _: b"PAR1" + b"\0" * 100 + b"PAR1"),
    "nothing": ("crimes", lambda _: b""),
    "cut in half": ("crimes", lambda t: _bytes(t)[: len(_bytes(t)) // 2]),
    "30 million rows": ("people", _thirty_million),
    "a column less": ("crimes", lambda t: t.drop_columns(["month"])),
    "a column of another kind": ("crimes", _column("month", lambda n: list(range(n)))),
    "shapes that are none": ("crimes", _column("geometry", lambda n: [b"\x01\xff\xff\xff\xff"] * n)),
    "shapes within shapes": ("places", _column("geometry", lambda n: [b"\x01\x07\0\0\0\x01\0\0\0" * 200_000] * n)),
    "shapes that are text": ("crimes", _column("geometry", lambda n: ["POINT"] * n)),
    "no shapes": ("places", _column("geometry", lambda n: pa.nulls(n, pa.binary()))),
    "shapes of a billion corners": ("places", _column("geometry", lambda n: [b"\x01\x02\x00\x00\x00\xff\xff\xff\x7f"] * n)),
    "other coordinates": ("places", lambda t: t.replace_schema_metadata({b"geo": b'{"columns": {"geometry": {"encoding": "WKB", "crs": null}}}'})),
    "metadata that is no JSON": ("places", lambda t: t.replace_schema_metadata({b"geo": b"[[["})),
    "metadata that is a list": ("places", lambda t: t.replace_schema_metadata({b"geo": b"[]"})),
    "an index from elsewhere": ("crimes", lambda t: t.replace_schema_metadata({**t.schema.metadata, b"pandas": b'{"index_columns": [1, {"kind": "x"}]}'})),
    "ten thousand columns more": ("people", lambda t: pa.table({**{c: t[c] for c in t.column_names}, **{f"x{i}": pa.nulls(len(t)) for i in range(10_000)}})),
}  # fmt: skip


def _bytes(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


HARM |= {f"a frame: {name}": _frame(*how) for name, how in FRAMES.items()}


@harm("a table of months without end")
def _(folder: Path) -> None:
    (folder / "data" / "months.csv").write_text("postcode,month,status,why\n" + '"' * 999_999)
    refit(folder)


NOTEBOOKS: dict[str, bytes] = {
    "a list": b"[]",
    "no cells": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
    "cells that are numbers": b'{"cells": [1, 2], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
    "nested": b'{"cells": ' + b"[" * 100_000,
    "version 3": b'{"worksheets": [{"cells": []}], "nbformat": 3, "nbformat_minor": 0, "metadata": {}}',
    "version 99": b'{"cells": [], "nbformat": 99, "nbformat_minor": 5, "metadata": {}}',
    "a million cells": b'{"cells": ['
    + b",".join([b"{}"] * 1_000_000)
    + b'], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
}


def _notebook(raw: bytes) -> Harm:
    def do(folder: Path) -> None:
        (folder / "report.ipynb").write_bytes(raw)
        write_sums(folder)

    return do


HARM |= {f"a notebook: {name}": _notebook(raw) for name, raw in NOTEBOOKS.items()}


def hostile(demo_report: Path, at: Path, name: str) -> Path:
    folder = shutil.copytree(demo_report, at / "r")
    with contextlib.suppress(OSError):  # sums of what cannot be read are not made
        HARM[name](folder)
    return folder


@pytest.mark.parametrize("name", HARM)
def test_a_hostile_folder_fails_with_one_line_and_soon(demo_report: Path, tmp_path: Path, name: str) -> None:
    folder = hostile(demo_report, tmp_path, name)
    began = time.monotonic()
    verdict = verify(folder)
    seconds = time.monotonic() - began
    assert not verdict.holds
    assert 1 <= len(verdict.findings) <= 20
    for finding in verdict.findings:
        assert finding.text == visible(finding.text)
        assert len(finding.text) < 500
        assert str(tmp_path) not in finding.text
    assert seconds < 120  # bounded; how quick it is, the benchmarks say
    assert not list(tmp_path.glob("*.failed.ipynb"))


@pytest.mark.parametrize("name", [n for n in HARM if "data/" in n or "manifest" in n or "frame" in n])
def test_the_same_folder_ends_a_comparison_in_one_sentence(
    demo_report: Path, tmp_path: Path, name: str
) -> None:
    folder = hostile(demo_report, tmp_path, name)
    done = CliRunner().invoke(main, ["diff", str(demo_report), str(folder)])
    assert not isinstance(done.exception, Exception), done.exception
    assert done.output.strip()
    assert all(line == visible(line) for line in done.output.splitlines())
    if done.exit_code:
        assert done.exit_code in (2, 4)
        assert len(done.output.splitlines()) == 1


def test_checkpoints_of_an_editor_are_neither_read_nor_copied(demo_report: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo_report, tmp_path / "r")
    for base in (folder, folder / "data"):
        (base / ".ipynb_checkpoints").mkdir()
        (base / ".ipynb_checkpoints" / "zero").symlink_to("/dev/zero")
        os.mkfifo(base / ".ipynb_checkpoints" / "pipe")
        (base / ".ipynb_checkpoints" / "up").symlink_to("..")
    verdict = verify(folder)
    assert verdict.holds, verdict.findings


def test_folders_that_cannot_be_looked_into_are_named(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    for name in ("loop", "pipe", "absent", "x" * 5000):
        with pytest.raises(QueryError, match=r"holds no report|cannot be read"):
            report_folders([tmp_path / name])


# ---------------------------------------------------------------------------- many folders, one bad


def own(demo_report: Path, at: Path, source: str) -> Path:
    """Return a report with a cell more, as an analyst makes it, but for the cell's output."""
    folder = shutil.copytree(demo_report, at)
    nb = nbformat.read(folder / "report.ipynb", as_version=4)
    nb["cells"].append(nbformat.v4.new_code_cell("0", id="mine"))
    nbformat.write(nb, folder / "mine.ipynb")
    nb = freeze(execute(folder, Query.parse("ZZ1 1AA", "2025-01", "2025-12"), folder / "mine.ipynb"))
    (folder / "mine.ipynb").unlink()
    nb["cells"][-1]["source"] = source
    (folder / "report.ipynb").write_text(nbformat.writes(nb) + "\n")
    (folder / "report.html").write_text(to_html(nb))
    write_sums(folder)
    return folder


@pytest.mark.slow
def test_a_folder_that_hangs_or_kills_its_checker_costs_itself_alone(
    demo_report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeps = own(demo_report, tmp_path / "a", "import time\nwhile True: time.sleep(1)")
    kills = own(
        demo_report, tmp_path / "b",
        "import os, signal\n"
        "stat = lambda pid: open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()\n"
        "os.kill(int(stat(os.getppid())[1]), signal.SIGKILL)",
    )  # fmt: skip
    good = shutil.copytree(demo_report, tmp_path / "c")
    (scratch := tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    verdicts = list(verify_all([sleeps, kills, good], trust=True, jobs=1, seconds=45))
    assert [v.folder for v in verdicts] == [sleeps, kills, good]
    assert "longer than the limit of 45 seconds" in verdicts[0].findings[-1].text
    assert "the process that checked it died" in verdicts[1].findings[-1].text
    assert verdicts[2].holds, verdicts[2].findings
    assert list(scratch.iterdir()) == []


@pytest.mark.slow
def test_the_command_ends_with_a_count_whatever_the_folders_are(demo_report: Path, tmp_path: Path) -> None:
    names = [
        "a pipe as report.ipynb",
        "a manifest: nested",
        "names that speak to the terminal",
        "a frame: 30 million rows",
    ]
    for n, name in enumerate(names):
        (tmp_path / "all").mkdir(exist_ok=True)
        hostile(demo_report, tmp_path / f"{n}", name).rename(tmp_path / "all" / f"\x1b[31m{n}")
    shutil.copytree(demo_report, tmp_path / "all" / "z")
    done = CliRunner().invoke(main, ["verify", str(tmp_path / "all")])
    assert "5 reports verified, 4 failed." in done.output
    assert done.exit_code == 6
    assert "\x1b" not in done.output
    assert not set(done.output) & set("\u202e\r\x07")


def _grown(demo_report: Path, folder: Path, size: int = 1_000_000) -> Path:
    """Return a report with a text of this size that stands two million times, in a file of kilobytes."""
    shutil.copytree(demo_report, folder)
    many = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000_000, pa.int32()), ["x" * size])
    people = pq.read_table(folder / "data" / "people.parquet")
    table = pa.table({c: many if c == "bio" else pa.array([""] * len(many)) for c in people.column_names})
    pq.write_table(table, folder / "data" / "people.parquet")
    refit(folder)
    return folder


@pytest.mark.slow_faults
def test_a_frame_that_grows_beyond_all_memory_is_one_verdict(demo_report: Path, tmp_path: Path) -> None:
    folder = _grown(demo_report, tmp_path / "r")
    good = shutil.copytree(demo_report, tmp_path / "s")
    first, second = verify_all([folder, good], jobs=1, seconds=300)
    assert not first.holds
    assert second.holds


FROM_PYTHON = """
import resource, sys, threading
import crimenb as cn
from crimenb.report.verify import verify

before = resource.getrlimit(resource.RLIMIT_DATA)
print(verify(sys.argv[1]).findings[-1].text)
threads = [threading.Thread(target=verify, args=[sys.argv[1]]) for _ in range(2)]
[t.start() for t in threads], [t.join() for t in threads]
try:
    cn.collect("ZZ9 9ZZ", "2025-10", "2025-12", snapshot=sys.argv[1] + "/data")
except cn.CrimenbError as error:
    print(error)
assert resource.getrlimit(resource.RLIMIT_DATA) == before
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow_faults
@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux alone")
def test_python_and_diff_are_bounded_in_memory_too(demo_report: Path, tmp_path: Path) -> None:
    folder = _grown(demo_report, tmp_path / "r", 3_000)  # 6 GB, which a system may well give
    command = [sys.executable, "-c", FROM_PYTHON, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    checked, read, megabytes = done.stdout.splitlines()
    assert "cannot be read" in checked
    assert read.startswith("The snapshot")
    assert int(megabytes) < 1_500
    done = subprocess.run(
        [COMMAND, "diff", folder, demo_report], capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert "cannot be read" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# ---------------------------------------------------------------------------- at random


def _mutate(raw: bytes, dice: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(dice.choice([1, 1, 2, 8])):
        at = dice.randrange(len(changed))
        kind = dice.random()
        if kind < 0.4:
            changed[at] ^= 1 << dice.randrange(8)
        elif kind < 0.6:
            del changed[at : at + dice.randrange(1, 200)]
        elif kind < 0.8:
            changed[at:at] = dice.choice([b"null", b"[", b'"', b"-1e999", b"\x00", b"{}"])
        else:
            changed = changed[: at + 1]
        if not changed:
            break
    return bytes(changed)


def _many(number: int) -> list[object]:
    return [
        pytest.param(range(0, 60), id="60"),
        pytest.param(range(60, number), id=str(number), marks=pytest.mark.slow_faults),
    ]


@pytest.mark.parametrize("seeds", _many(1500))
def test_a_snapshot_changed_at_random_is_read_or_refused_in_a_sentence(
    demo_report: Path, tmp_path: Path, seeds: range
) -> None:
    good = demo_report / "data"
    files = sorted(p.name for p in good.iterdir())
    for seed in seeds:
        dice = random.Random(seed)
        folder = shutil.copytree(good, tmp_path / "data", dirs_exist_ok=True)
        name = dice.choice(files)
        (folder / name).write_bytes(_mutate((good / name).read_bytes(), dice))
        if name != "manifest.json":  # as a forger would, the hash is made to fit
            refit(tmp_path)
        said = ""
        try:
            snapshot.read(folder)
        except SnapshotError as error:
            said = str(error)
        assert "\n" not in said, seed


def test_frames_of_a_report_still_hold(demo_report: Path) -> None:
    assert verify(demo_report).holds
    assert isinstance(pd.read_parquet(demo_report / "data" / "people.parquet"), pd.DataFrame)
