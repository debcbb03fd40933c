"""Sixty postcodes of one city, twelve months, from services on the loopback: what was asked.

    python -m benchmarks.live_batch [--places 60] [--latency 0.05]

The service keeps police.uk's limit (15 requests a second, a burst of 30) and answers 429 beyond
it. Told are the requests against the least possible: each distinct question once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import duckdb
from tests.nomis import nobody
from tests.processes import COMMAND
from tests.real import REAL
from tests.service import Behaviour, Service

from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.versions import resolve

FROM, TO = "2025-01", "2025-12"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--places", type=int, default=60)
    parser.add_argument("--latency", type=float, default=0.05)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [
            f
            for n in ("leicestershire", "btp")
            for f in (REAL / "police-uk-archive").glob(f"2025-*/*-{n}-street.csv")
        ]
        (folder / "postcodes").mkdir()
        (folder / "postcodes" / "le.csv").symlink_to(REAL / "code-point-open" / "le.csv")
        build_archive(sorted(files), folder / "archive", postcodes=folder / "postcodes")
        rows = duckdb.sql(
            f"SELECT postcode FROM '{resolve(folder / 'archive') / 'postcodes.parquet'}' WHERE refused = '' AND"
            f" regexp_matches(postcode, '^LE[1-5] ') ORDER BY md5(postcode) LIMIT {args.places}"
        ).fetchall()
        (folder / "list.txt").write_text("\n".join(r[0] for r in rows), "utf-8")
        command = [
            COMMAND, "batch", str(folder / "list.txt"), "--source", "live",
            "--from", FROM, "--to", TO, "--out", str(folder / "out"),
        ]  # fmt: skip
        behaviour = Behaviour(latency=args.latency, leaky=True)
        with nobody(), Service(Archive(folder / "archive"), behaviour) as service:
            env = os.environ | {
                "CRIMENB_POLICE_URL": f"{service.url}/api", "CRIMENB_POSTCODES_URL": service.url,
                "CRIMENB_CACHE_DIR": str(folder / "cache"),
            }  # fmt: skip
            for run in ("first run", "second run, nothing to do", "third run, --force"):
                service.log.clear()
                begun = time.perf_counter()
                extra = ["--force"] if "force" in run else []
                said = subprocess.run(
                    [*command, *extra], env=env, capture_output=True, text=True, check=False
                )
                took = time.perf_counter() - begun
                asked = Counter((a.method, a.path, a.query) for a in service.log)
                kinds = Counter(_kind(a.path) for a in service.log)
                refused = sum(a.status == 429 for a in service.log)
                print(f"{run}: {len(service.log)} requests in {took:.1f} s (exit {said.returncode}), "
                      f"{len(asked)} distinct, {refused} answered 429")  # fmt: skip
                for kind, count in kinds.most_common():
                    print(f"    {count:5} {kind}")
                if said.returncode:
                    print(said.stderr[-2000:])
        there = len(list((folder / "out").glob("*/report.html")))
        print(f"{there} of {len(rows)} reports")
        return 0 if there == len(rows) else 1


def _kind(path: str) -> str:
    parts = path.removeprefix("/api/").strip("/").split("/")
    known = ("crimes-street", "crimes-no-location", "locate-neighbourhood", "postcodes", "crimes-street-dates",
             "crime-last-updated", "forces")  # fmt: skip
    return parts[0] if parts[0] in known else f"neighbourhood: {parts[-1] if len(parts) > 2 else 'details'}"


if __name__ == "__main__":
    sys.exit(main())
