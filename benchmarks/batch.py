"""A report four ways, side by side in one run; how time and memory grow with their number.

    python -m benchmarks.batch [--archive DIR] [--rounds 2] [--grow 10,100,400]

(a) a shell loop of `papermill` and `jupyter nbconvert`; (b) the same two in one Python process;
(c) `crimenb batch` with one and with two workers; (d) the floor: the cells' own work, the static
drawings and the template in one warm process without any kernel. All over the same postcodes and
twelve months, spread over Leicester, Coventry, London's centre and Bristol, from an archive of
recorded data (built from CRIMENB_REAL_DATA or ../shared/data where none is given). Keep the
machine quiet. Prints Markdown for RESULTS.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from importlib import metadata
from pathlib import Path

import duckdb
import nbformat
import papermill as pm
import psutil
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbconvert import HTMLExporter
from tests.processes import COMMAND, workers_of
from tests.real import REAL

from crimenb.files import notebook_path
from crimenb.report.page import to_html

FROM, TO = "2025-01", "2025-12"
AREAS = ("LE", "CV", "EC", "BS")
VERSIONS = (
    "crimenb", "papermill", "nbclient", "nbconvert", "ipykernel", "jupyter_client", "pandas",
    "geopandas", "altair", "vl-convert-python", "distributed",
)  # fmt: skip
MB = 1e6
MANY = 100
"""Reports by (c), whose cluster takes some seconds to start."""


def postcodes(archive: Path, count: int) -> list[str]:
    """Return postcodes in turn from each of the four areas, the same each time."""
    table = archive / "postcodes.parquet"
    lists = [
        duckdb.sql(
            f"SELECT postcode FROM '{table}' WHERE refused = '' AND regexp_matches(postcode, '^{area}[0-9]')"
            f" ORDER BY md5(postcode) LIMIT {count}"
        ).fetchall()
        for area in AREAS
    ]
    return [lists[i % len(AREAS)][i // len(AREAS)][0] for i in range(count)]


def shell(places: list[str], source: str, folder: Path) -> float:
    """Return the seconds of (a), a shell loop over the two commands."""
    bin_ = Path(sys.executable).parent
    lines = ["set -e"]
    for n, postcode in enumerate(places):
        told = (
            f"-p postcode {shlex.quote(postcode)} -p start {FROM} -p end {TO} -p source {shlex.quote(source)}"
        )
        lines += [
            f"{bin_}/papermill {notebook_path()} {n}.ipynb {told}",
            f"{bin_}/jupyter nbconvert --to html {n}.ipynb",
        ]
    begun = time.perf_counter()
    subprocess.run(["sh", "-c", "\n".join(lines)], cwd=folder, check=True, capture_output=True)
    took = time.perf_counter() - begun
    assert len(list(folder.glob("*.html"))) == len(places)
    return took


def loop(places: list[str], source: str) -> None:
    """(b): print the seconds of the two libraries in one process, imports left out."""
    begun = time.perf_counter()
    exporter = HTMLExporter()
    for n, postcode in enumerate(places):
        told = {"postcode": postcode, "start": FROM, "end": TO, "source": source}
        pm.execute_notebook(notebook_path(), f"{n}.ipynb", parameters=told, progress_bar=False)
        body, _ = exporter.from_filename(f"{n}.ipynb")
        Path(f"{n}.html").write_text(body, "utf-8")
    print(json.dumps([time.perf_counter() - begun]))


def floor(places: list[str], source: str) -> None:
    """(d): print the seconds of each report without a kernel, after three to warm up."""
    took = []
    for postcode in places[:3] + places:
        InteractiveShell.clear_instance()
        shell = InteractiveShell.instance()
        begun = time.perf_counter()
        nb = nbformat.read(notebook_path(), 4)
        told = {"postcode": postcode, "start": FROM, "end": TO, "source": source}
        for number, cell in enumerate(c for c in nb.cells if c.cell_type == "code"):
            with capture_output() as heard:
                done = shell.run_cell(cell.source)
            done.raise_error()
            if "parameters" in cell.metadata.get("tags", []):
                shell.user_ns.update(told)
            cell["execution_count"] = number
            cell["outputs"] = [
                nbformat.v4.new_output("display_data", data=out.data, metadata=out.metadata or {})
                for out in heard.outputs
            ]
            if done.result is not None:
                data, metadata_ = shell.display_formatter.format(done.result)
                cell["outputs"].append(
                    nbformat.v4.new_output(
                        "execute_result", data=data, metadata=metadata_, execution_count=number
                    )
                )
        Path("floor.html").write_text(to_html(nb), "utf-8")
        took.append(time.perf_counter() - begun)
    print(json.dumps(took[3:]))


def in_process(way: str, places: list[str], source: str, folder: Path) -> list[float]:
    """Run (b) or (d) in a process of its own; return what it printed."""
    command = [sys.executable, "-m", "benchmarks.batch", "--way", way, "--source", source, *places]
    root = str(Path(__file__).parents[1])
    env = os.environ | {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    said = subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, text=True)
    return [float(v) for v in json.loads(said.stdout.splitlines()[-1])]


class Memory(threading.Thread):
    """Watches what each worker of a batch and its kernels hold, shared pages counted once."""

    def __init__(self, parent: int) -> None:
        super().__init__(daemon=True)
        self.parent, self.held, self.over = psutil.Process(parent), [], threading.Event()

    def run(self) -> None:
        """Note once a second the largest worker and the largest worker with its kernels."""
        while not self.over.wait(1):
            now = []
            try:
                for worker in workers_of(self.parent):
                    own = worker.memory_full_info().pss
                    rest = sum(_pss(p) for p in worker.children(recursive=True))
                    now.append((own / MB, (own + rest) / MB))
            except psutil.Error:
                continue
            if now:
                self.held.append((max(n[0] for n in now), max(n[1] for n in now)))

    def told(self) -> dict[str, float]:
        """Return the peak with kernels, and the worker's own in the second and the last quarter."""
        quarter = max(1, len(self.held) // 4)
        own = [h[0] for h in self.held]
        return {
            "peak": max((h[1] for h in self.held), default=0),
            "second quarter": statistics.median(own[quarter : 2 * quarter] or own or [0]),
            "last quarter": statistics.median(own[-quarter:] or [0]),
        }


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def batch(places: list[str], source: str, folder: Path, workers: int) -> tuple[float, dict[str, float]]:
    """(c): return the seconds of the whole command, its start included, and memory a worker."""
    path = folder / "list.txt"
    path.write_text("\n".join(places), "utf-8")
    command = [
        COMMAND, "batch", str(path), "--source", source,
        "--from", FROM, "--to", TO, "--out", str(folder / "out"), "--workers", str(workers),
    ]  # fmt: skip
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        memory = Memory(running.pid)
        memory.start()
        _, said = running.communicate()
    took = time.perf_counter() - begun
    memory.over.set()
    memory.join()
    there = len(list((folder / "out").glob("*/report.html")))
    if running.returncode or there != len(places):
        msg = f"{there} of {len(places)} reports; {said.decode()[-2000:]}"
        raise SystemExit(msg)
    shutil.rmtree(folder / "out")
    return took, memory.told()


def measure(archive: Path, rounds: int, grow: list[int]) -> None:
    """Run everything in turn and print the tables."""
    source = f"archive:{archive}"
    places = postcodes(archive, max([*grow, MANY]))
    ways: dict[str, list[float]] = {k: [] for k in ("a", "b", "c1", "c2", "d")}
    for n in range(rounds):
        few = places[n * 4 : n * 4 + 4]
        with tempfile.TemporaryDirectory() as name:
            ways["a"].append(shell(few, source, Path(name)) / len(few))
        with tempfile.TemporaryDirectory() as name:
            ways["b"].append(in_process("b", places[:8], source, Path(name))[0] / 8)
        for workers in (1, 2):
            with tempfile.TemporaryDirectory() as name:
                took, _ = batch(places[:MANY], source, Path(name), workers)
                ways[f"c{workers}"].append(took / MANY)
        with tempfile.TemporaryDirectory() as name:
            ways["d"].append(statistics.median(in_process("d", places[:20], source, Path(name))))
        print(f"round {n + 1}", {k: round(v[-1], 3) for k, v in ways.items()}, file=sys.stderr)
    a, b, c1, c2, d = (statistics.median(v) for v in ways.values())
    print("| way | seconds a report | reports in the time of one by (a) | times the floor |")
    print("|---|---|---|---|")
    for name, each in [
        ("(a) shell loop of `papermill` and `jupyter nbconvert`", a),
        ("(b) both in one Python process", b),
        ("(c) `crimenb batch --workers 1`, start included", c1),
        ("(c) `crimenb batch --workers 2`, start included", c2),
        ("(d) floor: cells, drawings, template, no kernel; median of 20", d),
    ]:
        print(f"| {name} | {each:.2f} | {a / each:.1f} | {each / d:.2f} |")
    print(f"\nOne worker: {b / c1:.1f} reports in the time of one by (b), {c1 / d:.2f} times the floor.\n")
    print("Two workers; memory is that of the largest one:\n")
    print("| reports | seconds | each more | peak MB with its kernels | MB alone, second and last quarter |")
    print("|---|---|---|---|---|")
    before = (0, 0.0)
    for count in grow:
        with tempfile.TemporaryDirectory() as name:
            took, held = batch(places[:count], source, Path(name), 2)
        more = (took - before[1]) / (count - before[0])
        print(
            f"| {count} | {took:.1f} | {more:.2f} s | {held['peak']:.0f} | "
            f"{held['second quarter']:.0f}, {held['last quarter']:.0f} |", flush=True,
        )  # fmt: skip
        before = (count, took)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in VERSIONS)
    python = sys.version.split()[0]
    print(f"\n{psutil.cpu_count()} cores, {sys.platform}, Python {python}, {versions}.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--archive", type=Path, help="an archive of the recorded data")
    parser.add_argument("--rounds", type=int, default=2, help="how often each way is timed")
    parser.add_argument("--grow", default="10,100,400", help="numbers of reports")
    parser.add_argument("--way", choices=["b", "d"], help=argparse.SUPPRESS)
    parser.add_argument("--source", default="", help=argparse.SUPPRESS)
    parser.add_argument("places", nargs="*", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        (loop if args.way == "b" else floor)(args.places, args.source)
        return
    with tempfile.TemporaryDirectory() as name:
        archive = args.archive or Path(name) / "archive"
        if not args.archive:
            subprocess.run(
                [COMMAND, "archive", "build", str(REAL / "police-uk-archive"),
                 "--into", str(archive), "--postcodes", str(REAL / "code-point-open")],
                check=True,
            )  # fmt: skip
        measure(archive.resolve(), args.rounds, [int(n) for n in args.grow.split(",")])


if __name__ == "__main__":
    main()
