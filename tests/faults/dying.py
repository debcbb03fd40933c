"""Die at every file-system call of a replacement, one after the other, and look what is left.

    python -m tests.faults.dying report|reportintwo|snapshot|archive|anotherarchive|book|index ...

A fork makes the replacement and kills itself (SIGKILL) at its n-th call, for every n; then whoever comes next
must find one whole version under the name, and a run that is not killed must leave the new one and nothing else.
Nothing of crimenb is patched: the calls are those that Python's audit hooks tell (open, os.*, and the look-up of
renameat2 just before it is called); each opened file and each fsync tells too. `reportintwo` does without renameat2.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from crimenb import snapshot
from crimenb.batch.index_page import write_index
from crimenb.batch.ledger import Entry, Ledger
from crimenb.data import Data
from crimenb.files import digest, listed_sums, swap, sweep, working, write_sums
from crimenb.query import Query
from crimenb.sources import versions

FOREIGN = {"notes.txt": "mine", "report.pdf": "a PDF", "pictures/one.txt": "deep", "data/own.csv": "x"}


def tell() -> None:
    """Have the audit hooks hear of opened files and of fsync too."""
    sync, opened = os.fsync, io.open

    def fsync(number: int) -> None:
        sys.audit("os.fsync", number)
        sync(number)

    def opening(*args, **options):
        stream = opened(*args, **options)
        sys.audit("os.opened", args[0])
        return stream

    os.fsync, io.open = fsync, opening


def die_at(n: int) -> None:
    left = n

    def hook(event: str, _: object) -> None:
        nonlocal left
        if event == "open" or event.startswith("os.") or event == "ctypes.dlsym":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


DATA_FILES = (snapshot.MANIFEST, snapshot.MONTHS, "crimes.parquet", "places.parquet")


class Report:
    """A report's folder as `make_report` writes it, the notebook not run; with files of somebody else."""

    name = "zz1-1aa_2025-01_2025-12"

    def __init__(self, folder: Path) -> None:
        self.target = folder / self.name

    def make(self, words: str) -> None:
        with working(self.target) as work:
            (work / "data").mkdir()
            for name in ("report.ipynb", "report.html", "summary.md", *(f"data/{n}" for n in DATA_FILES)):
                (work / name).write_text(f"{words} {name}", "utf-8")
            write_sums(work)
            swap(work, self.target)

    def first(self) -> None:
        self.make("old")
        for name, text in FOREIGN.items():
            (self.target / name).parent.mkdir(exist_ok=True)
            (self.target / name).write_text(text)
        (self.target / "report.ipynb").write_text("old, edited")

    def second(self) -> None:
        self.make("new")

    def come_after(self) -> None:
        sweep(self.target.parent)

    def now(self) -> str:
        """Say which version is there, whole and with every foreign file."""
        for name, text in FOREIGN.items():
            assert (self.target / name).read_text() == text, name
        for name, sum_ in listed_sums(self.target).items():
            if name != "report.ipynb":
                assert digest(self.target / name) == sum_, name
        edited = self.target / "report.edited.ipynb"
        words = (self.target / "report.html").read_text().split()[0]
        assert (edited if words == "new" else self.target / "report.ipynb").read_text() == "old, edited"
        return words

    def extra(self) -> list[str]:
        return [p.name for p in self.target.parent.iterdir() if p != self.target]


class ReportInTwo(Report):
    """The same where the system exchanges nothing."""

    def second(self) -> None:
        def refuse(_: object) -> None:
            raise OSError

        ctypes.CDLL = refuse
        super().second()


class Snapshot(Report):
    """A snapshot that somebody writes where one is."""

    name = "demo"
    data: ClassVar[dict[str, Data]] = {}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.data = self.data or {
            w: snapshot.collect(Query.parse("ZZ9 9ZZ", m, m), "demo")
            for w, m in {"old": "2025-11", "new": "2025-12"}.items()
        }
        type(self).data = self.data

    def first(self) -> None:
        snapshot.write(self.data["old"], self.target)
        (self.target / "notes.txt").write_text("mine")

    def second(self) -> None:
        snapshot.write(self.data["new"], self.target)

    def come_after(self) -> None:
        try:
            with working(self.target):
                raise InterruptedError
        except Exception:  # noqa: BLE001 - a run that fails at once
            pass

    def now(self) -> str:
        assert (self.target / "notes.txt").read_text() == "mine"
        return {"2025-11": "old", "2025-12": "new"}[snapshot.read(self.target).query.end]


