"""Our command, and what a running batch shows from outside: finished reports, worker processes."""

import sys
from pathlib import Path

import psutil

COMMAND = str(Path(sys.executable).parent / "crimenb")


def finished(out: Path) -> dict[str, int]:
    """Return the reports that are there, with the inode of each page."""
    return {p.parent.name: p.stat().st_ino for p in out.glob("[!.]*/report.html")}


def workers_of(parent: psutil.Process) -> list[psutil.Process]:
    """Return the worker processes of a batch that are alive."""
    return [p for p in parent.children() if _is_worker(p)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return any("spawn_main" in part for part in process.cmdline())
    except psutil.NoSuchProcess:  # dead, perhaps not yet buried
        return False
