"""A zip on a server, of which only the members wanted are fetched.

The server is asked for bytes of the file (Range). The end of the file holds the zip's directory, which says
where each member stands; members that stand side by side are fetched together, in pieces, a few at a time.
Python's own zipfile reads the directory (zip64 too) and checks each member's CRC.
"""

from __future__ import annotations

import bisect
import contextlib
import io
import os
import shutil
import time
import zipfile
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from crimenb.errors import SourceError, SourceUnavailable
from crimenb.files import synced
from crimenb.sources import zips

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from crimenb.progress import Progress
    from crimenb.sources.http import Part, Web

PIECE = 1024**2
"""Bytes of one request. A slow line that breaks often gets on too; at the pace of the services this is 14 MB/s."""

AT_ONCE = 4
_TAIL = 66_000
"""The end of a zip: its last record, the longest comment, and what zip64 puts before them."""

_LARGEST_DIRECTORY = 64 * 1024**2
_TAKES = 3
"""How often a member is fetched that comes damaged."""


class RemoteFile(io.RawIOBase):
    """A file on a server, read like one on the disk.

    Parameters
    ----------
    ask
        Returns so many bytes from a place on; a negative place counts from the end.
    """

    def __init__(self, ask: Callable[[int, int], Part]) -> None:
        super().__init__()
        self._ask, self._at = ask, 0
        tail = ask(-_TAIL, _TAIL)
        self.size, self.tag = tail.total, tail.tag
        self._held: list[Part] = [tail]
        self.fetched, self.requests = len(tail.body), 1
        self._todo: deque[tuple[int, int]] = deque()
        self._coming: deque[tuple[int, int, Future[Part]]] = deque()
        self._pool: ThreadPoolExecutor | None = None

    def seekable(self) -> bool:
        """Whether one can seek: yes."""
        return True

    def readable(self) -> bool:
        """Whether one can read: yes."""
        return True

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._at

    def seek(self, to: int, whence: int = os.SEEK_SET) -> int:
        """Go somewhere; nothing is asked."""
        self._at = to + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        if self._at < 0:
            msg = "before the file's first byte"
            raise OSError(msg)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, from what is held or on its way, else by asking."""
        size = self.size - self._at if size is None or size < 0 else min(size, self.size - self._at)
        out = bytearray()
        while len(out) < size:
            part = self._part(self._at, size - len(out))
            skip = self._at - part.start
            got = part.body[skip : skip + size - len(out)]
            out += got
            self._at += len(got)
        return bytes(out)

    def pieces(self, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return the requests (start, length) that some bytes take; what is held at the end takes none."""
        until = self._held[0].start if self._held else self.size
        return [
            (s, min(PIECE, min(end, until) - s))
            for start, end in ranges
            for s in range(start, min(end, until), PIECE)
        ]

    def plan(self, ranges: Iterable[tuple[int, int]], *, anew: bool = False) -> None:
        """Fetch these bytes ahead, in their order; what stands before a byte that is read is let go.

        The end of the file is held since it was opened. `anew` asks for all bytes again.
        """
        for _, _, piece in self._coming:
            piece.cancel()
        self._coming.clear()
        self._held = [] if anew else self._held[:1]
        self._todo = deque(self.pieces(ranges))
        self._pool = self._pool or ThreadPoolExecutor(AT_ONCE)
        self._fill()

    def close(self) -> None:
        """Ask for nothing more."""
        if self._pool is not None:
            self._todo.clear()
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        super().close()

    def _fill(self) -> None:
        while self._pool is not None and self._todo and len(self._coming) < AT_ONCE:
            start, length = self._todo.popleft()
            self._coming.append((start, length, self._pool.submit(self._ask, start, length)))

    def _part(self, at: int, most: int) -> Part:
        """Return the bytes that hold a place."""
        while self._coming and self._coming[0][0] + self._coming[0][1] <= at:
            self._count(self._coming.popleft()[2].result())
            self._fill()
        if self._coming and self._coming[0][0] <= at:
            self._held[1:] = [self._count(self._coming.popleft()[2].result())]
            self._fill()
        for part in self._held:
            if part.start <= at < part.start + len(part.body):
                return part
        after = min((p.start for p in self._held if p.start > at), default=self.size)
        length = min(most, after - at)
        if length > _LARGEST_DIRECTORY:
            msg = f"its directory would have {length:,} bytes"
            raise zipfile.BadZipFile(msg)
        self._held[1:] = [self._count(self._ask(at, min(length, 8 * PIECE)))]
        return self._held[-1]

    def _count(self, part: Part) -> Part:
        self.fetched += len(part.body)
        self.requests += 1
        return part


class Wanted(NamedTuple):
    """A member, and the name of the file that it becomes."""

    member: zipfile.ZipInfo
    name: str


@dataclass
class Cost:
    """What taking some members costs: bytes on the wire, requests, bytes on the disk."""

    wire: int = 0
    requests: int = 0
    disk: int = 0


