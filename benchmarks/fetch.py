"""36 months of all forces out of a zip as large as police.uk's: what it costs, and its first members fetched.

`python -m benchmarks.fetch [--members 500] [--folder DIR]`, from the root of the repository. The zip is made
here: 45 forces, 36 months, three kinds of files, noise that packs as real files do, 1.73 GB as the release of
2026-07 has. It is served on the loopback, and the whole is planned from its directory alone.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import tempfile
import time
import zipfile
from contextlib import ExitStack
from pathlib import Path

from tests.downloads import Site

from crimenb.fetch import police
from crimenb.fetch.remote_zip import Wanted
from crimenb.query import months_between
from crimenb.schema import forces
from crimenb.sources.http import RATE, Web

SIZE, PACKED = 1_733_868_300, 0.22
"""Bytes of a real release, and what real street files become in a zip (measured: 0.20 to 0.24)."""

LARGE = {"metropolitan": 9.0, "west-midlands": 3.0, "west-yorkshire": 2.6, "btp": 0.6, "city-of-london": 0.15}
SHARES = {"street": 0.62, "outcomes": 0.30, "stop-and-search": 0.08}


def make(path: Path) -> None:
    """Write the zip, with texts of noise that pack to about a fifth."""
    noise = random.Random(1)
    months, ids = months_between("2023-08", "2026-07"), [*forces()]
    sizes = {f: LARGE.get(f, 1.0) for f in ids}
    unit = SIZE / len(months) / sum(sizes.values()) / PACKED
    block = noise.randbytes(1 << 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for month in months:
            for force in ids:
                for kind, share in sorted(SHARES.items()):
                    length = int(unit * sizes[force] * share)
                    at = noise.randrange(1 << 19)
                    packed = int(length * PACKED)
                    text = (block[at:] + block * (packed // len(block) + 1))[:packed] + bytes(length - packed)
                    out.writestr(f"{month}/{month}-{force}-{kind}.csv", text)


def main() -> None:
    """Make, plan, fetch, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=500)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = asked.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        zipped = folder / "2026-07.zip"
        if not zipped.is_file():
            make(zipped)
        site = stack.enter_context(Site())
        site.add_releases({"2026-07": zipped})
        os.environ |= site.variables | {"CRIMENB_CACHE_DIR": str(folder / "cache")}
        web = stack.enter_context(Web())
        print(f"the zip: {zipped.stat().st_size:,} bytes")
        for kinds in ("street", "street,outcomes,stops"):
            begun, sent = time.perf_counter(), site.sent
            plan = police.plan(web, folder / "to", forces="all", kinds=kinds, stack=stack)
            print(f"{kinds}: planned in {time.perf_counter() - begun:.2f} s, {site.sent - sent:,} bytes")
            print(
                *plan.lines(), f"at {RATE} requests a second: {plan.cost.requests / RATE:.0f} s", sep="\n  "
            )
        plan = police.plan(web, folder / "to", forces="all", stack=stack)
        some: list[Wanted] = plan.wanted[: asked.members]
        cost = plan.source.cost([w.member for w in some])
        begun, sent, before = time.perf_counter(), site.sent, len(site.asked)
        plan.source.take(some, folder / "some", lambda *_: None, "")
        took = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"the first {len(some)}: {cost.wire:,} bytes told, {site.sent - sent:,} sent, {len(site.asked) - before} "
            f"requests, {took:.1f} s, {cost.disk:,} bytes on the disk, most memory {peak:.0f} MB"
        )


if __name__ == "__main__":
    main()
