"""Two hundred reports into a bucket while processes die and the server stops: each whole, or not to be seen.

    python -m benchmarks.bucket [--reports 200] [--deaths 5] [--down 10] [--seed 1]

An S3 server (moto) runs on the loopback. Workers are killed (SIGKILL) at random moments, once the whole batch, and
once the server stops for some seconds. It looks itself after each change whether a report that has SHA256SUMS has
all that is listed there, byte for byte; a reader of its own does the same through the service, again and again.
Then the ledger and the page are held against what is there. Prints what was seen, and the requests a report takes.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import io
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb
import psutil
from tests.processes import COMMAND, workers_of
from tests.s3 import S3, running

from crimenb.buckets import CLAIM, Bucket
from crimenb.errors import SourceError
from crimenb.files import SUMS
from crimenb.query import Query
from crimenb.snapshot import open_source

OUT, LONGEST_S = "s3://reports/many", 7200.0


class Reader(threading.Thread):
    """Looks through the service, as anybody may, and notes what has SHA256SUMS and is not as listed there."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.over, self.looks, self.partial = threading.Event(), 0, []
        self.dice = random.Random(0)

    def run(self) -> None:
        bucket = Bucket(OUT)
        while not self.over.is_set():
            with contextlib.suppress(SourceError):  # it is down
                sums = [name for name in bucket.sizes() if name.endswith(f"/{SUMS}")]
                for name in self.dice.sample(sums, min(3, len(sums))):
                    self._look(bucket, name)
            time.sleep(0.2)

    def _look(self, bucket: Bucket, name: str) -> None:
        before = bucket.tag(name)
        listed = bucket.read([name]).get(name)
        if listed is None:
            return
        hashes = dict(reversed(line.split("  ", 1)) for line in listed.decode().splitlines())
        slug = name.removesuffix(f"/{SUMS}")
        found = bucket.read(f"{slug}/{n}" for n in hashes)
        wrong = [
            n for n, h in hashes.items() if hashlib.sha256(found.get(f"{slug}/{n}", b"")).hexdigest() != h
        ]
        if wrong and bucket.tag(name) == before:  # else it was replaced meanwhile, which its SHA256SUMS tells
            self.partial.append(f"{slug}: {wrong}")
        self.looks += 1


def start(path: Path) -> subprocess.Popen[bytes]:
    """Start the batch, or go on with it."""
    command = [
        COMMAND, "batch", str(path), "--source", "demo", "--from", "2025-10", "--to", "2025-12",
        "--out", OUT, "--workers", "2",
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=(path.parent / "said.txt").open("ab"))


def whole(server: S3) -> int:
    """Return how many reports are there."""
    return sum(name.endswith(f"/{SUMS}") for name in server.names("many/"))


def measure(server: S3, path: Path, wanted: int, deaths: int, down: float, dice: random.Random) -> bool:
    """Run the batch with its accidents; print what came of it, and return whether all is as it should be."""
    moments = sorted(dice.sample(range(2, wanted - 5), deaths + 1))
    accidents = ["worker"] * (deaths - 1) + ["batch", "server"]
    dice.shuffle(accidents)
    begun, running_ = time.monotonic(), start(path)
    done: list[str] = []
    for moment, what in zip(moments, accidents, strict=True):
        while whole(server) < moment or not workers_of(psutil.Process(running_.pid)):
            if running_.poll() is not None or time.monotonic() - begun > LONGEST_S:
                raise SystemExit((path.parent / "said.txt").read_text("utf-8"))
            time.sleep(0.05)
        time.sleep(dice.uniform(0, 0.5))
        if what == "worker":
            dice.choice(workers_of(psutil.Process(running_.pid))).kill()
        elif what == "server":
            server.stop()
            time.sleep(down)
            server.start()
        else:
            family = psutil.Process(running_.pid).children(recursive=True)
            running_.kill()
            running_.wait()
            psutil.wait_procs(family, timeout=60)
            running_ = start(path)
        done.append(f"{what} at {whole(server)}")
        print(f"{time.monotonic() - begun:.0f} s: {done[-1]}", file=sys.stderr)
    code = running_.wait(LONGEST_S)
    held = server.objects("many/")
    rows = list(csv.DictReader(io.StringIO(held["batch.csv"].decode())))
    last = {row["slug"]: row for row in rows}
    hashes = {
        n.removesuffix(f"/{SUMS}"): hashlib.sha256(raw).hexdigest()
        for n, raw in held.items()
        if n.endswith(SUMS)
    }
    true = [s for s, h in hashes.items() if s in last and (last[s]["status"], last[s]["hash"]) == ("done", h)]
    shown = [s for s in hashes if f"{s}/report.html" in held["index.html"].decode()]
    print(
        f"{wanted} reports, {time.monotonic() - begun:.0f} s, exit {code}; killed or stopped: {', '.join(done)}"
    )
    print(f"{len(hashes)} whole, {len(true)} true in the ledger, {len(shown)} on the page")
    failed, claims = sum(row["status"] != "done" for row in rows), sum(n.endswith(f"/{CLAIM}") for n in held)
    kinds = dict(Counter(method for method, _ in server.asked))
    print(
        f"lines of the ledger: {len(rows)}, {failed} of them failed; {claims} claims left; requests: {kinds}"
    )
    return len(hashes) == len(true) == len(shown) == len(last) == wanted and not code


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reports", type=int, default=200)
    parser.add_argument("--deaths", type=int, default=5, help="kills, one of them of the whole batch")
    parser.add_argument("--down", type=float, default=10, help="seconds without a server")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    dice = random.Random(args.seed)
    file = open_source("demo", Query("ZZ1 1AA")).folder / "postcodes.parquet"
    found = duckdb.sql(
        f"SELECT postcode FROM '{file}' WHERE refused = '' ORDER BY md5(postcode) LIMIT {args.reports}"
    ).fetchall()
    with tempfile.TemporaryDirectory() as name, running() as server:
        path = Path(name) / "list.txt"
        path.write_text("\n".join(row[0] for row in found), "utf-8")
        reader = Reader()
        reader.start()
        good = measure(server, path, len(found), args.deaths, args.down, dice)
        reader.over.set()
        reader.join()
        print(
            f"looked at after each change: {len(server.seen_whole)} seen whole, {len(server.broken)} times in part"
        )
        print(f"looked at {reader.looks} times through the service: {len(reader.partial)} times in part")
        for text in [*server.broken, *reader.partial][:5]:
            print(text)
        return 0 if good and not server.broken and not reader.partial else 1


if __name__ == "__main__":
    sys.exit(main())