@dataclass
class RemoteZip:
    """A zip on a server. Open it with `with`; nothing is asked before.

    web, url, what, service, also: as of `Web.part`. lasting: whether a link that the service sends us on to
    may be used again until it expires.
    """

    web: Web
    url: str
    what: str
    service: str
    also: Sequence[str] = ()
    lasting: bool = True
    _links: dict[str, Any] = field(default_factory=dict)
    _first: Part | None = None

    def __enter__(self) -> Self:
        """Read the directory."""
        self.file = RemoteFile(self._ask)
        try:
            self.zip = zipfile.ZipFile(self.file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            self.file.close()
            msg = f"{self.service} gives no whole zip for {self.what} ({error}); try again later."
            raise SourceError(msg) from error
        ends = sorted([*(m.header_offset for m in self.zip.infolist()), self.zip.start_dir])
        self._end = {m.header_offset: _end(m, ends) for m in self.zip.infolist()}
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of everything."""
        self.zip.close()
        self.file.close()

    @property
    def members(self) -> list[zipfile.ZipInfo]:
        """The files in the zip, sorted by name."""
        return zips.members(self.zip)

    def cost(self, members: Iterable[zipfile.ZipInfo]) -> Cost:
        """Return what it costs to take some members, by the zip's directory."""
        members = [*members]
        pieces = self.file.pieces(self._ranges(members))
        return Cost(sum(n for _, n in pieces), len(pieces), sum(m.file_size for m in members))

    def take(self, wanted: Sequence[Wanted], into: Path, progress: Progress, label: str) -> None:
        """Write members as files; one that is there as the directory has it is left as it is.

        Each file appears whole: it is written under another name first.

        Raises
        ------
        SourceUnavailable
            The service gave no answer, or the zip was changed.
        SourceError
            A member stays damaged, or cannot be unpacked here.
        """
        left = sorted((w for w in wanted if not same(into / w.name, w.member)), key=_offset)
        todo, whole = sum(w.member.compress_size for w in left), 0
        progress(label, 0, max(todo, 1))
        for attempt in range(1, _TAKES + 1):
            self.file.plan(self._ranges(w.member for w in left), anew=attempt > 1)
            damaged = []
            for one in left:
                try:
                    self._write(one, into / one.name)
                except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                    if attempt == _TAKES:
                        msg = (
                            f"{one.name!r} came damaged {_TAKES} times out of {self.what} of {self.service} "
                            f"({error}); what came whole is kept, so try again later."
                        )
                        raise SourceError(msg) from error
                    damaged.append(one)
                else:
                    whole += one.member.compress_size
                    progress(label, whole, max(todo, 1))
            if not damaged:
                break
            left = damaged
        progress(label, max(todo, 1), max(todo, 1))

    def _write(self, one: Wanted, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)
        try:
            try:
                with self.zip.open(one.member) as source, part.open("xb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
            except (
                RuntimeError,
                NotImplementedError,
            ) as error:  # encrypted, or packed in a way not known here
                msg = f"{one.name!r} of {self.what} cannot be unpacked here ({error})."
                raise SourceError(msg) from error
            with contextlib.suppress(OverflowError, ValueError):  # a date that is none
                when = time.mktime((*one.member.date_time, 0, 0, -1))
                os.utime(part, (when, when))
            synced(part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def _ranges(self, members: Iterable[zipfile.ZipInfo]) -> list[tuple[int, int]]:
        """Return the bytes that hold these members: those side by side in one."""
        ranges: list[tuple[int, int]] = []
        for start, end in sorted((m.header_offset, self._end[m.header_offset]) for m in members):
            if ranges and ranges[-1][1] >= start:
                ranges[-1] = (ranges[-1][0], max(end, ranges[-1][1]))
            else:
                ranges.append((start, end))
        return ranges

    def _ask(self, start: int, length: int) -> Part:
        part = self.web.part(
            self.url, start, length, what=self.what, service=self.service, like=self._first,
            also=self.also, links=self._links if self.lasting else None,
        )  # fmt: skip
        self._first = self._first or part._replace(body=b"")
        return part


def same(path: Path, member: zipfile.ZipInfo) -> bool:
    """Whether a file has the size and the CRC that a zip's directory gives."""
    if not path.is_file() or path.stat().st_size != member.file_size:
        return False
    crc = 0
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            crc = zlib.crc32(chunk, crc)
    return crc == member.CRC


def absent(error: Exception) -> bool:
    """Whether an error means that there is no such file (ArcGIS says so with HTTP 200 and a text)."""
    return isinstance(error, SourceUnavailable) and error.status in {200, 400, 403, 404, 410}


def _offset(one: Wanted) -> int:
    return one.member.header_offset


def _end(member: zipfile.ZipInfo, ends: list[int]) -> int:
    """Return where a member ends: before the next one, or where its head allows at most."""
    following = ends[min(bisect.bisect_right(ends, member.header_offset), len(ends) - 1)]
    most = member.header_offset + 30 + 2 * 65_535 + member.compress_size + 24
    return min(following, most)
