"""Two hundred reports while fifty of the processes that make them die, of every kind, and the whole batch twice.

    python -m benchmarks.kills [--reports 200] [--deaths 50] [--seed 1]

Kinds are workers, the processes that fork kernels, kernels, painters, and what Dask starts beside them. Kills are
SIGKILL, at random moments. Shows that every report is there at the end, that none was
made again after it was finished, that the ledger tells the truth, and that each verifies.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import duckdb
import psutil
from tests.processes import COMMAND, finished, workers_of

from crimenb.batch.ledger import intact_hash
from crimenb.query import Query
from crimenb.snapshot import open_source

LONGEST_S = 3600.0


def start(path: Path, out: Path) -> subprocess.Popen[bytes]:
    """Start the batch, or go on with it."""
    command = [
        COMMAND, "batch", str(path), "--source", "demo", "--from", "2025-10", "--to", "2025-12",
        "--out", str(out), "--workers", "2",
    ]  # fmt: skip
    log = (out.parent / "said.txt").open("ab")
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)


def kind_of(process: psutil.Process) -> str:
    """Say what a process of a batch is for."""
    with contextlib.suppress(psutil.NoSuchProcess):
        words = " ".join(process.cmdline())
        if "spawn_main" in words:
            return "worker"
        if "painter.py" in words:
            return "painter"
        if "import serve" in words:
            parent = process.parent()
            forked = parent is not None and "import serve" in " ".join(parent.cmdline())
            return "kernel" if forked else "process that forks kernels"
        return "beside them" if words else "gone"
    return "gone"


class Run:
    """A batch that is killed and started again, and what was seen of it."""

    def __init__(self, path: Path, out: Path, dice: random.Random) -> None:
        self.path, self.out, self.dice = path, out, dice
        self.begun = time.monotonic()
        self.seen: dict[str, int] = {}
        self.again: set[str] = set()
        self.killed: list[str] = []
        self.orphans = 0
        out.mkdir()
        self.running = start(path, out)

    def look(self) -> int:
        """Note which reports are there and whether one was made anew; return their number."""
        now = finished(self.out)
        self.again |= {s for s, inode in self.seen.items() if now.get(s) != inode}
        self.seen |= now
        return len(now)

    def wait_for(self, count: int) -> list[psutil.Process]:
        """Wait until so many reports are there; return the workers."""
        while True:
            there = self.look()
            if self.running.poll() is not None or time.monotonic() - self.begun > LONGEST_S:
                said = (self.out.parent / "said.txt").read_text("utf-8")
                msg = f"ended too early with {self.running.poll()}: {said}"
                raise SystemExit(msg)
            workers = workers_of(psutil.Process(self.running.pid))
            if there >= count and workers:
                time.sleep(self.dice.uniform(0, 0.7))
                return workers
            time.sleep(0.02)

    def kill_one(self, count: int) -> None:
        """Kill one process once so many reports are there: any kind is as likely."""
        self.wait_for(count)
        kinds: dict[str, list[psutil.Process]] = {}
        for process in psutil.Process(self.running.pid).children(recursive=True):
            kinds.setdefault(kind_of(process), []).append(process)
        chosen = self.dice.choice(sorted(kinds.keys() - {"gone"}))
        with contextlib.suppress(psutil.NoSuchProcess):
            self.dice.choice(kinds[chosen]).kill()
            self.killed.append(chosen)

    def kill_all(self, count: int) -> None:
        """Kill the batch once so many reports are there, and start it again."""
        self.wait_for(count)
        family = psutil.Process(self.running.pid).children(recursive=True)
        self.running.kill()
        self.running.wait()
        _, alive = psutil.wait_procs(family, timeout=20)
        self.orphans += len(alive)
        self.killed.append("the whole batch")
        self.running = start(self.path, self.out)

    def end(self, wanted: int) -> bool:
        """Wait for the end, say what is there, and whether all is as it should be."""
        code = self.running.wait(LONGEST_S)
        there, took, out = self.look(), time.monotonic() - self.begun, self.out
        with (out / "batch.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        last = {row["slug"]: row for row in rows}
        true = [s for s in self.seen if s in last and last[s]["hash"] == intact_hash(out / s) != ""]
        twice = sum(r["status"] == "done" for r in rows) - len(last)
        begun_twice = sum(int(r["attempts"] or 1) > 1 for r in last.values())
        left = sorted(p.name for p in out.glob(".*"))
        print(f"{len(self.killed)} killed: {dict(Counter(self.killed))}")
        print(f"{there} of {wanted} reports after {took:.0f} s, exit {code}")
        print(f"made again after they were finished: {len(self.again)}")
        print(f"ledger: {len(true)} true, {twice} entered twice, {begun_twice} begun more than once")
        print(f"left behind: {left or 'nothing'}; processes outliving a killed batch: {self.orphans}")
        begun = time.monotonic()
        folders = sorted(str(out / s) for s in self.seen)
        said = subprocess.run([COMMAND, "verify", *folders], capture_output=True, text=True, check=False)
        print(f"verify: exit {said.returncode}, {time.monotonic() - begun:.0f} s")
        print("\n".join((said.stdout + said.stderr).splitlines()[-3:]))
        bad = self.again or twice or left or self.orphans or code or said.returncode
        return there == wanted == len(true) and not bad


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reports", type=int, default=200)
    parser.add_argument("--deaths", type=int, default=50, help="processes killed")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    dice = random.Random(args.seed)
    file = open_source("demo", Query("ZZ1 1AA")).folder / "postcodes.parquet"
    rows = duckdb.sql(
        f"SELECT postcode FROM '{file}' WHERE refused = '' ORDER BY md5(postcode) LIMIT {args.reports}"
    ).fetchall()
    moments = sorted(dice.choices(range(1, len(rows) - 3), k=args.deaths + 2))
    whole = set(dice.sample(range(len(moments)), 2))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "list.txt"
        path.write_text("\n".join(r[0] for r in rows), "utf-8")
        run = Run(path, Path(name) / "out", dice)
        for number, moment in enumerate(moments):
            (run.kill_all if number in whole else run.kill_one)(moment)
        return 0 if run.end(len(rows)) else 1


if __name__ == "__main__":
    sys.exit(main())
