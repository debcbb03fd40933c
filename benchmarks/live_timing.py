"""36 months of one place from a service that takes 300 ms a request, against a simulation.

`python -m benchmarks.live_timing [--latency 0.3]`, from the root of the repository. The simulation
sends the same requests through eight slots at the same rate and burst, the dependent ones in
front; what we take beyond it is our own doing.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import tempfile
import time
from pathlib import Path

from tests.service import Behaviour, Service
from tests.town import BUSY, MONTHS, build_town

from crimenb.sources.http import AT_ONCE, BURST, RATE, Web
from crimenb.sources.live import Live


def simulate(stages: list[int], latency: float, *, rate: float, burst: int, slots: int) -> float:
    """Return the seconds that stages of requests take, each stage after the one before."""
    now, tokens, filled = 0.0, float(burst), 0.0
    for requests in stages:
        free = [now] * slots
        ends = now
        for _ in range(requests):
            start = heapq.heappop(free)
            tokens, filled = min(burst, tokens + (start - filled) * rate), max(start, filled)
            if tokens < 1:
                start += (1 - tokens) / rate
                tokens, filled = 1.0, start
            tokens -= 1
            heapq.heappush(free, start + latency)
            ends = max(ends, start + latency)
        now = ends
    return now


def run(source: Live, months: list[str] | None) -> None:
    """Do what a report does with the source."""
    held = source.months()
    place = source.place(BUSY)
    source.pull(place, months or held)
    source.neighbourhood(place)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.3)
    latency = parser.parse_args().latency
    with tempfile.TemporaryDirectory() as folder, Web(Path(folder) / "cache") as web:
        town = build_town(Path(folder) / "town")
        with Service(town, Behaviour(latency=latency)) as service:
            os.environ["CRIMENB_POLICE_URL"] = f"{service.url}/api"
            os.environ["CRIMENB_POSTCODES_URL"] = service.url
            began = time.perf_counter()
            run(Live(web), None)
            took = time.perf_counter() - began
            print("first run", json.dumps(service.figures()))
            total = len(service.log)
            team = sum("/N1" in a.path or "/forces/" in a.path for a in service.log)
            stages = [1, 1, total - 2 - team, team]
            for rate, burst in ((RATE, BURST), (15, 30)):
                least = simulate(stages, latency, rate=rate, burst=burst, slots=AT_ONCE)
                print(
                    f"{took:.2f} s; simulation at {rate}/s, burst {burst}, {AT_ONCE} slots, "
                    f"stages {stages}: {least:.2f} s; ratio {took / least:.2f}"
                )
            for name, asked, months in (("months spelt out", MONTHS, MONTHS), ("latest", [], None)):
                service.log.clear()
                began = time.perf_counter()
                run(Live(web, asked=asked), months)
                print(f"again, {name}: {len(service.log)} requests, {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