class Archive:
    """An archive's pointer and versions: one, then two, then one again."""

    def __init__(self, folder: Path) -> None:
        self.target = folder / "A"

    def make(self, version: str) -> None:
        versions.sweep(self.target)
        work = Path(tempfile.mkdtemp(prefix=".new.", dir=self.target))
        for name in ("street.parquet", "postcodes.parquet", versions.INVENTORY):
            (work / name).write_text(json.dumps({"format": version, "files": [name]}))
        versions.publish(work, self.target, version)
        shutil.rmtree(work, ignore_errors=True)  # as `build_archive` ends

    def first(self) -> None:
        self.target.mkdir()
        self.make("new")
        self.make("old")

    def second(self) -> None:
        self.make("new")

    def come_after(self) -> None:
        pass

    def now(self) -> str:
        version, let_go = versions.hold(self.target)
        for name in ("street.parquet", "postcodes.parquet"):
            assert json.loads((version / name).read_text())["files"] == [name]
        found = versions.read_inventory(version)["format"]
        let_go()
        assert found == version.name
        return str(found)

    def extra(self) -> list[str]:
        known = {"A", f"A/{versions.INVENTORY}", "A/versions"}
        inside = [self.target, *self.target.iterdir(), *(self.target / "versions").iterdir()]
        found = {p.relative_to(self.target.parent).as_posix() for p in inside} - known
        return sorted(found - {"A/versions/new", "A/versions/new.readers"})


class AnotherArchive(Archive):
    """An archive after which the version comes again that was being removed."""

    def first(self) -> None:
        self.target.mkdir()
        self.make("old")

    def come_after(self) -> None:
        self.make("old")
        self.now()


class Book:
    """A ledger whose last line was cut off."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def first(self) -> None:
        book = Ledger(self.folder)
        for n in range(50):
            book.add(Entry("ZZ1 1AA", f"report-{n}", "done"))
        with book.path.open("a") as stream:
            stream.write("ZZ1 1AA,cut-off,do")

    def second(self) -> None:
        Ledger(self.folder).add(Entry("ZZ9 9ZZ", "new", "done"))

    def come_after(self) -> None:
        pass

    def now(self) -> str:
        entries = Ledger(self.folder).entries
        assert [s for s in entries if s != "new"] == [f"report-{n}" for n in range(50)]
        return "new" if "new" in entries else "old"

    def extra(self) -> list[str]:
        return [p.name for p in self.folder.iterdir() if p.name != "batch.csv"]


class Index(Book):
    """The index page."""

    def first(self) -> None:
        write_index(self.folder, [Entry("ZZ1 1AA", f"report-{n}", "done") for n in range(500)], [], [])

    def second(self) -> None:
        write_index(self.folder, [Entry("ZZ9 9ZZ", "new", "done")], [], [])

    def now(self) -> str:
        text = (self.folder / "index.html").read_text("utf-8")
        assert text.rstrip().endswith("</html>")
        assert ("report-499" in text) != ("ZZ9 9ZZ" in text)
        return "new" if "ZZ9 9ZZ" in text else "old"

    def extra(self) -> list[str]:
        return [p.name for p in self.folder.iterdir() if p.name != "index.html"]


KINDS = {c.__name__.lower(): c for c in (Report, ReportInTwo, Snapshot, Archive, AnotherArchive, Book, Index)}


def in_fork(do: Callable[[], None], n: int = 0) -> int:
    """Do it in a fork that dies at its n-th call; return the signal it died of."""
    pid = os.fork()
    if pid == 0:
        try:
            if n:
                die_at(n)
            do()
        except BaseException as error:  # noqa: BLE001
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0, "the run failed"
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def every_step(kind: str, root: Path, stride: int = 1) -> dict[str, int]:
    """Die at each step of a replacement, or at every so many; return at how many, and after how many of
    them the old one was there.
    """
    steps, old = 0, 0
    while True:
        at = 1 + steps * stride
        folder = root / f"{kind}{at}"
        folder.mkdir()
        case = KINDS[kind](folder)
        case.first()
        assert case.now() == "old"
        died = in_fork(case.second, at)
        case.come_after()
        old += bool(died) and case.now() == "old"
        in_fork(case.second)
        assert case.now() == "new"
        assert case.extra() == [], (kind, at, case.extra())
        shutil.rmtree(folder)
        if not died:
            return {"steps": steps, "old": old, "new": steps - old}
        steps += 1


def main() -> None:
    tell()
    # In memory where there is such a folder: a disk would be waited for a thousand times.
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as root:
        for asked in sys.argv[1:]:
            kind, _, stride = asked.partition(":")
            print(json.dumps({"kind": kind, **every_step(kind, Path(root), int(stride or 1))}), flush=True)


if __name__ == "__main__":
    main()
