"""Where files lie, how strange ones are read, and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from crimenb.errors import Busy, CrimenbError, ReportError, SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterator


def notebook_path(name: str = "report") -> Path:
    """Return the path of a packaged notebook."""
    here = Path(__file__).parent / "notebooks" / f"{name}.ipynb"
    # In a source tree the notebooks stand at the top level; the wheel carries them inside.
    return here if here.is_file() else Path(__file__).parents[2] / "notebooks" / f"{name}.ipynb"


def cache_folder() -> Path:
    """Return `CRIMENB_CACHE_DIR`, or the platform's folder for such things."""
    if named := os.environ.get("CRIMENB_CACHE_DIR"):
        return Path(named)
    import platformdirs

    return platformdirs.user_cache_path("crimenb")


LARGEST_FILE = 100 * 1024**2
"""Bytes of the largest file that is read of a report somebody hands over. A city's page has 5 MB."""


def read_regular(path: Path, most: int = LARGEST_FILE) -> bytes:
    """Return the bytes of a file, whoever made it: a pipe or a device is not waited for.

    Raises
    ------
    OSError
        It cannot be opened or read.
    SnapshotError
        It is no regular file, or larger than `most` bytes.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        msg = f"{str(path)!r} is no regular file; take the report anew from whoever made it."
        raise SnapshotError(msg)
    with path.open("rb") as stream:
        raw = stream.read(most + 1)
    if len(raw) > most:
        msg = f"{str(path)!r} is larger than the limit of {most // 1024**2} MB; no report has such a file."
        raise SnapshotError(msg)
    return raw


def visible(text: str) -> str:
    r"""Return a text that can do nothing to a terminal: what is not printed is written as an escape.

    >>> print(visible("a\x1b[31m b"))
    a\x1b[31m b
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text
    )


@contextlib.contextmanager
def working(target: Path) -> Iterator[Path]:
    """Yield a hidden folder beside the target, alone; it is gone afterwards.

    What a run that was killed has left of the same target is removed first.

    Raises
    ------
    Busy
        Another run holds it.
    ReportError
        The folder cannot be written.
    """
    new = not target.parent.exists()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent / f".{target.name}.lock"):
            _clear(target)
            work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
            try:
                work.chmod(0o755)
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        if isinstance(error, CrimenbError):
            raise
        msg = f"Cannot write {str(target)!r}: {error.strerror or error}; choose another --out."
        raise ReportError(msg) from error
    finally:
        if new and not target.exists():  # leave no empty folder after a failure
            with contextlib.suppress(OSError):
                target.parent.rmdir()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock, which the system lets go when the process ends, however it ends.

    Raises
    ------
    Busy
        Another run holds it.
    """
    what = path.name.removeprefix(".").removesuffix(".lock")
    msg = f"Another run is writing {str(path.parent / what)!r} now; wait until it has finished."
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise Busy(msg) from error
    try:
        yield
    finally:
        # Removed while it is held: whoever has opened it meanwhile gets a lock on a file that is gone, which
        # filelock refuses since 3.30 (before, it removed the path itself too, and might have met a newer file).
        with contextlib.suppress(OSError):  # Windows removes no open file; an empty one is left there
            path.unlink(missing_ok=True)
        lock.release()


def swap(work: Path, target: Path) -> None:
    """Put the new folder in the old one's place; the old one goes only afterwards."""
    old = work.with_name(f"{work.name}.old")
    if target.exists():
        target.rename(old)
    try:
        work.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def sweep(out: Path) -> None:
    """Remove what killed runs have left in a folder of reports; those at work keep theirs."""
    for left in sorted(out.glob(".*_????-??_????-??*.*")):
        name = left.name.removeprefix(".").partition(".")[0]
        with contextlib.suppress(Busy), locked(out / f".{name}.lock"):
            _clear(out / name)


def _clear(target: Path) -> None:
    for left in target.parent.glob(f".{target.name}.*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)


# ------------------------------------------------------------------------ checksums

SUMS = "SHA256SUMS"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return str(hashlib.file_digest(stream, "sha256").hexdigest())


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS over every file of a report folder, as sha256sum -c reads it."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != SUMS)
    lines = [f"{digest(p)}  {p.relative_to(folder).as_posix()}\n" for p in files]
    (folder / SUMS).write_text("".join(lines), "utf-8", newline="\n")


def listed_sums(folder: Path) -> dict[str, str]:
    """Return the files that SHA256SUMS lists, by name, with their digests.

    Raises
    ------
    OSError, ValueError, SnapshotError
        There is no such list, or it is damaged.
    """
    lines = read_regular(folder / SUMS).decode().splitlines()
    return {name: digest_ for digest_, name in (line.split("  ", 1) for line in lines)}
