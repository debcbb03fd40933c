"""Where the reports of a batch, its ledger and its index page go: a folder on a disk, or one in a bucket.

In a bucket the ledger and the page are replaced on the condition that they are as they were read, so
that several batches may write there at once. A temporary folder has them meanwhile.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crimenb import snapshot
from crimenb.batch.feed import NAME as FEED
from crimenb.batch.index_page import NAME as INDEX
from crimenb.batch.ledger import NAME as LEDGER
from crimenb.batch.ledger import Ledger, listed_hash, listed_reports, unchanged_hash
from crimenb.buckets import Bucket, Changed, is_address
from crimenb.errors import ReportError, SnapshotError, SourceError, SourceUnavailable
from crimenb.files import SUMS, digest, locked, regular, scratch, sweep
from crimenb.report.build import PAGE
from crimenb.snapshot import DATA, MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from crimenb.data import Data
    from crimenb.query import Query

LOG = "batch.log"
EVERY_S = 10.0
"""How often the lines of a batch go to the ledger in a bucket."""

_CHUNK = 500
"""Reports that are looked at in one go."""

_log = logging.getLogger("crimenb.batch")


class Shelf:
    """A folder on a disk."""

    def __init__(self, out: Path | str) -> None:
        self.folder = Path(out).resolve()
        """Where ledger and index page are written."""

    def __str__(self) -> str:
        """Write where it is, as workers are told."""
        return str(self.folder)

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Keep others out who would write ledger and index page."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in (self.folder / LEDGER, self.folder / LOG):
            # A file that we add to leads elsewhere, or is none.
            if path.is_symlink() or (path.exists() and not path.is_file()):
                msg = f"{str(path)!r} is a link, or no regular file; remove it, or choose another --out."
                raise ReportError(msg)
        with locked(self.folder / ".batch.lock"):
            yield

    def swept(self) -> None:
        """Put back or remove what killed runs have left."""
        sweep(self.folder)

    def manifests(self) -> Iterator[Mapping[str, Any]]:
        """Yield the manifests of the reports in the ledger that are there and can be read."""
        made = {page.parent.name for page in self.folder.glob(f"*/{PAGE}")}
        for name in sorted(made & listed_reports(self.folder)):
            with contextlib.suppress(SnapshotError):  # it is made again, or named, where its turn comes
                yield snapshot.read_manifest(self.folder / name / DATA)

    def unchanged(
        self, queries: Sequence[Query], described: Mapping[str, str], wanted: Collection[str]
    ) -> dict[str, str]:
        """Return the reports that need not be made again, with the hashes of their SHA256SUMS."""
        existing = [q for q in queries if (self.folder / q.slug).is_dir()]

        def look(query: Query) -> str:
            return unchanged_hash(self.folder / query.slug, query, described, wanted=wanted)

        with ThreadPoolExecutor() as pool:  # hashing releases the interpreter lock
            return {q.slug: h for q, h in zip(existing, pool.map(look, existing), strict=True) if h}

    def hashes(self, slugs: Sequence[str]) -> dict[str, str]:
        """Return the hashes of the SHA256SUMS of those reports that are there."""
        there = [slug for slug in slugs if (self.folder / slug / PAGE).is_file()]
        found = {}
        for slug in there:
            try:
                found[slug] = digest(regular(self.folder / slug / SUMS, ReportError))
            except (OSError, ReportError):
                _log.warning("%s is not shown: its %s cannot be read", slug, SUMS, exc_info=True)
        return found

    def data(self, slug: str) -> Data:
        """Return the data of a report."""
        return snapshot.read(self.folder / slug / DATA)

    def ledger(self) -> Ledger:
        """Return the ledger."""
        return Ledger(self.folder)

    def saved(self, ledger: Ledger) -> Ledger:
        """Return the ledger, after its new lines are where others see them."""
        return ledger

    def indexed(self, ledger: Ledger, write: Callable[[Ledger], Path]) -> tuple[Path | str, Ledger]:
        """Put the page that is written of the ledger where it belongs; return where, and the ledger."""
        return write(ledger), ledger


class BucketShelf(Shelf):
    """A folder in a bucket."""

    def __init__(self, address: Path | str) -> None:
        self.bucket = Bucket(address)
        self._key = hashlib.sha256(str(self.bucket).encode()).digest()
        self._known = 0
        self._next = 0.0

    def __str__(self) -> str:
        """Write the address."""
        return str(self.bucket)

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Make the temporary folder; the log goes to the bucket in the end."""
        with scratch() as self.folder:
            head = Ledger(self.folder, self._key).path.read_bytes()
            with contextlib.suppress(Changed):  # it is there
                self.bucket.replace(LEDGER, head, "")
            try:
                yield
            finally:
                with contextlib.suppress(OSError, SourceError):  # what went wrong before is what is said
                    self.bucket.add(LOG, (self.folder / LOG).read_bytes())

    def swept(self) -> None:
        """Do nothing: what a killed run left of a report is replaced when it is made again."""

    def manifests(self) -> Iterator[Mapping[str, Any]]:  # noqa: D102
        with scratch() as folder:
            self._copy(folder, [LEDGER])
            for name in sorted(n for n in listed_reports(folder) if Path(n).name == n and n != ".."):
                self._copy(folder, [f"{name}/{DATA}/{MANIFEST}"])
                with contextlib.suppress(SnapshotError):
                    yield snapshot.read_manifest(folder / name / DATA)

    def unchanged(  # noqa: D102
        self, queries: Sequence[Query], described: Mapping[str, str], wanted: Collection[str]
    ) -> dict[str, str]:
        found = {}
        for some in _chunks(queries):
            with scratch() as folder:
                self._copy(
                    folder, [f"{q.slug}/{name}" for q in some for name in (SUMS, f"{DATA}/{MANIFEST}")]
                )
                for q in some:
                    # Its files are those listed: no other order of writing leaves SHA256SUMS.
                    if h := unchanged_hash(folder / q.slug, q, described, wanted=wanted, proof=listed_hash):
                        found[q.slug] = h
        return found

    def hashes(self, slugs: Sequence[str]) -> dict[str, str]:  # noqa: D102
        read = (self.bucket.read(f"{slug}/{SUMS}" for slug in some) for some in _chunks(slugs))
        return {
            n.removesuffix(f"/{SUMS}"): hashlib.sha256(raw).hexdigest()
            for some in read
            for n, raw in some.items()
        }

    def data(self, slug: str) -> Data:  # noqa: D102
        with scratch() as folder:
            report = self.bucket / slug
            report.fetch(folder, [name for name in report.sizes() if name.startswith(f"{DATA}/")])
            return snapshot.read(folder / DATA)

    def ledger(self) -> Ledger:  # noqa: D102
        self._known = 0
        return self._read(self.bucket.add(LEDGER, b""))

    def _read(self, raw: bytes) -> Ledger:
        (self.folder / LEDGER).write_bytes(raw)
        self._known = len(raw)
        return Ledger(self.folder, self._key)

    def saved(self, ledger: Ledger, *, now: bool = False) -> Ledger:  # noqa: D102
        began = time.monotonic()
        if not now and began < self._next:
            return ledger
        try:
            ledger = self._read(self.bucket.add(LEDGER, ledger.path.read_bytes()[self._known :]))
        except SourceUnavailable:
            if now:
                raise
            _log.warning("The ledger could not be saved; it will be later", exc_info=True)
        ended = time.monotonic()
        self._next = ended + max(EVERY_S, 20 * (ended - began))
        return ledger

    def indexed(self, ledger: Ledger, write: Callable[[Ledger], Path]) -> tuple[Path | str, Ledger]:  # noqa: D102
        while True:
            # First: who writes the page later has read this ledger or a later one.
            tag = self.bucket.tag(INDEX)
            ledger = self.saved(ledger, now=True)
            page = write(ledger)
            raw, news = page.read_bytes(), page.with_name(FEED)
            ledger = self.saved(ledger, now=True)
            if news.is_file():  # before the page: whose page stays has put the newest news too
                self.bucket.write(FEED, news.read_bytes())
            else:
                self.bucket.remove([FEED])
            with contextlib.suppress(Changed):
                self.bucket.replace(INDEX, raw, tag)
                return f"{self.bucket}/{INDEX}", ledger

    def _copy(self, folder: Path, names: Sequence[str]) -> None:
        for name, raw in self.bucket.read(names).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(raw)


def shelf(out: Path | str) -> Shelf:
    """Return where the reports of a batch go."""
    return BucketShelf(out) if is_address(out) else Shelf(out)


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[i : i + _CHUNK] for i in range(0, len(items), _CHUNK))
